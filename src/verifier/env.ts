// The verifier's working memory for one program: subprograms, marks, counters, the branch stack, the history of
// jumps, and the log. `reject` is the only place of the verifier that throws. Holds no rules of its own.
import type { Btf } from "../btf/btf.ts";
import type { Insn } from "../isa/insn.ts";
import type { LineInfo } from "../elf/object_spec.ts";
import type { ErrnoName } from "../spec/errors.ts";
import type { HelperProto } from "../spec/helpers.ts";
import type { CtxField, CtxLayout } from "../spec/ctx/field.ts";
import type { AttachTarget } from "./prog/attach_target.ts";
import { CAPABILITIES, type Capability, type Rights, rightsOf } from "../spec/privileges.ts";
import { VerifierError } from "./error.ts";
import type { Field } from "./btf/fields.ts";
import { Facts } from "./facts.ts";
import type { Kfunc } from "./kfunc/desc.ts";
import { IdMap } from "./state/id_map.ts";
import { emptyList } from "./state/list.ts";
import { Memo } from "./state/memo.ts";
import { insnText, VerifierLog } from "./log/log.ts";
import { logsStacks, pathLevel, type VerifyOptions } from "./options.ts";
import { ProgMaps } from "./prog_maps.ts";
import type { MapDef, Prog, VerifyStats } from "./proof.ts";
import { History, NO_HIST } from "./state/history.ts";
import type { RegState, RegType } from "./state/regs.ts";
import type { Scalar } from "./scalar/scalar.ts";
import type { Sides } from "./insns/learn.ts";
import type { SccVisit } from "./prune/scc.ts";
import { lineOf } from "./source_line.ts";
import { isStoppedBy, STOPPED, Speculation } from "./state/speculation.ts";
import { StackLive } from "./stack/live.ts";
import { Branch, type Explored, type Frame, MAIN_CALLSITE, newFrame, VerifierState } from "./state/state.ts";
import { StoredNow } from "./state/stored.ts";
import { Flow } from "./passes/flow.ts";
import type { Subprog } from "./passes/subprogs.ts";
import { UndoRows } from "./precision/undo.ts";
import { Wanted } from "./precision/wanted.ts";

export const MAX_INSNS = 1_000_000;
const MAX_JMP_SEQ = 8192;

export class Env {
  readonly insns: readonly (Insn | undefined)[];
  readonly flow: Flow;
  /** what the JIT is told: of the current path, if it can be walked by a program that runs */
  facts: Facts;
  private readonly realFacts: Facts;
  private readonly noFacts: Facts;
  readonly caps: readonly Capability[];
  readonly may: Rights;
  readonly speculation: Speculation;
  readonly log: VerifierLog;
  private readonly texts: string[] = [];
  readonly progMaps: ProgMaps;
  /** those of progMaps */
  readonly maps: readonly MapDef[];
  /** special fields of maps by index, of objects by type: see fields.ts */
  readonly mapFields = new Map<number, readonly Field[]>();
  readonly typeFields = new Map<number, readonly Field[]>();
  subprogs: Subprog[] = [];
  /** start of a subprogram -> its number */
  readonly subprogStarts = new Map<number, number>();

  /** fields of the context that were accessed: see findCtxField */
  readonly ctxFields = new Map<number, CtxField>();

  /** the helpers that are called, by number: see helperOf */
  readonly helpers: (HelperProto | undefined)[] = [];

  /** some helper gets arguments that it does not look at before it runs */
  unseenArgs = false;

  /** the kernel functions that are called, by the id in the call */
  readonly kfuncs = new Map<number, Kfunc>();

  // marks, one a slot
  readonly prunePoint: Uint8Array;
  readonly jmpPoint: Uint8Array;
  readonly forceCheckpoint: Uint8Array;
  readonly callsCallback: Uint8Array;
  /** spills and fills around calls that keep their registers */
  readonly fastcall: Uint8Array;
  /** calls that ask an iterator for its next element */
  readonly iterNext: Uint8Array;
  /** registers that may be read at or after the insn before they are written */
  readonly liveRegs: Uint16Array;
  loopHeads: number[] = [];

