// The gate as a type: only verify() can make a VerifiedProg, and only a VerifiedProg can be compiled.
// InsnAux is what verification learned that the JIT and checked mode rely on.
import type { FuncInfo, LineInfo, SpecialField, SubprogSpec } from "../elf/object_spec.ts";
import type { Btf } from "../btf/btf.ts";
import type { Insn } from "../isa/insn.ts";
import type { MapTypeName } from "../spec/map_types.ts";
import type { AttachTypeName, ProgTypeName } from "../spec/prog_types.ts";

/** What the verifier must know of a map that exists. */
export interface MapDef {
  readonly name: string;
  readonly type: MapTypeName;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra?: bigint;
  readonly specialFields: readonly SpecialField[];
  readonly keyTypeId: number;
  readonly valueTypeId: number;
  /** contents of a frozen read-only map: loads from it are constants */
  readonly frozen?: Uint8Array;
  readonly inner?: MapDef;
}

/** A program ready for verification: relocated, its maps known. */
export interface Prog {
  readonly name: string;
  readonly type: ProgTypeName;
  readonly expectedAttachType?: AttachTypeName;
  /** type id in `kernelBtf` of what a tracing or security program is attached to */
  readonly attachBtfId?: number;
  readonly flags: readonly string[];
  readonly gplCompatible: boolean;
  /** one entry a slot; the second slot of ld_imm64 is undefined */
  readonly insns: readonly (Insn | undefined)[];
  readonly maps: readonly MapDef[];
  readonly btf?: Btf;
  /** the types of the kernel it is for; asked for by programs that need them, since reading them takes a while */
  readonly kernelBtf?: () => Btf | undefined;
  /** whether that kernel has a symbol of this name; undefined where it is not known */
  readonly hasSymbol?: (name: string) => boolean | undefined;
  readonly subprogs: readonly SubprogSpec[];
  readonly lines: readonly LineInfo[];
  readonly funcs: readonly FuncInfo[];
}

/** In Access.maps: a map that a lookup in another map gave. */
export const INNER_MAP = -1;

/** The kinds of memory a verified access may touch; checked mode tests the address against the region. */
export type AccessKind = "ctx" | "stack" | "pkt" | "pkt_meta" | "map_value" | "map_key" | "mem";

export interface Access {
  /** every kind seen on any path; more than one is rare */
  readonly kinds: readonly AccessKind[];
  readonly write: boolean;
  /** map_value: indexes into Prog.maps, or INNER_MAP */
  readonly maps: readonly number[];
  /** stack: constant offset from the frame pointer of frame `fpDepth` levels up (0 = own), if the same on every path */
  readonly fpOff?: number;
  readonly fpDepth?: number;
}

export interface CallAux {
  /** calls of kernel functions: which, and the arguments it takes; what it does not look at is 0 */
  readonly kfunc?: { readonly name: string; readonly ignored: readonly boolean[] };
  /** the one map passed on every path (index into Prog.maps), if it is always the same */
  readonly map?: number;
  /** constant value of the u32 key on every path, for arrays and program arrays */
  readonly constKey?: number;
  /** callback helpers: the subprog index of the callback, if always the same */
  readonly callback?: number;
  /** bpf_loop with one callback and flags 0: the kernel inlines it, and then the E2BIG it gives is 32 bits wide */
  readonly inlined?: boolean;
}

/** Facts about one insn, over all explored paths. Absent for insns never reached. */
export interface InsnAux {
  /** explored on some path; what is not may be replaced by a trap */
  readonly seen: boolean;
  /** conditional jumps: which sides were ever explored */
  readonly jump?: { readonly taken: boolean; readonly fallthrough: boolean };
  readonly access?: Access;
  readonly call?: CallAux;
}

export interface SubprogInfo {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  /** bytes of stack this subprog itself uses, rounded up to 8 */
  readonly stackDepth: number;
  readonly isCallback: boolean;
  readonly isAsyncCallback: boolean;
  /** a stack address leaves constant-offset loads and stores (passed to a helper, subprog, or used with a variable offset) */
  readonly stackEscapes: boolean;
  /** may read stack bytes it never wrote: the frame must be zeroed on entry */
  readonly readsUninitStack: boolean;
  readonly hasTailCall: boolean;
}

export interface VerifyStats {
  readonly processed: number;
  readonly totalStates: number;
  readonly peakStates: number;
  readonly maxStatesPerInsn: number;
  readonly timeUs: number;
}

export interface ProgFacts {
  /** direct packet stores or helpers that write packet bytes */
  readonly writesPkt: boolean;
  /** helpers that move data, data_end or data_meta */
  readonly resizesPkt: boolean;
  readonly usesTailCall: boolean;
  readonly helpers: readonly number[];
  /** names of the kernel functions that are called */
  readonly kfuncs: readonly string[];
  /** loops that the verifier did not bound tightly must poll the stop word (back-edge targets) */
  readonly loopHeads: readonly number[];
  /** number of the subprog that catches what bpf_throw throws, 0 = none: it is what the program returns */
  readonly exceptionCb: number;
  /** what the program uses that is no memory of its own: kinds of pointers it looks through, in the log's words */
  readonly needs: readonly string[];
}

/** Imported by verify.ts and by nothing else; the layer test holds this. */
export let issue: (
  prog: Prog,
  aux: readonly (InsnAux | undefined)[],
  subprogs: readonly SubprogInfo[],
  facts: ProgFacts,
  stats: VerifyStats,
  log: readonly string[],
) => VerifiedProg;

/** Proof that verify() accepted this program. The private field makes the gate hold at run time as well as in types. */
export class VerifiedProg {
  readonly #proof = true;
  private constructor(
    readonly prog: Prog,
    readonly aux: readonly (InsnAux | undefined)[],
    readonly subprogs: readonly SubprogInfo[],
    readonly facts: ProgFacts,
    readonly stats: VerifyStats,
    readonly log: readonly string[],
  ) {}

  static is(v: unknown): v is VerifiedProg {
    return typeof v === "object" && v !== null && #proof in v && v.#proof;
  }

  static {
    issue = (prog, aux, subprogs, facts, stats, log) =>
      new VerifiedProg(prog, aux, subprogs, facts, stats, log);
  }
}
