// One row a form of insn: what r0 is afterwards, and where it matters what memory is. r1 points at the memory.
import { describe, expect, it } from "vitest";
import { assemble } from "../../src/isa/asm.ts";
import { build, MEM } from "./harness.ts";

const ALL = 0xffff_ffff_ffff_ffffn;

// biome-ignore format: table
const VALUES: readonly (readonly [asm: string, r0: bigint])[] = [
  ["r0 = -1; r0 += 1",                                   0n],
  ["r0 = 1 ll; w0 = -1; w0 += 2",                        1n],
  ["r0 = -1; w0 -= 1",                                   0xffff_fffen],
  ["r0 = 0x100000001 ll; r0 *= r0",                      0x2_0000_0001n],
  ["r0 = 0x1ffffffff ll; w0 *= 2",                       0xffff_fffen],
  ["r0 = -7; r0 /= 2",                                   0x7fff_ffff_ffff_fffcn],
  ["r0 = -7; w0 /= 2",                                   0x7fff_fffcn],
  ["r0 = 7; r1 = 0; r0 /= r1",                           0n],
  ["r0 = 0x700000007 ll; r1 = 0x100000000 ll; w0 /= w1", 0n],
  ["r0 = 0x700000007 ll; r1 = 0x100000000 ll; w0 %= w1", 7n],
  ["r0 = 7; r1 = 0; r0 %= r1",                           7n],
  ["r0 = -1; r0 %= 10",                                  5n],
  ["r0 = -7; r0 s/= 2",                                  -3n & ALL],
  ["r0 = -7; r0 s%= 2",                                  -1n & ALL],
  ["r0 = -7; r1 = 0; r0 s/= r1",                         0n],
  ["r0 = -7; r1 = 0; r0 s%= r1",                         -7n & ALL],
  ["r0 = -7; r1 = -1; r0 s/= r1",                        7n],
  ["r0 = -7; r0 s/= -1",                                 7n],
  ["r0 = 0x8000000000000000 ll; r0 s/= -1",              1n << 63n],
  ["r0 = 0x8000000000000000 ll; r1 = -1; r0 s/= r1",     1n << 63n],
  ["r0 = 0x8000000000000000 ll; r1 = -1; r0 s%= r1",     0n],
  ["w0 = 0x80000000; r1 = -1; w0 s/= w1",                1n << 31n],
  ["w0 = 0x80000000; w0 s%= -1",                         0n],
  ["w0 = -7; w1 = 2; w0 s%= w1",                         0xffff_ffffn],
  ["r0 = 0xf0; r0 |= 0x0f",                              0xffn],
  ["r0 = -1; r0 &= -16",                                 -16n & ALL],
  ["r0 = -1; w0 &= -16",                                 0xffff_fff0n],
  ["r0 = -1; r0 ^= 1",                                   -2n & ALL],
  ["r0 = 1; r1 = 65; r0 <<= r1",                         2n],
  ["r0 = 1; r1 = 33; w0 <<= w1",                         2n],
  ["r0 = -1; r0 >>= 60",                                 0xfn],
  ["r0 = -16; r0 s>>= 2",                                -4n & ALL],
  ["r0 = -16; w0 s>>= 2",                                0xffff_fffcn],
  ["r0 = 5; r0 = -r0",                                   -5n & ALL],
  ["r0 = 5; w0 = -w0",                                   0xffff_fffbn],
  ["r0 = -1; w0 = w0",                                   0xffff_ffffn],
  ["w0 = -1",                                            0xffff_ffffn],
  ["r1 = 0x80; r0 = (s8)r1",                             -128n & ALL],
  ["r1 = 0x8000; r0 = (s16)r1",                          -32768n & ALL],
  ["r1 = 0x80000000 ll; r0 = (s32)r1",                   -(1n << 31n) & ALL],
  ["r1 = 0x80; w0 = (s8)w1",                             0xffff_ff80n],
  ["r1 = 0x8000; w0 = (s16)w1",                          0xffff_8000n],
  ["r0 = 0x1122334455667788 ll; r0 = bswap64 r0",        0x8877_6655_4433_2211n],
  ["r0 = 0x1122334455667788 ll; r0 = bswap32 r0",        0x8877_6655n],
  ["r0 = 0x1122334455667788 ll; r0 = bswap16 r0",        0x8877n],
  ["r0 = 0x1122334455667788 ll; r0 = be64 r0",           0x8877_6655_4433_2211n],
  ["r0 = 0x1122334455667788 ll; r0 = be32 r0",           0x8877_6655n],
  ["r0 = 0x1122334455667788 ll; r0 = be16 r0",           0x8877n],
  ["r0 = 0x1122334455667788 ll; r0 = le64 r0",           0x1122_3344_5566_7788n],
  ["r0 = 0x1122334455667788 ll; r0 = le32 r0",           0x5566_7788n],
  ["r0 = 0x1122334455667788 ll; r0 = le16 r0",           0x7788n],
  ["r0 = 0xfedcba9876543210 ll",                         0xfedc_ba98_7654_3210n],
  // memory: 88 77 66 55 44 33 22 91 at r1
  ["r0 = *(u8 *)(r1 +7)",                                0x91n],
  ["r0 = *(u16 *)(r1 +6)",                               0x9122n],
  ["r0 = *(u32 *)(r1 +4)",                               0x9122_3344n],
  ["r0 = *(u64 *)(r1 +0)",                               0x9122_3344_5566_7788n],
  ["r0 = *(s8 *)(r1 +7)",                                0xffff_ffff_ffff_ff91n],
  ["r0 = *(s16 *)(r1 +6)",                               0xffff_ffff_ffff_9122n],
  ["r0 = *(s32 *)(r1 +4)",                               0xffff_ffff_9122_3344n],
  ["r1 += 8; r0 = *(u32 *)(r1 -4)",                      0x9122_3344n],
  ["r0 = load_acquire((u8 *)(r1 +7))",                   0x91n],
  ["r0 = load_acquire((u16 *)(r1 +6))",                  0x9122n],
  ["r0 = load_acquire((u32 *)(r1 +4))",                  0x9122_3344n],
  ["r0 = load_acquire((u64 *)(r1 +0))",                  0x9122_3344_5566_7788n],
  ["*(u64 *)(r10 -8) = -2; r0 = *(u64 *)(r10 -8)",       -2n & ALL],
  ["*(u64 *)(r10 -8) = 0; r2 = -1; *(u8 *)(r10 -7) = r2; r0 = *(u64 *)(r10 -8)",  0xff00n],
  ["*(u64 *)(r10 -8) = 0; r2 = -1; *(u16 *)(r10 -6) = r2; r0 = *(u64 *)(r10 -8)", 0xffff_0000n],
  ["*(u64 *)(r10 -8) = 0; *(u32 *)(r10 -4) = -1; r0 = *(u64 *)(r10 -8)",          0xffff_ffff_0000_0000n],
  ["r0 = 0; if r0 == 0 goto pc+1; r0 = 1",               0n],
  ["r0 = 1; goto pc+1; r0 = 2",                          1n],
  ["r0 = 1; gotol pc+1; r0 = 2",                         1n],
  ["r0 = 0; may_goto pc+2; r0 += 1; goto pc-3",          8_388_608n],
];

