// decode and encode are exact inverses, and what is refused carries the kernel's words.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeInsns } from "../../src/isa/decode.ts";
import { encodeInsns, encodeRaw } from "../../src/isa/encode.ts";
import type { InsnKind, RawInsn } from "../../src/isa/insn.ts";
import { OPCODES } from "../../src/isa/opcode.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { anyProgram } from "./arbitrary.ts";

/** Every code that BPF_PROG_LOAD did not call unknown, asked of a 6.18 kernel for all 256. */
const KERNEL_OPCODES = [
  "040506070c0f14151617181c1d1e1f2024252627282c2d2e2f30343536373c3d3e3f4044454647484c4d4e4f50545556",
  "575c5d5e5f61626364656667696a6b6c6d6e6f71727374757677797a7b7c7d7e7f8184858789919495979c9fa4a5a6a7",
  "acadaeafb4b5b6b7bcbdbebfc3c4c5c6c7cbcccdcecfd3d4d5d6d7dbdcdddee5",
].join("");

describe("codec", () => {
  it("encode(decode(bytes)) is bytes, for random words", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 64 }), (bytes) => {
        const whole = bytes.subarray(0, bytes.length & ~7);
        expect(encodeInsns(decodeInsns(whole))).toEqual(whole);
      }),
      { numRuns: 5000 },
    );
  });

  it("encode(decode(bytes)) is bytes, for words near valid ones, and every kind occurs", () => {
    const seen = new Set<InsnKind>();
    fc.assert(
      fc.property(anyProgram, (raws) => {
        const bytes = encodeRaw(raws);
        const insns = decodeInsns(bytes);
        for (const insn of insns) if (insn !== undefined) seen.add(insn.kind);
        expect(encodeInsns(insns)).toEqual(bytes);
      }),
      { numRuns: 20_000 },
    );
    expect([...seen].sort()).toEqual(
      "addr_space_cast alu atomic call end exit invalid ja jmp ld_abs ld_imm64 ld_ind ldx load_acquire may_goto movsx neg st store_release".split(
        " ",
      ),
    );
  });

  it("knows the opcodes that a 6.18 kernel knows, and no other", () => {
    const codes = OPCODES.flatMap((row, code) => (row === undefined ? [] : [code]));
    expect(Buffer.from(codes).toString("hex")).toBe(KERNEL_OPCODES);
    expect(OPCODES.length).toBe(256);
  });

  it("refuses a length that is no multiple of 8", () => {
    expect(() => decodeInsns(new Uint8Array(12))).toThrow(BpfError);
    expect(decodeInsns(new Uint8Array(0))).toEqual([]);
  });

  it("refuses to encode a jump that does not fit", () => {
    expect(() => encodeInsns([{ pc: 0, kind: "ja", wide: false, target: 40000 }])).toThrow(
      "insn 0: jump to 40000",
    );
  });
});

