// One path's knowledge: frames of registers and stack slots. A fork is a clone: registers and slots are
// immutable, so a clone copies arrays of references. A checkpoint is a state kept for pruning; it also
// collects what was learned later about which of its values mattered (precise).
import { NO_HIST } from "./history.ts";
import type { SccVisit } from "../prune/scc.ts";
import type { Instance } from "../stack/live.ts";
import { emptyList } from "./list.ts";
import { NOT_INIT, type RegState, ptrReg } from "./regs.ts";
import { EMPTY_SLOT, respill, type StackSlot } from "./stack.ts";

export const MAX_STACK = 512;
export const MAX_FRAMES = 8;
export const MAIN_CALLSITE = -1;

/** A set of stack slots (0..63) as two words. */
export class SlotSet {
  constructor(
    public lo = 0,
    public hi = 0,
  ) {}
  has(spi: number): boolean {
    return ((spi < 32 ? this.lo >>> spi : this.hi >>> (spi - 32)) & 1) !== 0;
  }
  add(spi: number): void {
    if (spi < 32) this.lo |= 1 << spi;
    else this.hi |= 1 << (spi - 32);
  }
  delete(spi: number): void {
    if (spi < 32) this.lo &= ~(1 << spi);
    else this.hi &= ~(1 << (spi - 32));
  }
  get isEmpty(): boolean {
    return (this.lo | this.hi) === 0;
  }
  set(lo: number, hi: number): void {
    this.lo = lo;
    this.hi = hi;
  }
  clone(): SlotSet {
    return new SlotSet(this.lo, this.hi);
  }
}

/** Of every frame that is not part of a checkpoint; never written. */
const NO_SLOTS = new SlotSet();
const ALL_SLOTS = new SlotSet(-1, -1);

/** How a frame was entered. The same object in all copies of the frame. */
export class Call {
  /** its function as the calls of this path reach it, once that was asked */
  instance: Instance | undefined = undefined;
  constructor(
    readonly frameno: number,
    readonly subprogno: number,
    readonly callsite: number,
    readonly kind: "call" | "callback" | "async",
    /** outermost frames of async callbacks: how many callbacks in a row set the next one */
    readonly asyncEntry: number,
  ) {}
}

export class Frame {
  /** checkpoints: values that a decision depended on */
  preciseRegs = 0;
  preciseSlots = NO_SLOTS;
  /** checkpoints: slots that some path from here may read */
  private live = ALL_SLOTS;
  /** `slots` may be those of other frames too: never written then */
  private shared = false;

  constructor(
    readonly call: Call,
    readonly regs: RegState[],
    private slots: (StackSlot | undefined)[],
    /** callbacks: how many times this frame's bpf_loop was simulated */
    public callbackDepth: number,
  ) {}

  get frameno(): number {
    return this.call.frameno;
  }
  get subprogno(): number {
    return this.call.subprogno;
  }
  get callsite(): number {
    return this.call.callsite;
  }
  get inCallback(): boolean {
    return this.call.kind === "callback";
  }
  get inAsyncCallback(): boolean {
    return this.call.kind === "async";
  }

  clone(): Frame {
    const copy = new Frame(this.call, this.regs.slice(), this.slots, this.callbackDepth);
    copy.shared = true;
    this.shared = true;
    return copy;
  }

  /** From now on marks are collected here. */
  keepMarks(): void {
    this.preciseSlots = new SlotSet();
  }

  /** index = (-off - 1) / 8; holes are uninitialised */
  get stack(): readonly (StackSlot | undefined)[] {
    return this.slots;
  }

  slot(spi: number): StackSlot {
    return this.live.has(spi) ? (this.slots[spi] ?? EMPTY_SLOT) : EMPTY_SLOT;
  }

  setSlot(spi: number, slot: StackSlot): void {
    this.growTo(spi);
    this.own()[spi] = slot;
  }

  /** From now on it has this many slots at least. */
  growTo(count: number): void {
    if (this.slots.length >= count) return;
    const slots = this.own();
    while (slots.length < count) slots.push(undefined);
  }

  /** The other slots are uninitialised from now on, though frames that share them may still read them. */
  keepOnly(live: SlotSet): void {
    this.live = live;
  }

  private own(): (StackSlot | undefined)[] {
    if (this.shared) {
      this.slots = this.slots.slice();
      this.shared = false;
    }
    return this.slots;
  }
}

export function newFrame(
  frameno: number,
  subprogno: number,
  callsite: number,
  kind: Call["kind"] = "call",
  asyncEntry = 0,
): Frame {
  const regs: RegState[] = new Array(11).fill(NOT_INIT);
  regs[10] = ptrReg("fp", 0, frameno);
  return new Frame(new Call(frameno, subprogno, callsite, kind, asyncEntry), regs, emptyList(), 0);
}

