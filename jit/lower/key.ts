// Keys of lookups in locals, see ../opt/keys.ts: kept in step with the stack, and put together for the library's entries
// that take words instead of an address.
import type { Insn, InsnOf } from "../../src/isa/insn.ts";
import { mayWriteFrame, type Piece, piecesIn } from "../opt/keys.ts";
import type { MapBinding } from "./abi.ts";
import type { Expr, Fn } from "./fn.ts";
import { LOADS } from "./mem.ts";
import { stackOff } from "./stack.ts";

const WORD = 8;

function localOf({ off }: Piece): string {
  return `key${off}`;
}

/** The low `size` bytes. */
function truncated(fn: Fn, value: Expr, size: number): Expr {
  return size === WORD ? value : fn.m.i64.and(value, fn.u64((1n << BigInt(size * 8)) - 1n));
}

function shifted(fn: Fn, op: "shl" | "shr_u", value: Expr, bytes: number): Expr {
  return bytes === 0 ? value : fn.m.i64[op](value, fn.imm64(bytes * 8));
}

/** After an insn: what it has put into the frame. */
export function followKeys(fn: Fn, insn: Insn): void {
  const { pieces } = fn.plan.keys;
  if (pieces.length === 0) return;
  const aux = fn.env.aux?.[insn.pc];
  if (mayWriteFrame(insn, aux)) return reload(fn, pieces);
  const off = insn.kind === "st" ? stackOff(insn, aux) : undefined;
  if (off !== undefined && insn.kind === "st") followStore(fn, insn, off);
}

function followStore(fn: Fn, { src, size }: InsnOf<"st">, off: number): void {
  for (const piece of piecesIn(fn.plan.keys.pieces, off, size)) {
    const skipped = piece.off - off;
    const value =
      src.kind === "imm"
        ? fn.u64(BigInt.asUintN(piece.size * 8, BigInt(src.imm) >> BigInt(skipped * 8)))
        : truncated(fn, shifted(fn, "shr_u", fn.get(src.regno), skipped), piece.size);
    fn.push(fn.setTemp(localOf(piece), "i64", value));
  }
}

function reload(fn: Fn, pieces: readonly Piece[]): void {
  const { m } = fn;
  for (const piece of pieces) {
    const address = m.i32.add(fn.fp(), m.i32.const(piece.off));
    fn.push(fn.setTemp(localOf(piece), "i64", LOADS[piece.size].zero(m.i64, 0, address)));
  }
}

function wordAt(fn: Fn, off: number, size: number): Expr {
  return piecesIn(fn.plan.keys.pieces, off, size)
    .map((piece) => shifted(fn, "shl", fn.getTemp(localOf(piece), "i64"), piece.off - off))
    .reduce((word, piece) => fn.m.i64.or(word, piece));
}

/** The key of a lookup as words, the last one filled up with zeros; undefined: it has to be read from memory. */
export function keyWords(fn: Fn, pc: number, { def }: MapBinding): readonly Expr[] | undefined {
  const off = fn.plan.keys.lookups.get(pc);
  if (off === undefined) return undefined;
  return Array.from({ length: Math.ceil(def.keySize / WORD) }, (_, i) =>
    wordAt(fn, off + i * WORD, Math.min(WORD, def.keySize - i * WORD)),
  );
}
