// Stores put together: clang writes an unaligned field byte by byte. Stores of one block to adjacent bytes, all of one
// value's bytes or of constants, are one store, done at the last of them. Only where nothing between the first and the
// last can see or change those bytes; so memory is at every load and call what the program makes it.
import type { Insn, InsnOf, Size } from "../../src/isa/insn.ts";
import type { AccessKind, InsnAux } from "../../src/verifier/proof.ts";
import { findWideLoad, type WideLoad } from "./loads.ts";
import { type BlockValues, type Byte, constantOf, isOwnByte, type Lanes, type Value } from "./values.ts";

/** Where the bytes come from, lowest first. */
export type Source =
  | { readonly kind: "const"; readonly value: bigint }
  | { readonly kind: "wide"; readonly load: WideLoad }
  /** the unknown value `root` of the block, from byte `from` on */
  | {
      readonly kind: "own";
      readonly root: number;
      readonly name: string;
      readonly from: number;
      readonly swapped: boolean;
    };

export interface WideStore {
  /** the last of the narrow stores: its base register leads to the others' places too */
  readonly pc: number;
  readonly off: number;
  readonly size: Size;
  readonly source: Source;
  /** all of them */
  readonly pcs: readonly number[];
}

interface Narrow {
  readonly pc: number;
  /** from the root */
  readonly off: number;
  readonly size: Size;
  readonly baseAdd: number;
  readonly lanes: readonly (Byte | number)[];
}

const KINDS: ReadonlySet<AccessKind> = new Set(["pkt", "pkt_meta", "map_value"]);
const WINDOWS: readonly Size[] = [8, 4, 2];
/** Swapping two bytes costs more than storing them one by one. */
const MIN_SWAPPED = 4;

function stored(
  { src, size }: InsnOf<"st">,
  value: Value | undefined,
): readonly (Byte | number)[] | undefined {
  const constant = src.kind === "imm" ? src.imm : value && constantOf(value);
  if (constant !== undefined) {
    return Array.from({ length: size }, (_, i) => Number((BigInt(constant) >> BigInt(i * 8)) & 0xffn));
  }
  return value?.lanes?.slice(0, size).map((byte) => byte ?? 0);
}

function sourceOf(lanes: readonly (Byte | number)[], block: number): Source | undefined {
  if (lanes.every((lane) => typeof lane === "number")) {
    return { kind: "const", value: lanes.reduceRight((sum, lane) => (sum << 8n) | BigInt(lane), 0n) };
  }
  if (lanes.some((lane) => typeof lane === "number")) return undefined;
  const bytes = lanes as readonly Byte[];
  const [first] = bytes;
  if (first === undefined) return undefined;
  if (!isOwnByte(first)) {
    const padded: Lanes = Array.from({ length: 8 }, (_, i) => bytes[i]);
    const load = findWideLoad(padded);
    return load && { kind: "wide", load };
  }
  const runs = (step: number): boolean =>
    bytes.every(
      (byte, i) => isOwnByte(byte) && byte.root === first.root && byte.off === first.off + i * step,
    );
  const { root } = first;
  const name = `kept${block}.${root}`;
  if (runs(1)) return { kind: "own", root, name, from: first.off, swapped: false };
  if (bytes.length < MIN_SWAPPED || !runs(-1)) return undefined;
  return { kind: "own", root, name, from: first.off - bytes.length + 1, swapped: true };
}

/** The stores of one block. */
export class StoreRuns {
  readonly found: WideStore[] = [];

  /** pc of the block: names of its values' locals begin with it */
  constructor(readonly block: number) {}

  #root = 0;
  #kind: AccessKind | undefined;
  #run: Narrow[] = [];
  readonly #bytes = new Set<number>();

  /** Before `values` has made the step. */
  see(insn: Insn, aux: InsnAux | undefined, values: BlockValues): void {
    const kinds = aux?.access?.kinds;
    if (insn.kind === "ldx") {
      if (!this.#isApart(insn, kinds, values)) this.flush();
    } else if (insn.kind === "st") {
      this.#store(insn, kinds, values);
    } else if (insn.kind === "call" || insn.kind === "ld_abs" || insn.kind === "ld_ind" || "base" in insn) {
      this.flush();
    }
  }

  #isApart(
    insn: InsnOf<"ldx"> | InsnOf<"st">,
    kinds: readonly AccessKind[] | undefined,
    values: BlockValues,
  ): boolean {
    if (this.#run.length === 0) return true;
    if (insn.base === 10 || kinds?.every((kind) => kind === "stack" || kind === "ctx") === true) return true;
    const { root, add } = values.get(insn.base);
    if (root !== this.#root) return false;
    for (let i = 0; i < insn.size; i++) if (this.#bytes.has(add + insn.off + i)) return false;
    return true;
  }

  #store(insn: InsnOf<"st">, kinds: readonly AccessKind[] | undefined, values: BlockValues): void {
    if (!this.#isApart(insn, kinds, values)) this.flush();
    const [kind] = kinds ?? [];
    if (insn.base === 10 || kinds?.length !== 1 || kind === undefined || !KINDS.has(kind)) return;
    const { root, add } = values.get(insn.base);
    const value = insn.src.kind === "reg" ? values.get(insn.src.regno) : undefined;
    const lanes = stored(insn, value);
    if (this.#run.length > 0 && (root !== this.#root || kind !== this.#kind)) this.flush();
    if (lanes === undefined) return;
    this.#root = root;
    this.#kind = kind;
    const off = add + insn.off;
    this.#run.push({ pc: insn.pc, off, size: insn.size, baseAdd: add, lanes });
    for (let i = 0; i < insn.size; i++) this.#bytes.add(off + i);
  }

  /** Nothing that is pending may be put off any longer. */
  flush(): void {
    const run = this.#run.toSorted((a, b) => a.off - b.off);
    this.#run = [];
    this.#bytes.clear();
    for (let at = 0; at < run.length; ) {
      const wide = WINDOWS.map((size) => join(run, at, size, this.block)).find(
        (store) => store !== undefined,
      );
      if (wide !== undefined) this.found.push(wide);
      at += wide?.pcs.length ?? 1;
    }
  }
}

/** The stores from `at` on that together write `size` bytes. */
function join(run: readonly Narrow[], at: number, size: Size, block: number): WideStore | undefined {
  const start = run[at]!.off;
  let end = start;
  let next = at;
  for (; end < start + size && run[next]?.off === end; next++) end += run[next]!.size;
  if (end !== start + size || next - at < 2) return undefined;
  const parts = run.slice(at, next);
  const source = sourceOf(
    parts.flatMap(({ lanes }) => lanes),
    block,
  );
  if (source === undefined) return undefined;
  const last = parts.reduce((found, part) => (part.pc > found.pc ? part : found));
  return { pc: last.pc, off: start - last.baseAdd, size, source, pcs: parts.map(({ pc }) => pc) };
}