// biome-ignore format: table
const ATOMICS: readonly (readonly [asm: string, r0: bigint, after: bigint])[] = [
  ["r2 = 2; lock *(u64 *)(r1 +0) += r2; r0 = 0",                          0n,                        0x9122_3344_5566_778an],
  ["r2 = -1; lock *(u32 *)(r1 +0) += r2; r0 = 0",                         0n,                        0x9122_3344_5566_7787n],
  ["r2 = 0xff; lock *(u64 *)(r1 +0) |= r2; r0 = 0",                       0n,                        0x9122_3344_5566_77ffn],
  ["r2 = 0xff; lock *(u64 *)(r1 +0) &= r2; r0 = 0",                       0n,                        0x88n],
  ["r2 = 0xff; lock *(u32 *)(r1 +0) &= r2; r0 = 0",                       0n,                        0x9122_3344_0000_0088n],
  ["r2 = -1; lock *(u32 *)(r1 +4) ^= r2; r0 = 0",                         0n,                        0x6edd_ccbb_5566_7788n],
  ["r0 = 2; r0 = atomic64_fetch_add((u64 *)(r1 +0), r0)",                 0x9122_3344_5566_7788n,    0x9122_3344_5566_778an],
  ["r0 = -1; r0 = atomic_fetch_add((u32 *)(r1 +4), r0)",                  0x9122_3344n,              0x9122_3343_5566_7788n],
  ["r0 = 0xff; r0 = atomic64_fetch_or((u64 *)(r1 +0), r0)",               0x9122_3344_5566_7788n,    0x9122_3344_5566_77ffn],
  ["r0 = 0xff; r0 = atomic64_fetch_and((u64 *)(r1 +0), r0)",              0x9122_3344_5566_7788n,    0x88n],
  ["r0 = 0xff; r0 = atomic_fetch_xor((u32 *)(r1 +0), r0)",                0x5566_7788n,              0x9122_3344_5566_7777n],
  ["r0 = 5; r0 = atomic64_xchg((u64 *)(r1 +0), r0)",                      0x9122_3344_5566_7788n,    5n],
  ["r0 = -5; r0 = atomic_xchg((u32 *)(r1 +0), r0)",                       0x5566_7788n,              0x9122_3344_ffff_fffbn],
  ["r0 = 0x9122334455667788 ll; r2 = 1; r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)", 0x9122_3344_5566_7788n, 1n],
  ["r0 = 5; r2 = 1; r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)",       0x9122_3344_5566_7788n,    0x9122_3344_5566_7788n],
  // the upper half of r0 is not compared, and is cleared
  ["r0 = 0x755667788 ll; r2 = 1; r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)", 0x5566_7788n,         0x9122_3344_0000_0001n],
  ["r0 = 0; r2 = 1; r0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)",         0x5566_7788n,              0x9122_3344_5566_7788n],
  ["r2 = 0x1234; store_release((u8 *)(r1 +1), r2); r0 = 0",               0n,                        0x9122_3344_5566_3488n],
  ["r2 = 0x1234; store_release((u16 *)(r1 +2), r2); r0 = 0",              0n,                        0x9122_3344_1234_7788n],
  ["r2 = 0x1234; store_release((u32 *)(r1 +4), r2); r0 = 0",              0n,                        0x0000_1234_5566_7788n],
  ["r2 = 0x1234; store_release((u64 *)(r1 +0), r2); r0 = 0",              0n,                        0x1234n],
];

