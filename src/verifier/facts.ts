// What verification learns for the JIT, gathered over all paths. Write-only while the verifier runs;
// a fact that differs between paths is dropped, never guessed.
import type { Access, AccessKind, CallAux, InsnAux } from "./proof.ts";

/** A fact that must be the same on every path. */
class Same<T> {
  private value: T | undefined = undefined;
  private state: "unseen" | "same" | "differs" = "unseen";
  note(v: T | undefined): void {
    if (v === undefined) this.state = "differs";
    else if (this.state === "unseen") {
      this.value = v;
      this.state = "same";
    } else if (this.value !== v) this.state = "differs";
  }
  get differs(): boolean {
    return this.state === "differs";
  }
  get(): T | undefined {
    return this.state === "same" ? this.value : undefined;
  }
}

class AccessFacts {
  readonly kinds: AccessKind[] = [];
  readonly maps: number[] = [];
  /** frames whose stack is accessed */
  readonly subprogs: number[] = [];
  write = false;
  readonly fpOff = new Same<number>();
  readonly fpDepth = new Same<number>();
}

class CallFacts {
  kfunc: CallAux["kfunc"] = undefined;
  readonly map = new Same<number>();
  readonly constKey = new Same<number>();
  readonly callback = new Same<number>();
  readonly noFlags = new Same<boolean>();
}

class InsnFacts {
  jumpTaken = false;
  jumpFallthrough = false;
  isJump = false;
  access: AccessFacts | undefined = undefined;
  call: CallFacts | undefined = undefined;
}

function addOnce<T>(list: T[], v: T): void {
  if (!list.includes(v)) list.push(v);
}

export class Facts {
  private readonly insns: (InsnFacts | undefined)[];
  /** per subprog */
  readonly stackEscapes: boolean[] = [];
  readonly readsUninit: boolean[] = [];
  writesPkt = false;
  resizesPkt = false;
  usesTailCall = false;
  readonly helpers = new Set<number>();
  readonly kfuncs = new Set<string>();
  /** see ProgFacts */
  readonly needs = new Set<string>();

  constructor(insnCnt: number) {
    this.insns = new Array(insnCnt).fill(undefined);
  }

  private at(pc: number): InsnFacts {
    let f = this.insns[pc];
    if (f === undefined) {
      f = new InsnFacts();
      this.insns[pc] = f;
    }
    return f;
  }

  seen(pc: number): void {
    if (this.insns[pc] === undefined) this.insns[pc] = new InsnFacts();
  }

  isSeen(pc: number): boolean {
    return this.insns[pc] !== undefined;
  }

  jump(pc: number, taken: boolean): void {
    const f = this.at(pc);
    f.isJump = true;
    if (taken) f.jumpTaken = true;
    else f.jumpFallthrough = true;
  }

  private accessAt(pc: number): AccessFacts {
    const f = this.at(pc);
    f.access ??= new AccessFacts();
    return f.access;
  }

  access(pc: number, kind: AccessKind, write: boolean, map?: number): AccessFacts {
    const a = this.accessAt(pc);
    if (a.kinds.length !== 1 || a.kinds[0] !== kind) addOnce(a.kinds, kind);
    if (write) a.write = true;
    if (map !== undefined) addOnce(a.maps, map);
    return a;
  }

  /** off undefined: variable */
  stackAccess(pc: number, write: boolean, subprogno: number, depth: number, off: number | undefined): void {
    const a = this.access(pc, "stack", write);
    a.fpOff.note(off);
    a.fpDepth.note(depth);
    if (a.subprogs[0] !== subprogno) addOnce(a.subprogs, subprogno);
  }

  private callAt(pc: number): CallFacts {
    const f = this.at(pc);
    f.call ??= new CallFacts();
    return f.call;
  }

  callKfunc(pc: number, name: string, ignored: readonly boolean[]): void {
    this.kfuncs.add(name);
    this.callAt(pc).kfunc ??= { name, ignored };
  }
  callMap(pc: number, map: number | undefined): void {
    this.callAt(pc).map.note(map);
  }
  callKey(pc: number, key: number | undefined): void {
    this.callAt(pc).constKey.note(key);
  }
  callback(pc: number, subprogno: number): void {
    this.callAt(pc).callback.note(subprogno);
  }
  loopFlags(pc: number, areZero: boolean): void {
    this.callAt(pc).noFlags.note(areZero);
  }

  /** Stack accesses that are not one constant place on every path make the frames they touch escape. */
  finish(): (InsnAux | undefined)[] {
    for (const f of this.insns) {
      const a = f?.access;
      if (a === undefined || a.subprogs.length === 0) continue;
      if (a.fpOff.differs || a.fpDepth.differs || a.kinds.length > 1 || a.subprogs.length > 1)
        for (const s of a.subprogs) this.stackEscapes[s] = true;
    }
    return this.insns.map((f) => (f === undefined ? undefined : toAux(f)));
  }
}

function toAccess(a: AccessFacts): Access {
  const fpOff = a.fpOff.get();
  const fpDepth = a.fpDepth.get();
  const base = { kinds: a.kinds, write: a.write, maps: a.maps };
  return fpOff === undefined || fpDepth === undefined ? base : { ...base, fpOff, fpDepth };
}

function toCall(c: CallFacts): CallAux {
  const map = c.map.get();
  const constKey = c.constKey.get();
  const callback = c.callback.get();
  return {
    ...(c.kfunc === undefined ? {} : { kfunc: c.kfunc }),
    ...(map === undefined ? {} : { map }),
    ...(constKey === undefined ? {} : { constKey }),
    ...(callback === undefined ? {} : { callback }),
    ...(callback !== undefined && c.noFlags.get() === true ? { inlined: true } : {}),
  };
}

function toAux(f: InsnFacts): InsnAux {
  return {
    seen: true,
    ...(f.isJump ? { jump: { taken: f.jumpTaken, fallthrough: f.jumpFallthrough } } : {}),
    ...(f.access === undefined ? {} : { access: toAccess(f.access) }),
    ...(f.call === undefined ? {} : { call: toCall(f.call) }),
  };
}
