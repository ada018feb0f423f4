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

// What one insn was seen to do, as bits.
const SEEN = 1;
const JUMP = 2;
const TAKEN = 4;
const FELL_THROUGH = 8;

/** Of insns that touch no memory and call nothing, by those bits: the same object for all. */
const PLAIN: readonly (InsnAux | undefined)[] = Array.from({ length: 16 }, (_, bits) => plainAux(bits));

function plainAux(bits: number): InsnAux | undefined {
  if ((bits & SEEN) === 0) return undefined;
  if ((bits & JUMP) === 0) return { seen: true };
  return { seen: true, jump: { taken: (bits & TAKEN) !== 0, fallthrough: (bits & FELL_THROUGH) !== 0 } };
}

/** What is gathered of the insn, made when it is first asked for. */
function entryOf<T>(list: (T | undefined)[], pc: number, Kind: new () => T): T {
  let entry = list[pc];
  if (entry === undefined) {
    entry = new Kind();
    list[pc] = entry;
  }
  return entry;
}

function addOnce<T>(list: T[], v: T): void {
  if (!list.includes(v)) list.push(v);
}

export class Facts {
  private readonly bits: Uint8Array;
  private readonly accesses: (AccessFacts | undefined)[];
  private readonly calls: (CallFacts | undefined)[];
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
    this.bits = new Uint8Array(insnCnt);
    this.accesses = new Array(insnCnt).fill(undefined);
    this.calls = new Array(insnCnt).fill(undefined);
  }

  private note(pc: number, bits: number): void {
    this.bits[pc] = (this.bits[pc] as number) | bits;
  }

  seen(pc: number): void {
    this.note(pc, SEEN);
  }

  isSeen(pc: number): boolean {
    return this.bits[pc] !== 0;
  }

  jump(pc: number, taken: boolean): void {
    this.note(pc, SEEN | JUMP | (taken ? TAKEN : FELL_THROUGH));
  }

  private accessAt(pc: number): AccessFacts {
    this.note(pc, SEEN);
    return entryOf(this.accesses, pc, AccessFacts);
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
    this.note(pc, SEEN);
    return entryOf(this.calls, pc, CallFacts);
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
    for (const a of this.accesses) {
      if (a === undefined || a.subprogs.length === 0) continue;
      if (a.fpOff.differs || a.fpDepth.differs || a.kinds.length > 1 || a.subprogs.length > 1)
        for (const s of a.subprogs) this.stackEscapes[s] = true;
    }
    return this.accesses.map((access, pc) => toAux(this.bits[pc] as number, access, this.calls[pc]));
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

function toAux(
  bits: number,
  access: AccessFacts | undefined,
  call: CallFacts | undefined,
): InsnAux | undefined {
  const plain = PLAIN[bits];
  if (plain === undefined || (access === undefined && call === undefined)) return plain;
  return {
    ...plain,
    ...(access === undefined ? {} : { access: toAccess(access) }),
    ...(call === undefined ? {} : { call: toCall(call) }),
  };
}
