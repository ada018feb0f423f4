// Random slots that are mostly valid insns: a known opcode, reserved fields mostly zero.
import fc from "fast-check";
import type { RawInsn } from "../../src/isa/insn.ts";
import { OPCODES } from "../../src/isa/opcode.ts";

const CODES = OPCODES.flatMap((row, code) => (row === undefined ? [] : [code]));
const ATOMICS = OPCODES.flatMap((row, code) => (row?.format === "atomic" ? [code] : []));
const reg = fc.integer({ min: 0, max: 10 });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

const OFFS = [-1, 0, 1, 8, 16, 32, -32768, 32767];
const ATOMIC_IMMS = [0, 1, 0x40, 0x41, 0x50, 0x51, 0xa0, 0xa1, 0xe1, 0xf1, 0x100, 0x110];

const usual: fc.Arbitrary<RawInsn> = fc.record({
  code: fc.constantFrom(...CODES),
  dst: fc.oneof(
    { weight: 3, arbitrary: reg },
    { weight: 2, arbitrary: fc.constant(0) },
    fc.integer({ min: 0, max: 15 }),
  ),
  src: fc.oneof(
    { weight: 2, arbitrary: fc.constant(0) },
    { weight: 2, arbitrary: reg },
    fc.integer({ min: 0, max: 15 }),
  ),
  off: fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    fc.constantFrom(...OFFS),
    fc.integer({ min: -32768, max: 32767 }),
  ),
  imm: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(16, 32, 64), int32),
});
const atomic: fc.Arbitrary<RawInsn> = fc.record({
  code: fc.constantFrom(...ATOMICS),
  dst: reg,
  src: reg,
  off: fc.integer({ min: -32768, max: 32767 }),
  imm: fc.constantFrom(...ATOMIC_IMMS),
});
const ldImm64: fc.Arbitrary<RawInsn[]> = fc
  .record({ dst: reg, src: fc.integer({ min: 0, max: 7 }), lo: int32, hi: fc.oneof(fc.constant(0), int32) })
  .map(({ dst, src, lo, hi }) => [
    { code: 0x18, dst, src, off: 0, imm: lo },
    { code: 0, dst: 0, src: 0, off: 0, imm: hi },
  ]);
const one = fc.oneof({ weight: 4, arbitrary: usual }, atomic).map((raw) => [raw]);

/** One to eight insns. */
export const anyProgram: fc.Arbitrary<RawInsn[]> = fc
  .array(fc.oneof({ weight: 6, arbitrary: one }, ldImm64), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.flat());