/** Something a path took and must give back: a counted object, a lock, the right to interrupts. Immutable. */
export interface Ref {
  readonly kind: "ptr" | "irq" | LockKind;
  /** ptr: the number values derived from it carry. lock: the id of the value it lies in. */
  readonly id: number;
  /** the insn that took it */
  readonly pc: number;
  /** lock: what it lies in, a map or an object */
  readonly owner?: string;
}

export type LockKind = "lock" | "res_lock" | "res_lock_irq";

const LOCK_KINDS: ReadonlySet<Ref["kind"]> = new Set(["lock", "res_lock", "res_lock_irq"]);

export function isLock(ref: Ref): boolean {
  return LOCK_KINDS.has(ref.kind);
}

const NO_REFS: readonly Ref[] = [];

/** What walking back over a path begins with. */
export interface PathEnd {
  readonly parent: VerifierState | undefined;
  readonly hist: number;
  readonly firstPc: number;
  /** how many frames */
  readonly depth: number;
}

export class VerifierState implements PathEnd {
  parent: VerifierState | undefined = undefined;
  /** checkpoints: paths from here that are not finished */
  branches = 1;
  firstPc = 0;
  lastPc = -1;
  /** since firstPc: the latest entry of its history */
  hist: number = NO_HIST;
  mayGotoDepth = 0;
  callbackUnrollDepth = 0;
  /** checkpoints: where it was taken */
  pc = -1;
  /** checkpoints: the loop it lies in, by the calls that lead there */
  sccVisit: SccVisit | undefined = undefined;
  /** checkpoints: what cannot be read any more was cleared */
  cleaned = false;
  /** checkpoints: no longer compared, but paths go on from it */
  dropped = false;
  /** what this path holds, in the order it was taken; never changed in place */
  refs: readonly Ref[] = NO_REFS;
  /** how deep in regions of preemption disabled, of RCU reading */
  preemptDepth = 0;
  rcuDepth = 0;
  /** this path is a callback that may sleep, whatever the program may */
  inSleepable = false;
  /** no program that runs is ever here: what a processor may do before it finds that it guessed wrong */
  speculative = false;

  constructor(readonly frames: Frame[]) {}

  get depth(): number {
    return this.frames.length;
  }

  get cur(): Frame {
    return this.frames[this.frames.length - 1] as Frame;
  }

  clone(): VerifierState {
    // not map(): once V8 has compiled that it makes arrays with holes, and code for those without starts over
    const frames = this.frames.slice();
    for (let i = 0; i < frames.length; i++) frames[i] = (frames[i] as Frame).clone();
    const st = new VerifierState(frames);
    st.parent = this.parent;
    st.firstPc = this.firstPc;
    st.lastPc = this.lastPc;
    st.hist = this.hist;
    st.mayGotoDepth = this.mayGotoDepth;
    st.callbackUnrollDepth = this.callbackUnrollDepth;
    st.refs = this.refs;
    st.preemptDepth = this.preemptDepth;
    st.rcuDepth = this.rcuDepth;
    st.inSleepable = this.inSleepable;
    st.speculative = this.speculative;
    return st;
  }

  get holdsLock(): boolean {
    return this.refs.length > 0 && this.refs.some(isLock);
  }

  addRef(ref: Ref): void {
    this.refs = [...this.refs, ref];
  }

  dropRef(ref: Ref): void {
    this.refs = this.refs.filter((r) => r !== ref);
  }
}

// What outlives the insn that made it is made by a constructor, not written as a literal: engines put literals that
// often live long where only a full collection frees them, and with each all that it holds.

/** A state that was kept for pruning, and whether keeping it paid. */
export class Explored {
  hits = 0;
  misses = 0;
  constructor(readonly state: VerifierState) {}
}

/** A state that is to be walked on from `pc`. */
export class Branch {
  constructor(
    readonly state: VerifierState,
    readonly pc: number,
    readonly prevPc: number,
    readonly logPos: number,
    /** how far the row of histories reached */
    readonly histTop: number,
  ) {}
}

/** Replaces every register and spilled value of the state by what `f` makes of it. */
export function mapRegs(st: VerifierState, f: (r: RegState) => RegState): void {
  for (const frame of st.frames) {
    const regs = frame.regs;
    for (let i = 0; i < 10; i++) {
      const was = regs[i] as RegState;
      const now = f(was);
      if (now !== was) regs[i] = now;
    }
    for (let i = 0; i < frame.stack.length; i++) {
      const slot = frame.stack[i];
      if (slot?.spilled === undefined) continue;
      const now = f(slot.spilled);
      if (now !== slot.spilled) frame.setSlot(i, respill(slot, now));
    }
  }
}