  // the path being walked
  state: VerifierState = new VerifierState([]);
  pc = 0;
  prevPc = -1;
  readonly branches: Branch[] = emptyList();

  readonly history = new History();
  /** the entry of the current insn, if it has one yet */
  curHist: number = NO_HIST;
  /** components of insns that reach each other, one a slot; 0 = none */
  readonly scc: Uint32Array;
  /** components that are one call that calls back */
  readonly callbackSccs = new Set<number>();
  readonly sccVisits = new Map<string, SccVisit>();
  /** those entered without a call, by component */
  readonly sccsOfMain: (SccVisit | undefined)[] = [];
  /** paths kept until the component they went round is done */
  backedges = 0;

  readonly stackLive = new StackLive();

  /** what the search for precise scalars looks for; what is compared by pattern when states are */
  readonly wanted = new Wanted();
  readonly undo: UndoRows;
  readonly sides: Memo<Scalar, Scalar, Sides>;
  readonly sums: Memo<Scalar, Scalar, RegState>;
  readonly places: Memo<RegState, Scalar, RegState>;
  /** what helpers return that give a length: see helper_ret.ts */
  readonly sizes = new Map<number, RegState>();
  readonly ids = new IdMap();

  /** by the current insn */
  readonly stored = new StoredNow();

  /** kept states by place and calling place; a list may hold those of other places too: see exploredAt */
  explored: (Explored[] | undefined)[];
  /** per insn: the register in which states that met there last differed */
  readonly differed: Uint8Array;
  idGen = 0;
  processed = 0;
  jmpsProcessed = 0;
  prevJmps = 0;
  prevInsns = 0;
  totalStates = 0;
  curStates = 0;
  peakStates = 0;
  maxStatesPerInsn = 0;
  timeUs = 0;

  /** while arguments of some call are checked: what every refusal then ends with, and its errno if it has its own */
  blame: { readonly line: string; readonly code?: ErrnoName } | undefined = undefined;

  /** what a program attached by BTF is attached to */
  target: AttachTarget | undefined = undefined;

  /** per insn: the type of pointer it was seen to load or store through */
  readonly ptrTypes: (RegType | undefined)[] = [];

  /** some path has kept a dynptr, an iterator or the like on a stack */
  stackObjects = false;

  /** the program names an arena */
  hasArena = false;

  /** what to write instead of what is refused next */
  hint: string | undefined = undefined;

  /** BPF_F_STRICT_ALIGNMENT, BPF_F_TEST_STATE_FREQ of the program's load */
  readonly strictAlignment: boolean;
  readonly testStateFreq: boolean;
  /** number of the subprogram that catches what is thrown, 0 = none */
  exceptionCb = 0;

  // what the log must print of the current frame
  scratchedRegs = 0;
  scratchedLo = 0;
  scratchedHi = 0;

  constructor(
    readonly prog: Prog,
    readonly ctx: CtxLayout,
    readonly options: VerifyOptions,
    /** insns to walk before the log begins */
    readonly logFrom: number,
  ) {
    const n = prog.insns.length;
    this.insns = prog.insns;
    this.flow = new Flow(prog.insns);
    this.undo = new UndoRows(prog.insns);
    this.sides = new Memo(n);
    this.sums = new Memo(n);
    this.places = new Memo(n);
    this.strictAlignment = prog.flags.includes("strict_alignment");
    this.caps = options.caps ?? CAPABILITIES;
    this.may = rightsOf(this.caps);
    this.testStateFreq = this.may.testFlags && prog.flags.includes("test_state_freq");
    this.realFacts = new Facts(n);
    this.noFacts = new Facts(n);
    this.facts = this.realFacts;
    this.speculation = new Speculation(n);
    this.ids.allPrecise = !this.may.imprecision;
    this.ids.uninitStack = this.may.uninitStack;
    this.log = new VerifierLog(logFrom > 0 ? 0 : pathLevel(options.logLevel));
    this.progMaps = new ProgMaps(prog.maps);
    this.maps = this.progMaps.all;
    this.prunePoint = new Uint8Array(n);
    this.jmpPoint = new Uint8Array(n);
    this.forceCheckpoint = new Uint8Array(n);
    this.callsCallback = new Uint8Array(n);
    this.fastcall = new Uint8Array(n);
    this.iterNext = new Uint8Array(n);
    this.liveRegs = new Uint16Array(n);
    this.scc = new Uint32Array(n);
    this.explored = new Array(n).fill(undefined);
    this.differed = new Uint8Array(n);
  }