const MEMORY = 0x9122_3344_5566_7788n;

function run(asm: string, concurrency: "single" | "shared"): { r0: bigint; after: bigint } {
  const machine = build(assemble(`${asm.replaceAll("; ", "\n")}\nexit`), { options: { concurrency } });
  machine.view.setBigUint64(MEM, MEMORY, true);
  return { r0: machine.run(), after: machine.view.getBigUint64(MEM, true) };
}

describe.each(["single", "shared"] as const)("every insn kind, %s", (concurrency) => {
  it.each(VALUES)("%s", (asm, r0) => expect(run(asm, concurrency).r0).toBe(r0));
  it.each(ATOMICS)("%s", (asm, r0, after) => expect(run(asm, concurrency)).toEqual({ r0, after }));
});

describe("atomics on memory that a global function was given", () => {
  // biome-ignore format: table
  const ROWS: readonly (readonly [asm: string, r0: bigint, after: bigint])[] = [
    ["r2 = 1; r0 = 0; lock *(u32 *)(r1 +1) += r2",                                   0n,           0x9122_3344_5566_7888n],
    ["r2 = 5; r2 = atomic_xchg((u32 *)(r1 +1), r2); r0 = r2",                        0x4455_6677n, 0x9122_3300_0000_0588n],
    ["r0 = 0x44556677; r2 = 1; r0 = atomic_cmpxchg((u32 *)(r1 +1), r0, r2)",         0x4455_6677n, 0x9122_3300_0000_0188n],
    ["r0 = load_acquire((u32 *)(r1 +1))",                                            0x4455_6677n, MEMORY],
    ["r2 = 5; store_release((u32 *)(r1 +1), r2); r0 = 0",                            0n,           0x9122_3300_0000_0588n],
    ["r2 = 5; r2 = atomic_xchg((u32 *)(r1 +4), r2); r0 = r2",                        0x9122_3344n, 0x0000_0005_5566_7788n],
  ];
  it.each(ROWS)("%s", (asm, r0, after) => {
    const insns = assemble(`${asm.replaceAll("; ", "\n")}\nexit`);
    const mem = { seen: true, access: { kinds: ["mem"], write: true, maps: [] } } as const;
    const aux = insns.map((insn) => (insn !== undefined && "base" in insn ? mem : { seen: true }));
    const machine = build(insns, { aux });
    machine.view.setBigUint64(MEM, MEMORY, true);
    expect([machine.run(), machine.view.getBigUint64(MEM, true)]).toEqual([r0, after]);
  });
});

// biome-ignore format: table
const JUMPS: readonly (readonly [op: string, taken: (l: bigint, r: bigint, bits: number) => boolean])[] = [
  ["==",  (l, r) => l === r],
  ["!=",  (l, r) => l !== r],
  [">",   (l, r) => l > r],
  [">=",  (l, r) => l >= r],
  ["<",   (l, r) => l < r],
  ["<=",  (l, r) => l <= r],
  ["s>",  (l, r, bits) => BigInt.asIntN(bits, l) > BigInt.asIntN(bits, r)],
  ["s>=", (l, r, bits) => BigInt.asIntN(bits, l) >= BigInt.asIntN(bits, r)],
  ["s<",  (l, r, bits) => BigInt.asIntN(bits, l) < BigInt.asIntN(bits, r)],
  ["s<=", (l, r, bits) => BigInt.asIntN(bits, l) <= BigInt.asIntN(bits, r)],
  ["&",   (l, r) => (l & r) !== 0n],
];
const OPERANDS = [
  0n,
  1n,
  7n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  1n << 63n,
  ALL - 1n,
  ALL,
];

describe.each(JUMPS)("if %s", (op, taken) => {
  // all pairs in one program: bit i of r0 says whether pair i jumped
  it.each([64, 32])("%i bits", (bits) => {
    const letter = bits === 64 ? "r" : "w";
    for (const l of OPERANDS) {
      const body = OPERANDS.map(
        (r, i) =>
          `r3 = ${r} ll\nr4 = ${1 << i}\nif ${letter}2 ${op} ${letter}3 goto t${i}\nr4 = 0\nt${i}:\nr0 |= r4`,
      );
      const machine = build(assemble(`r0 = 0\nr2 = ${l} ll\n${body.join("\n")}\nexit`));
      const want = OPERANDS.map((r, i) =>
        taken(BigInt.asUintN(bits, l), BigInt.asUintN(bits, r), bits) ? 1n << BigInt(i) : 0n,
      );
      expect(machine.run()).toBe(want.reduce((all, bit) => all | bit, 0n));
    }
  });
});
