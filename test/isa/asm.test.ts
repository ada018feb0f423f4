// The text of an insn is the kernel log's, and the assembler reads it back.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assemble } from "../../src/isa/asm.ts";
import { assembleConformance } from "../../src/isa/conformance_asm.ts";
import { decodeInsns } from "../../src/isa/decode.ts";
import { fmtAsm, fmtInsn } from "../../src/isa/disasm.ts";
import { encodeInsns, encodeRaw } from "../../src/isa/encode.ts";
import { haveConformance, readVectors } from "../harness/conformance.ts";
import { anyProgram } from "./arbitrary.ts";

const HELPERS: Record<number, string> = { 1: "bpf_map_lookup_elem", 5: "bpf_ktime_get_ns" };
const helperName = (id: number): string | undefined => HELPERS[id];

// Left: fields as hex bytes of the slot(s). Right: as the log of a 6.18 kernel prints it.
// biome-ignore format: table
const SPELLING: readonly (readonly [string, string])[] = [
  ["b7 00 00 00 00 00 00 00", "(b7) r0 = 0"],
  ["07 00 00 00 fb ff ff ff", "(07) r0 += -5"],
  ["27 00 00 00 03 00 00 00", "(27) r0 *= 3"],
  ["bf 01 08 00 00 00 00 00", "(bf) r1 = (s8)r0"],
  ["bc 01 10 00 00 00 00 00", "(bc) w1 = (s16)w0"],
  ["37 00 01 00 03 00 00 00", "(37) r0 s/= 3"],
  ["97 00 01 00 03 00 00 00", "(97) r0 s%= 3"],
  ["dc 00 00 00 10 00 00 00", "(dc) r0 = be16 r0"],
  ["d4 00 00 00 20 00 00 00", "(d4) r0 = le32 r0"],
  ["d7 00 00 00 40 00 00 00", "(d7) r0 = bswap64 r0"],
  ["87 00 00 00 00 00 00 00", "(87) r0 = -r0"],
  ["84 00 00 00 00 00 00 00", "(84) w0 = -w0"],
  ["7b 0a f8 ff 00 00 00 00", "(7b) *(u64 *)(r10 -8) = r0"],
  ["db 0a f8 ff 00 00 00 00", "(db) lock *(u64 *)(r10 -8) += r0"],
  ["db 0a f8 ff 01 00 00 00", "(db) r0 = atomic64_fetch_add((u64 *)(r10 -8), r0)"],
  ["db 0a f8 ff e1 00 00 00", "(db) r0 = atomic64_xchg((u64 *)(r10 -8), r0)"],
  ["db 0a f8 ff f1 00 00 00", "(db) r0 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r0)"],
  ["c3 0a f8 ff f1 00 00 00", "(c3) r0 = atomic_cmpxchg((u32 *)(r10 -8), r0, r0)"],
  ["c3 0a f8 ff 41 00 00 00", "(c3) r0 = atomic_fetch_or((u32 *)(r10 -8), r0)"],
  ["db a1 f8 ff 00 01 00 00", "(db) r1 = load_acquire((u64 *)(r10 -8))"],
  ["db 1a f8 ff 10 01 00 00", "(db) store_release((u64 *)(r10 -8), r1)"],
  ["d3 1a f8 ff 10 01 00 00", "(d3) store_release((u8 *)(r10 -8), r1)"],
  ["62 0a fc ff f9 ff ff ff", "(62) *(u32 *)(r10 -4) = -7"],
  ["71 23 0e 00 00 00 00 00", "(71) r3 = *(u8 *)(r2 +14)"],
  ["81 a1 f8 ff 00 00 00 00", "(81) r1 = *(s32 *)(r10 -8)"],
  ["91 a1 f8 ff 00 00 00 00", "(91) r1 = *(s8 *)(r10 -8)"],
  ["18 01 00 00 05 00 00 00 00 00 00 00 07 00 00 00", "(18) r1 = 0x700000005"],
  ["15 01 00 00 ff ff ff ff", "(15) if r1 == 0xffffffff goto pc+0"],
  ["66 01 00 00 ff ff ff ff", "(66) if w1 s> 0xffffffff goto pc+0"],
  ["c7 00 00 00 03 00 00 00", "(c7) r0 s>>= 3"],
  ["c4 00 00 00 03 00 00 00", "(c4) w0 s>>= 3"],
  ["05 00 00 00 00 00 00 00", "(05) goto pc+0"],
  ["06 00 00 00 00 00 00 00", "(06) gotol pc+0"],
  ["85 00 00 00 05 00 00 00", "(85) call bpf_ktime_get_ns#5"],
  ["e5 00 01 00 00 00 00 00", "(e5) may_goto pc+1"],
  ["85 10 00 00 01 00 00 00", "(85) call pc+1"],
  ["95 00 00 00 00 00 00 00", "(95) exit"],
  ["20 00 00 00 00 00 00 00", "(20) r0 = *(u32 *)skb[0]"],
  ["bf 00 01 00 07 00 00 00", "(bf) r0 = addr_space_cast(r0, 0, 7)"],
  // refused, but the log has them before the refusal
  ["bf 00 ff ff 00 00 00 00", "(bf) r0 = &(void __percpu *)(r0)"],
  ["b7 0b 00 00 00 00 00 00", "(b7) r11 = 0"],
  ["07 c0 00 00 00 00 00 00", "(07) r0 += 0"],
  ["d3 0a ff ff 00 00 00 00", "(d3) lock *(u8 *)(r10 -1) += r0"],
  ["db 0a f8 ff 33 00 00 00", "BUG_db"],
  ["e5 00 01 00 00 00 00 00", "(e5) may_goto pc+1"],
  ["e5 10 01 00 00 00 00 00", "(e5) if r0 (null) 0x0 goto pc+1"],
  ["85 30 00 00 05 00 00 00", "(85) call unknown#5"],
  ["bc 00 20 00 00 00 00 00", "(bc) w0 = (s32)w0"],
  ["dc 00 00 00 08 00 00 00", "(dc) r0 = be8 r0"],
];

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.split(" "), (b) => Number.parseInt(b, 16));
}