  /** Pruning compares everything exactly: what was claimed covers what is pruned. */
  get exact(): boolean {
    return this.options.claims !== undefined;
  }

  get kernelBtf(): Btf | undefined {
    return this.prog.kernelBtf?.();
  }

  get frame(): Frame {
    return this.state.cur;
  }

  get regs(): RegState[] {
    return this.state.cur.regs;
  }

  newId(): number {
    return ++this.idGen;
  }

  mapAt(index: number): MapDef {
    return this.maps[index] as MapDef;
  }

  /** Registers of a frame that may still be read: at `pc`, or at the call the frame waits in. */
  liveIn(st: VerifierState, frame: Frame, pc: number): number {
    const next = st.frames[frame.frameno + 1];
    return this.liveRegs[next === undefined ? pc : next.callsite] as number;
  }

  setReg(regno: number, r: RegState): void {
    this.state.cur.regs[regno] = r;
    this.scratchedRegs |= 1 << regno;
  }

  scratchSlot(spi: number): void {
    if (spi < 32) this.scratchedLo |= 1 << spi;
    else this.scratchedHi |= 1 << (spi - 32);
  }

  scratchAll(): void {
    this.scratchedRegs = -1;
    this.scratchedLo = -1;
    this.scratchedHi = -1;
  }

  lineAt(pc: number): LineInfo | undefined {
    return lineOf(this.prog.lines, pc);
  }

  /**
   * The list of states kept for the current place, and of those that share it by chance: the kernel's hash table,
   * so that what is counted in its statistics, and when a state is kept, is the same.
   */
  exploredAt(): Explored[] {
    const i = ((this.pc ^ this.frame.callsite) >>> 0) % this.explored.length;
    let list = this.explored[i];
    if (list === undefined) {
      list = emptyList();
      this.explored[i] = list;
    }
    return list;
  }

  notePeak(): void {
    this.peakStates = Math.max(this.peakStates, this.curStates + this.backedges);
  }

  stats(): VerifyStats {
    return {
      processed: this.processed,
      totalStates: this.totalStates,
      peakStates: this.peakStates,
      maxStatesPerInsn: this.maxStatesPerInsn,
      timeUs: this.timeUs,
    };
  }

  /** The insn as the log prints it. */
  textOf(insn: Insn): string {
    let text = this.texts[insn.pc];
    if (text === undefined) {
      text = insnText(insn, this.kfuncs, this.may.pointerLeaks);
      this.texts[insn.pc] = text;
    }
    return text;
  }

  /** A line of the log, if there is one. */
  say(line: string): void {
    if (this.log.level > 0) this.log.line(line);
  }

  /** `depths`: bytes of each function's stack, asked for only where the log names them. */
  closeLog(depths: () => readonly number[] = () => this.subprogs.map((sub) => sub.stackDepth)): void {
    if (logsStacks(this.options.logLevel)) this.log.line(`stack depth ${depths().join("+")}`);
    this.log.line(
      `processed ${this.processed} insns (limit ${MAX_INSNS}) max_states_per_insn ${this.maxStatesPerInsn} ` +
        `total_states ${this.totalStates} peak_states ${this.peakStates} mark_read 0`,
    );
  }

