// What the registers of a basic block hold, as far as it can be told from the block alone: an unknown value plus a
// constant, and of which bytes of memory a value is put together. Starts from nothing at the head of each block.
import type { AluOp, Insn, InsnOf, Operand, RegNo } from "../../src/isa/insn.ts";
import type { AccessKind, InsnAux } from "../../src/verifier/proof.ts";
import { effectsOf } from "./regs.ts";

/** A byte that a load of the block brought, or, without kinds, byte `off` of the unknown value `root`. */
export interface Byte {
  /** the address: unknown value `root` plus `off` */
  readonly root: number;
  readonly off: number;
  /** kinds of the access, and how often memory of these kinds may have changed before it */
  readonly kinds: string;
  readonly age: number;
  /** the load, and what its base register was above `root` */
  readonly pc: number;
  readonly baseAdd: number;
}

export function isOwnByte(byte: Byte): boolean {
  return byte.kinds === "";
}

/** By position in the value, lowest first; undefined: this byte is zero. */
export type Lanes = readonly (Byte | undefined)[];

export interface Value {
  /** the value is the unknown one of this number plus `add` */
  readonly root: number;
  readonly add: number;
  /** absent: of other things than whole bytes */
  readonly lanes?: Lanes;
}

/** Where a register has just got, or still has, an unknown value. */
export interface Origin {
  readonly pc: number;
  readonly regno: RegNo;
  readonly when: "before" | "after";
}

/** Roots that mean the same everywhere; others are positive and of one block. */
export const FP_ROOT = -1;
const ZERO_ROOT = -2;
const FIRST_MAP_ROOT = -3;

export function constantOf({ root, add }: Value): number | undefined {
  return root === ZERO_ROOT ? add : undefined;
}

/** The root of the address of a map's first value. */
function mapRoot(map: number): number {
  return FIRST_MAP_ROOT - map;
}

export function mapOfRoot(root: number): number | undefined {
  return root <= FIRST_MAP_ROOT ? FIRST_MAP_ROOT - root : undefined;
}

const NO_BYTES: Lanes = Array.from({ length: 8 }, () => undefined);
/** Offsets are exact below this; sums of them stay so. */
const MAX_ADD = 2 ** 31;

// memory is told apart by kind; `mem` may be any of them
const CLASS: Readonly<Record<AccessKind, number>> = {
  ctx: 0,
  stack: 1,
  pkt: 2,
  pkt_meta: 2,
  map_value: 3,
  map_key: 3,
  mem: 4,
};
const CLASSES = 5;
const MEM = CLASS.mem;

/** How often each class of memory may have changed. */
class Ages {
  readonly #ages = new Array<number>(CLASSES).fill(0);

  write(kinds: readonly AccessKind[] | undefined): void {
    const touched = new Set(kinds?.map((kind) => CLASS[kind]) ?? [MEM]);
    for (let i = 0; i < CLASSES; i++) {
      if (i === MEM || touched.has(i) || touched.has(MEM)) this.#ages[i]!++;
    }
  }

  of(kinds: readonly AccessKind[]): number {
    return kinds.reduce((sum, kind) => sum + this.#ages[CLASS[kind]]!, 0);
  }
}

type Shuffle = (lanes: Lanes, imm: number, bytes: number) => Lanes | undefined;

function pick(from: (lane: number) => Byte | undefined, bytes: number): Lanes {
  return NO_BYTES.map((_, lane) => (lane < bytes ? from(lane) : undefined));
}

function mask(lanes: Lanes, imm: number, bytes: number): Lanes | undefined {
  const ones = BigInt.asUintN(64, BigInt(imm));
  const at = (lane: number): number => Number((ones >> BigInt(lane * 8)) & 0xffn);
  if (lanes.some((byte, lane) => byte !== undefined && at(lane) !== 0 && at(lane) !== 0xff)) return undefined;
  return pick((lane) => (at(lane) === 0 ? undefined : lanes[lane]), bytes);
}

/** Operations with a constant that move or drop whole bytes. */
const SHUFFLES: { readonly [K in AluOp]?: Shuffle } = {
  lsh: (lanes, imm, bytes) =>
    imm % 8 === 0 && imm >= 0 ? pick((lane) => lanes[lane - imm / 8], bytes) : undefined,
  rsh: (lanes, imm, bytes) =>
    imm % 8 === 0 && imm >= 0
      ? pick((lane) => (lane + imm / 8 < bytes ? lanes[lane + imm / 8] : undefined), bytes)
      : undefined,
  and: mask,
};

/** Operations that join values without a common byte. */
const JOINS: ReadonlySet<AluOp> = new Set(["or", "xor", "add"]);

function join(a: Lanes, b: Lanes, bytes: number): Lanes | undefined {
  if (a.some((byte, lane) => byte !== undefined && b[lane] !== undefined)) return undefined;
  return pick((lane) => a[lane] ?? b[lane], bytes);
}

export class BlockValues {
  readonly #regs = new Map<RegNo, Value>();
  readonly #ages = new Ages();
  /** by root: of values whose own bytes are lanes */
  readonly origins = new Map<number, Origin>();
  #pc = 0;
  #roots = 0;

