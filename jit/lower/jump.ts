// Conditions of jumps, in either sense, fused into the branch that uses them.
import type { InsnOf, JmpOp } from "../../src/isa/insn.ts";
import type { Expr, Fn, Module } from "./fn.ts";

type Int = Module["i32"] | Module["i64"];
type Compare = (int: Int, l: Expr, r: Expr, zero: Expr) => Expr;

// biome-ignore format: table
const CONDITIONS: Record<JmpOp, { readonly holds: Compare; readonly fails: Compare }> = {
  jeq:  { holds: (int, l, r) => int.eq(l, r),   fails: (int, l, r) => int.ne(l, r)   },
  jne:  { holds: (int, l, r) => int.ne(l, r),   fails: (int, l, r) => int.eq(l, r)   },
  jgt:  { holds: (int, l, r) => int.gt_u(l, r), fails: (int, l, r) => int.le_u(l, r) },
  jge:  { holds: (int, l, r) => int.ge_u(l, r), fails: (int, l, r) => int.lt_u(l, r) },
  jlt:  { holds: (int, l, r) => int.lt_u(l, r), fails: (int, l, r) => int.ge_u(l, r) },
  jle:  { holds: (int, l, r) => int.le_u(l, r), fails: (int, l, r) => int.gt_u(l, r) },
  jsgt: { holds: (int, l, r) => int.gt_s(l, r), fails: (int, l, r) => int.le_s(l, r) },
  jsge: { holds: (int, l, r) => int.ge_s(l, r), fails: (int, l, r) => int.lt_s(l, r) },
  jslt: { holds: (int, l, r) => int.lt_s(l, r), fails: (int, l, r) => int.ge_s(l, r) },
  jsle: { holds: (int, l, r) => int.le_s(l, r), fails: (int, l, r) => int.gt_s(l, r) },
  jset: { holds: (int, l, r, zero) => int.ne(int.and(l, r), zero), fails: (int, l, r) => int.eqz(int.and(l, r)) },
};

/** Passes of a may_goto before it leaves the loop, for each frame (BPF_MAX_LOOPS). */
export const MAX_LOOPS = 8 * 1024 * 1024;
const PASSES = "passes";

function jmpCondition(fn: Fn, insn: InsnOf<"jmp">, holds: boolean): Expr {
  const { m } = fn;
  const { dst, src, op } = insn;
  const wide = insn.width === 64;
  const left = wide ? fn.get(dst) : fn.get32(dst);
  const right =
    src.kind === "reg"
      ? wide
        ? fn.get(src.regno)
        : fn.get32(src.regno)
      : wide
        ? fn.imm64(src.imm)
        : m.i32.const(src.imm);
  const { [holds ? "holds" : "fails"]: compare } = CONDITIONS[op];
  return compare(wide ? m.i64 : m.i32, left, right, wide ? fn.imm64(0) : m.i32.const(0));
}

/** Counts a pass; leaves the loop once the passes are used up, and from then on. */
function passesCondition(fn: Fn, leaves: boolean): Expr {
  const { m, env } = fn;
  const left = m.local.tee(
    fn.temp(PASSES, "i64"),
    m.i64.sub(fn.getTemp(PASSES, "i64"), fn.imm64(1)),
    env.b.i64,
  );
  return m.i64[leaves ? "lt_s" : "ge_s"](left, fn.imm64(0));
}

/** True where the jump is taken (or, with `taken` false, where it is not). */
export function lowerCondition(fn: Fn, insn: InsnOf<"jmp"> | InsnOf<"may_goto">, taken: boolean): Expr {
  return insn.kind === "jmp" ? jmpCondition(fn, insn, taken) : passesCondition(fn, taken);
}

/** Statement that gives a frame its passes. */
export function initPasses(fn: Fn): Expr {
  return fn.setTemp(PASSES, "i64", fn.imm64(MAX_LOOPS));
}