describe("disassembler", () => {
  it.each(SPELLING)("%s is %s", (hex, text) => {
    const [insn] = decodeInsns(bytesOf(hex));
    if (insn === undefined) throw new Error("no insn");
    expect(fmtInsn(insn, { code: true, helperName })).toBe(text);
  });

  it("lets the caller name kfuncs and 64-bit immediates", () => {
    const kfunc = { pc: 0, kind: "call", callee: { kind: "kfunc", btfId: 77, off: 0 } } as const;
    expect(fmtInsn(kfunc)).toBe("call kernel-function#77");
    expect(fmtInsn(kfunc, { kfuncName: () => "bpf_dynptr_from_xdp" })).toBe("call bpf_dynptr_from_xdp#77");
    const map = { pc: 0, kind: "ld_imm64", dst: 1, value: { kind: "map", map: 3 } } as const;
    expect(fmtInsn(map, { imm64: () => "0xffff8880", code: true })).toBe("(18) r1 = 0xffff8880");
    expect(fmtAsm(map, { mapName: (i) => `m${i}` })).toBe("r1 = map[m3] ll");
  });
});

describe("assembler", () => {
  it("reads back whatever the disassembler writes", () => {
    fc.assert(
      fc.property(anyProgram, (raws) => {
        const insns = decodeInsns(encodeRaw(raws));
        const text = insns.flatMap((insn) => (insn === undefined ? [] : [fmtAsm(insn)])).join("\n");
        expect(assemble(text)).toEqual(insns);
      }),
      { numRuns: 3000 },
    );
  });

  it.each(SPELLING.filter(([hex]) => decodeInsns(bytesOf(hex))[0]?.kind !== "invalid"))(
    "reads %s from its log line",
    (hex, line) => {
      const source = hex.startsWith("18") ? `${line} ll` : line;
      expect(encodeInsns(assemble(`7: ${source}  ; R1=scalar() R10=fp0`))).toEqual(bytesOf(hex));
    },
  );

  it("resolves labels, maps and helpers", () => {
    const insns = assemble(
      `
      r1 = map[flows] ll        // two slots
      r2 = map[.bss][0]+16
      call bpf_map_lookup_elem
      if r0 == 0 goto out
      call sub                  # a subprogram
      r1 = func sub ll
      gotol out
    out:
      exit
    sub: r0 = -1
      exit`,
      {
        helperId: (name) => (name === "bpf_map_lookup_elem" ? 1 : undefined),
        mapIndex: (name) => ["flows", ".bss"].indexOf(name),
      },
    );
    expect(insns.filter((i) => i !== undefined)).toEqual([
      { pc: 0, kind: "ld_imm64", dst: 1, value: { kind: "map", map: 0 } },
      { pc: 2, kind: "ld_imm64", dst: 2, value: { kind: "map_value", map: 1, off: 16 } },
      { pc: 4, kind: "call", callee: { kind: "helper", id: 1 } },
      { pc: 5, kind: "jmp", op: "jeq", width: 64, dst: 0, src: { kind: "imm", imm: 0 }, target: 10 },
      { pc: 6, kind: "call", callee: { kind: "subprog", target: 11 } },
      { pc: 7, kind: "ld_imm64", dst: 1, value: { kind: "func", target: 11 } },
      { pc: 9, kind: "ja", wide: true, target: 10 },
      { pc: 10, kind: "exit" },
      { pc: 11, kind: "alu", op: "mov", width: 64, dst: 0, src: { kind: "imm", imm: -1 }, signed: false },
      { pc: 12, kind: "exit" },
    ]);
  });

  // biome-ignore format: table
  it.each([
    ["r0 = 1\nr11 = 2",             "line 2: no register r11"],
    ["goto nowhere",                "line 1: no label nowhere"],
    ["r0 = 0x1ffffffff",            "line 1: immediate 0x1ffffffff does not fit in 32 bits"],
    ["r0 = w1",                     "line 1: w1 where a 64-bit operand is needed"],
    ["r0 = *(u24 *)(r1 +0)",        "line 1: no such access type u24"],
    ["r0 = *(u8 *)(r1 +40000)",     "line 1: offset +40000 does not fit in 16 bits"],
    ["r1 = map[x]",                 "line 1: no map named x"],
    ["frob r1",                     "line 1: cannot read frob r1"],
    ["a:\na: exit",                 "line 2: label a is taken"],
    ["lock *(u8 *)(r1 +0) += r2",   "line 1: atomics are u32 or u64, not u8"],
    ["r1 s+= 3",                    "line 1: cannot read r1 s+= 3"],
    ["r1 = atomic64_cmpxchg((u64 *)(r10 -8), r0, r1)", "line 1: cmpxchg returns in r0"],
  ])("refuses %j", (source, message) => {
    expect(() => assemble(source)).toThrow(message);
  });
});

describe.skipIf(!haveConformance)("conformance dialect (needs ../shared/conformance)", () => {
  const vectors = readVectors();

  it("reads every vector, and only callx is no insn", () => {
    expect(vectors.length).toBe(313);
    const invalid = vectors.filter((v) =>
      assembleConformance(v.asm).some((insn) => insn?.kind === "invalid"),
    );
    expect(invalid.map((v) => v.name)).toEqual(["callx"]);
  });

  it.each(vectors.filter((v) => v.raw !== undefined))("$name gives the raw slots", ({ asm, raw }) => {
    const bytes = encodeInsns(assembleConformance(asm));
    expect(Array.from(new BigUint64Array(bytes.buffer))).toEqual(raw);
  });
});