  get(regno: RegNo): Value {
    if (regno === 10) return { root: FP_ROOT, add: 0 };
    const known = this.#regs.get(regno);
    if (known !== undefined) return known;
    return this.#own(regno, "before", 8);
  }

  /** A value of which nothing is known but how many of its bytes may not be zero. */
  #own(regno: RegNo, when: Origin["when"], bytes: number): Value {
    const root = this.#roots++;
    const pc = this.#pc;
    const value: Value = {
      root,
      add: 0,
      lanes: pick((off) => ({ root, off, kinds: "", age: 0, pc, baseAdd: 0 }), bytes),
    };
    this.origins.set(root, { pc, regno, when });
    this.#regs.set(regno, value);
    return value;
  }

  /** The insn that `get` is asked for. */
  at(insn: Insn): void {
    this.#pc = insn.pc;
  }

  /** The effect of an insn; gives the value it puts into its destination where the bytes of that are known. */
  step(insn: Insn, aux: InsnAux | undefined): Value | undefined {
    this.at(insn);
    const value = this.#result(insn, aux);
    this.#writeMemory(insn, aux);
    const { defs } = effectsOf(insn);
    for (const regno of [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] as const) {
      if (((defs >> regno) & 1) !== 0) this.#regs.delete(regno);
    }
    if (!("dst" in insn) || insn.kind === "jmp") return value;
    if (value !== undefined) this.#regs.set(insn.dst, value);
    else this.#own(insn.dst, "after", insn.kind === "alu" && insn.width === 32 ? 4 : 8);
    return value;
  }

  #unknown(lanes?: Lanes): Value {
    const root = this.#roots++;
    return lanes === undefined ? { root, add: 0 } : { root, add: 0, lanes };
  }

  #result(insn: Insn, aux: InsnAux | undefined): Value | undefined {
    switch (insn.kind) {
      case "alu":
        return insn.op === "mov" ? this.#mov(insn) : this.#alu(insn);
      case "ldx":
        return this.#load(insn, aux);
      case "end":
        return this.#swap(insn);
      case "ld_imm64":
        return insn.value.kind === "map_value"
          ? { root: mapRoot(insn.value.map), add: insn.value.off }
          : undefined;
      default:
        return undefined;
    }
  }

  #operand(src: Operand): Value {
    if (src.kind === "reg") return this.get(src.regno);
    return { root: ZERO_ROOT, add: src.imm, ...(src.imm === 0 ? { lanes: NO_BYTES } : {}) };
  }

  #mov({ src, width }: InsnOf<"alu">): Value | undefined {
    const value = this.#operand(src);
    if (width === 64) return value;
    if (value.root === ZERO_ROOT) return { ...value, add: value.add >>> 0 };
    const { lanes } = value;
    if (lanes === undefined) return undefined;
    const low = pick((lane) => lanes[lane], 4);
    return lanes.every((byte, lane) => byte === low[lane]) ? value : this.#unknown(low);
  }

  #alu(insn: InsnOf<"alu">): Value | undefined {
    const dst = this.get(insn.dst);
    const src = this.#operand(insn.src);
    const bytes = insn.width / 8;
    if (insn.src.kind === "imm") {
      const { imm } = insn.src;
      if (insn.width === 64 && (insn.op === "add" || insn.op === "sub")) {
        const add = insn.op === "add" ? dst.add + imm : dst.add - imm;
        return Math.abs(add) < MAX_ADD ? { root: dst.root, add } : undefined;
      }
      const lanes = dst.lanes && SHUFFLES[insn.op]?.(dst.lanes, imm, bytes);
      return lanes && this.#unknown(lanes);
    }
    if (!JOINS.has(insn.op) || dst.lanes === undefined || src.lanes === undefined) return undefined;
    const lanes = join(dst.lanes, src.lanes, bytes);
    return lanes && this.#unknown(lanes);
  }

  #load(insn: InsnOf<"ldx">, aux: InsnAux | undefined): Value | undefined {
    const access = aux?.access;
    if (insn.signed || access === undefined) return undefined;
    const { root, add } = this.get(insn.base);
    const kinds = access.kinds.join();
    const age = this.#ages.of(access.kinds);
    return this.#unknown(
      pick(
        (lane) => ({ root, off: add + insn.off + lane, kinds, age, pc: insn.pc, baseAdd: add }),
        insn.size,
      ),
    );
  }

  #swap({ dst, to, bits }: InsnOf<"end">): Value | undefined {
    const { lanes } = this.get(dst);
    const bytes = bits / 8;
    return lanes && this.#unknown(pick((lane) => lanes[to === "le" ? lane : bytes - 1 - lane], bytes));
  }

  #writeMemory(insn: Insn, aux: InsnAux | undefined): void {
    if (insn.kind === "call" || insn.kind === "ld_abs" || insn.kind === "ld_ind") this.#ages.write(undefined);
    if (insn.kind === "st")
      this.#ages.write(aux?.access?.kinds ?? (insn.base === 10 ? ["stack"] : undefined));
    // others may wait for these: nothing moves across
    if (insn.kind === "atomic" || insn.kind === "store_release" || insn.kind === "load_acquire")
      this.#ages.write(undefined);
  }
}
