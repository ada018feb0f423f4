// Keys by value: a program writes a key to its stack in pieces, and the library would read it from there in whole words,
// which a CPU cannot forward from its store buffer. So each byte of such a key is also kept in a local, cut into pieces
// where stores begin and end, and lookups get the words put together from locals. Memory is always written as well.
import type { Insn, InsnOf, Size } from "../../src/isa/insn.ts";
import { argKind, type ArgKind, HELPERS } from "../../src/spec/helpers.ts";
import type { InsnAux, MapDef } from "../../src/verifier/proof.ts";
import type { MapBinding } from "../lower/abi.ts";
import { isAccess, stackOff } from "../lower/stack.ts";

/** Bytes of the frame that a local holds, zero-extended. */
export interface Piece {
  /** from the frame pointer */
  readonly off: number;
  readonly size: Size;
}

export interface KeyPlan {
  /** ascending, no two share a byte */
  readonly pieces: readonly Piece[];
  /** by pc of a lookup: the offset of its key */
  readonly lookups: ReadonlyMap<number, number>;
}

export const NO_KEYS: KeyPlan = { pieces: [], lookups: new Map() };

const LOOKUP = 1;
/** More cost more than they save. */
const MAX_PIECES = 64;

/** The largest key that a lookup in a map of this type takes by value. */
const MAX_KEY: Readonly<Partial<Record<MapDef["type"], number>>> = {
  array: 4,
  percpu_array: 4,
  hash: 16,
  percpu_hash: 16,
  lru_hash: 16,
  lru_percpu_hash: 16,
};

function takesKey({ type, keySize }: MapDef): boolean {
  return type === "lpm_trie" ? keySize === 8 : keySize <= (MAX_KEY[type] ?? 0);
}

export interface KeyInput {
  readonly insns: readonly Insn[];
  readonly aux: readonly (InsnAux | undefined)[];
  readonly maps: readonly MapBinding[];
  /** by pc of a call: where r2 points, from the frame pointer */
  readonly r2: ReadonlyMap<number, number>;
}

function findLookups({ insns, aux, maps, r2 }: KeyInput): Map<number, MapDef> {
  const found = new Map<number, MapDef>();
  for (const insn of insns) {
    if (insn.kind !== "call" || insn.callee.kind !== "helper" || insn.callee.id !== LOOKUP) continue;
    const call = aux[insn.pc]?.call;
    const def = call?.map === undefined ? undefined : maps[call.map]?.def;
    const isArray = def?.type === "array" || def?.type === "percpu_array";
    if (def === undefined || !takesKey(def) || (isArray && call?.constKey !== undefined)) continue;
    const off = r2.get(insn.pc);
    if (off !== undefined && off + def.keySize <= 0) found.set(insn.pc, def);
  }
  return found;
}

/** Cuts [start, end) into pieces that one load can read. */
function cut(start: number, end: number): Piece[] {
  const pieces: Piece[] = [];
  for (let off = start; off < end; ) {
    const left = end - off;
    const size: Size = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    pieces.push({ off, size });
    off += size;
  }
  return pieces;
}

export function planKeys(input: KeyInput): KeyPlan {
  const found = findLookups(input);
  if (found.size === 0) return NO_KEYS;
  const lookups = new Map<number, number>();
  const cuts = new Set<number>();
  const bytes = new Set<number>();
  for (const [pc, { keySize }] of found) {
    const off = input.r2.get(pc)!;
    lookups.set(pc, off);
    for (let i = 0; i < keySize; i += 8) cuts.add(off + i);
    cuts.add(off + keySize);
    for (let i = 0; i < keySize; i++) bytes.add(off + i);
  }
  for (const insn of input.insns) {
    const off = insn.kind === "st" ? stackOff(insn, input.aux[insn.pc]) : undefined;
    if (off !== undefined && insn.kind === "st") cuts.add(off).add(off + insn.size);
  }
  const pieces = cutRuns(bytes, cuts);
  return pieces.length > MAX_PIECES ? NO_KEYS : { pieces, lookups };
}

/** Pieces of all the bytes, none across a cut. */
function cutRuns(bytes: ReadonlySet<number>, cuts: ReadonlySet<number>): Piece[] {
  const pieces: Piece[] = [];
  let start: number | undefined;
  for (const off of [...bytes].toSorted((a, b) => a - b)) {
    start ??= off;
    if (bytes.has(off + 1) && !cuts.has(off + 1)) continue;
    pieces.push(...cut(start, off + 1));
    start = undefined;
  }
  return pieces;
}

/** The pieces of [off, off + size); none lies across its ends if it was planned with. */
export function piecesIn(pieces: readonly Piece[], off: number, size: number): readonly Piece[] {
  return pieces.filter((piece) => piece.off >= off && piece.off + piece.size <= off + size);
}

// biome-ignore format: table
const READ_ONLY_ARGS: ReadonlySet<ArgKind> = new Set<ArgKind>([
  "dontcare", "anything", "ctx", "const_map_ptr", "map_key", "map_value", "mem", "mem_or_null", "const_size",
  "const_size_or_zero", "const_str", "timer", "spin_lock",
]);

function callMayWrite({ callee }: InsnOf<"call">): boolean {
  const row = callee.kind === "helper" ? HELPERS[callee.id] : undefined;
  return row === undefined || row.protos.some((p) => p.args.some((arg) => !READ_ONLY_ARGS.has(argKind(arg))));
}

/** May change bytes of the own frame other than by a store that says which ones. */
export function mayWriteFrame(insn: Insn, aux: InsnAux | undefined): boolean {
  if (insn.kind === "call") return callMayWrite(insn);
  if (!isAccess(insn) || insn.kind === "ldx" || insn.kind === "load_acquire") return false;
  if (stackOff(insn, aux) !== undefined) return insn.kind !== "st";
  const kinds = aux?.access?.kinds;
  return kinds === undefined || kinds.includes("stack") || kinds.includes("mem");
}