// As the 6.18 kernel answers BPF_PROG_LOAD; `load`: before it walks.
// biome-ignore format: table
const REFUSED: readonly (readonly [string, readonly number[], string, ("load" | "walk")])[] = [
  // name, then code, dst, src, off, imm of one or two slots
  ["callx",              [0x8d, 0, 2, 0, 0],                    "unknown opcode 8d", "load"],
  ["code 0",             [0x00, 0, 0, 0, 0],                    "unknown opcode 00", "load"],
  ["memsx dw",           [0x99, 0, 1, 0, 0],                    "unknown opcode 99", "load"],
  ["r11 and unknown",    [0x8d, 11, 2, 0, 0],                   "unknown opcode 8d", "load"],
  ["ldx imm",            [0x61, 11, 12, 0, 1],                  "BPF_LDX uses reserved fields", "load"],
  ["ldx mode",           [0x41, 0, 1, 0, 0],                    "BPF_LDX uses reserved fields", "load"],
  ["ld_imm64 2nd slot", [0x18, 0, 0, 0, 5, 0, 1, 0, 0, 0],     "invalid bpf_ld_imm64 insn", "load"],
  ["ld_imm64 src 7",     [0x18, 0, 7, 0, 5, 0, 0, 0, 0, 0],     "unrecognized bpf_ld_imm64 insn", "load"],
  ["ld_imm64 map hi",    [0x18, 0, 1, 0, 5, 0, 0, 0, 0, 1],     "unrecognized bpf_ld_imm64 insn", "load"],
  ["ld_imm64 off",       [0x18, 0, 0, 1, 5, 0, 0, 0, 0, 0],     "BPF_LD_IMM64 uses reserved fields", "walk"],
  ["dst r11",            [0xb7, 11, 0, 0, 0],                   "R11 is invalid", "walk"],
  ["src r12",            [0x0f, 0, 12, 0, 0],                   "R12 is invalid", "walk"],
  ["alu K src",          [0x07, 0, 12, 0, 0],                   "BPF_ALU uses reserved fields", "walk"],
  ["signed add",         [0x07, 0, 0, 1, 1],                    "BPF_ALU uses reserved fields", "walk"],
  ["movsx 32 of 32",     [0xbc, 0, 0, 32, 0],                   "BPF_MOV uses reserved fields", "walk"],
  ["mov percpu",         [0xbf, 0, 0, -1, 0],                   "BPF_MOV uses reserved fields", "walk"],
  ["neg imm",            [0x87, 0, 0, 0, 1],                    "BPF_NEG uses reserved fields", "walk"],
  ["end 8",              [0xdc, 0, 0, 0, 8],                    "BPF_END uses reserved fields", "walk"],
  ["st src",             [0x7a, 10, 1, -8, 0],                  "BPF_ST uses reserved fields", "walk"],
  ["stx imm",            [0x7b, 10, 0, -8, 1],                  "BPF_STX uses reserved fields", "walk"],
  ["atomic u8",          [0xd3, 10, 0, -1, 0],                  "invalid atomic operand size", "walk"],
  ["atomic op",          [0xdb, 10, 0, -8, 0x33],               "BPF_ATOMIC uses invalid atomic opcode 33", "walk"],
  ["atomic op u8",       [0xd3, 10, 0, -8, 0x33],               "BPF_ATOMIC uses invalid atomic opcode 33", "walk"],
  ["jmp X imm",          [0x1d, 0, 0, 0, 1],                    "BPF_JMP/JMP32 uses reserved fields", "walk"],
  ["jmp K src",          [0x15, 0, 1, 0, 1],                    "BPF_JMP/JMP32 uses reserved fields", "walk"],
  ["ja imm",             [0x05, 0, 0, 0, 1],                    "BPF_JA uses reserved fields", "walk"],
  ["gotol off",          [0x06, 0, 0, 1, 0],                    "BPF_JA uses reserved fields", "walk"],
  ["may_goto dst",       [0xe5, 1, 0, 1, 0],                    "invalid may_goto imm 0", "walk"],
  ["may_goto src",       [0xe5, 0, 1, 1, 0],                    "invalid may_goto imm 0", "walk"],
  ["call dst",           [0x85, 1, 0, 0, 5],                    "BPF_CALL uses reserved fields", "walk"],
  ["call src 3",         [0x85, 0, 3, 0, 5],                    "BPF_CALL uses reserved fields", "walk"],
  ["call off",           [0x85, 0, 0, 1, 5],                    "BPF_CALL uses reserved fields", "walk"],
  ["exit imm",           [0x95, 0, 0, 0, 5],                    "BPF_EXIT uses reserved fields", "walk"],
];

function rawsOf(fields: readonly number[]): RawInsn[] {
  const raws: RawInsn[] = [];
  for (let i = 0; i < fields.length; i += 5) {
    const [code = 0, dst = 0, src = 0, off = 0, imm = 0] = fields.slice(i, i + 5);
    raws.push({ code, dst, src, off, imm });
  }
  return raws;
}

describe("refused insns", () => {
  it.each(REFUSED)("%s", (_name, fields, message, when) => {
    const [insn] = decodeInsns(encodeRaw(rawsOf(fields)));
    expect(insn).toMatchObject({ kind: "invalid", message, atLoad: when === "load" });
  });

  it("keeps both slots of a refused ld_imm64", () => {
    const bytes = encodeRaw(rawsOf([0x18, 0, 0, 1, 5, 0, 0, 0, 0, 7]));
    const insns = decodeInsns(bytes);
    expect(insns[1]).toBeUndefined();
    expect(encodeInsns(insns)).toEqual(bytes);
  });
});