  /** Refuses the program at the current insn. */
  reject(code: ErrnoName, ...reasons: string[]): never {
    this.rejectAt(this.pc, code, ...reasons);
  }

  /** Refuses the program; pc -1 where no insn is to blame. */
  rejectAt(pc: number, code: ErrnoName, ...reasons: string[]): never {
    if (this.blame !== undefined) reasons.push(this.blame.line);
    for (const r of reasons) this.log.line(r);
    if (this.speculation.guarded && isStoppedBy(this.blame?.code ?? code)) throw STOPPED;
    this.closeLog();
    const insn = pc < 0 ? undefined : this.insns[pc];
    const line = pc < 0 ? undefined : this.lineAt(pc);
    throw new VerifierError({
      code: this.blame?.code ?? code,
      reasons,
      pc: insn === undefined ? -1 : pc,
      insn: insn === undefined ? "" : this.textOf(insn),
      source: line === undefined ? undefined : `${line.file}:${line.line} ${line.text.trim()}`,
      log: this.log.lines,
      stats: this.stats(),
      hint: this.hint,
    });
  }

  /** No further path can be queued. */
  get isFull(): boolean {
    return this.branches.length >= MAX_JMP_SEQ;
  }

  /** Queues the current state to be continued at pc; returns it, so that its facts can be narrowed. */
  push(pc: number, prevPc: number, tooMany: ErrnoName = "EFAULT"): VerifierState {
    const state = this.state.clone();
    this.branches.push(new Branch(state, pc, prevPc, this.log.pos, this.history.top));
    if (this.branches.length > MAX_JMP_SEQ)
      this.reject(tooMany, `The sequence of ${this.branches.length} jumps is too complex.`);
    if (state.parent !== undefined) state.parent.branches++;
    return state;
  }

  /** Queues a callback that runs later: it begins a path of its own, with nothing of the current one. */
  pushAsync(subprogno: number): Frame {
    const frame = newFrame(0, subprogno, MAIN_CALLSITE, "async", this.frame.call.asyncEntry + 1);
    this.scratchAll();
    const state = new VerifierState([frame]);
    const pc = (this.subprogs[subprogno] as Subprog).start;
    state.firstPc = pc;
    this.branches.push(new Branch(state, pc, this.pc, this.log.pos, this.history.top));
    if (this.branches.length > MAX_JMP_SEQ)
      this.reject("EFAULT", `The sequence of ${this.branches.length} jumps is too complex for async cb.`);
    return frame;
  }

  /**
   * Lets go of what the walk kept: a garbage collector that has moved part of it to where it seldom looks would
   * take all the rest along.
   */
  forgetStates(): void {
    for (const list of this.explored) if (list !== undefined) list.length = 0;
    this.explored = [];
    this.branches.length = 0;
    this.sccVisits.clear();
    this.sides.clear();
    this.sums.clear();
    this.places.clear();
    this.state = new VerifierState([]);
  }

  /** Takes up the latest queued state; false when there is none. */
  pop(): boolean {
    const branch = this.branches.pop();
    if (branch === undefined) {
      this.facts = this.realFacts;
      return false;
    }
    if (this.backedges === 0) this.history.cut(branch.histTop); // else it may be walked back over yet
    this.state = branch.state;
    this.facts = branch.state.speculative ? this.noFacts : this.realFacts;
    this.pc = branch.pc;
    this.prevPc = branch.prevPc;
    if (this.log.level === 1) this.log.reset(branch.logPos);
    return true;
  }

  /** Notes for backtracking that the path passed here, and what the insn touched. */
  pushHistory(flags: number, linked: readonly number[] | undefined): void {
    if (this.curHist === NO_HIST) {
      this.curHist = this.history.add(this.pc, this.prevPc, this.state.hist);
      this.state.hist = this.curHist;
    }
    if (flags !== 0 || linked !== undefined) this.history.amend(this.curHist, flags, linked);
  }
}
