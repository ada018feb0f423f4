// The reference interpreter: the public vectors, and the corners that they leave out.
import { describe, expect, it } from "vitest";
import { type InterpEnv, InsnLimit, interpret, Stopped } from "../../runtime/engine/interp.ts";
import { InterpTrap } from "../../runtime/engine/interp_insn.ts";
import { WORLD_STOP, WORLD_STOPPED } from "../../runtime/memory/layout.ts";
import { assemble } from "../../src/isa/asm.ts";
import { assembleConformance } from "../../src/isa/conformance_asm.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import { haveConformance, readVectors } from "../harness/conformance.ts";

const MEM = 0x30000;
const STACK_TOP = 0x60000;
const MAX = 2n ** 64n - 1n;

function subprogStarts(insns: readonly (Insn | undefined)[]): number[] {
  const starts = new Set([0]);
  for (const insn of insns) {
    if (insn?.kind === "call" && insn.callee.kind === "subprog") starts.add(insn.callee.target);
    if (insn?.kind === "ld_imm64" && insn.value.kind === "func") starts.add(insn.value.target);
  }
  return [...starts].sort((a, b) => a - b);
}

interface Run extends Partial<InterpEnv> {
  readonly mem?: Uint8Array;
}

/** r0 of a program with r1 = memory, r2 = its length. Callbacks have ids 100, 101, … */
function run(insns: readonly (Insn | undefined)[], { mem = new Uint8Array(0), ...more }: Run = {}): bigint {
  const memory = more.memory ?? { buffer: new SharedArrayBuffer(0x70000) };
  new Uint8Array(memory.buffer).set(mem, MEM);
  const starts = subprogStarts(insns);
  const env: InterpEnv = {
    memory,
    cpu: 0x20000,
    insns,
    subprogs: starts.map((start) => ({ start, stackDepth: 64, readsUninitStack: true })),
    helpers: { ktime_get_ns: () => 0n },
    imm64: (value) => {
      if (value.kind !== "func") throw new Error("no maps here");
      return BigInt(100 + starts.indexOf(value.target));
    },
    callback: (id) => Number(id) - 100,
    ...more,
  };
  return interpret(env, STACK_TOP, [BigInt(MEM), BigInt(mem.length)]);
}

const helperId = (name: string): number | undefined => HELPERS.find((row) => `bpf_${row?.name}` === name)?.id;
const runText = (source: string, more: Run = {}): bigint => run(assemble(source, { helperId }), more);

describe.skipIf(!haveConformance)("conformance vectors (need ../shared/conformance)", () => {
  it.each(readVectors().filter(({ name }) => name !== "callx"))("$name", ({ asm, mem, result }) => {
    expect(run(assembleConformance(asm), mem === undefined ? {} : { mem })).toBe(result);
  });

  it("refuses callx, as the kernel does", () => {
    const callx = readVectors().find(({ name }) => name === "callx");
    expect(() => run(assembleConformance(callx?.asm ?? ""))).toThrow("2: unknown opcode 8d");
  });
});

describe("interpreter", () => {
  // r1 and r2 are set to a and b, then the insn runs on r1; r0 = r1
  // biome-ignore format: table
  it.each<[string, bigint, bigint, bigint]>([
    ["r1 /= r2",          7n, 0n, 0n],
    ["r1 s/= r2",         7n, 0n, 0n],
    ["r1 %= r2",          MAX, 0n, MAX],
    ["w1 %= w2",          MAX, 0n, 0xffffffffn],
    ["w1 s%= w2",         MAX, 0n, 0xffffffffn],
    ["w1 %= w2",          MAX, 2n ** 32n, 0xffffffffn],
    ["r1 s/= r2",         2n ** 63n, MAX, 2n ** 63n],
    ["r1 s%= r2",         2n ** 63n, MAX, 0n],
    ["w1 s/= w2",         2n ** 31n, MAX, 2n ** 31n],
    ["w1 s%= w2",         2n ** 31n, MAX, 0n],
    ["r1 s/= r2",         BigInt.asUintN(64, -7n), 2n, BigInt.asUintN(64, -3n)],
    ["r1 s%= r2",         BigInt.asUintN(64, -7n), 2n, MAX],
    ["r1 <<= r2",         1n, 65n, 2n],
    ["w1 <<= w2",         1n, 33n, 2n],
    ["w1 s>>= w2",        0x80000000n, 63n, 0xffffffffn],
    ["r1 s>>= r2",        2n ** 63n, 127n, MAX],
    ["r1 >>= r2",         2n ** 63n, 63n, 1n],
    ["w1 = w1",           MAX, 0n, 0xffffffffn],
    ["w1 = -w1",          1n, 0n, 0xffffffffn],
    ["r1 = -r1",          1n, 0n, MAX],
    ["w1 = -1",           0n, 0n, 0xffffffffn],
    ["r1 = -1",           0n, 0n, MAX],
    ["r1 |= -2147483648", 0n, 0n, 0xffffffff80000000n],
    ["w1 = (s8)w2",       0n, 0x80n, 0xffffff80n],
    ["r1 = (s8)r2",       0n, 0x80n, 0xffffffffffffff80n],
    ["r1 = (s32)r2",      0n, 0x80000000n, 0xffffffff80000000n],
    ["r1 = le16 r1",      0x123456n, 0n, 0x3456n],
    ["r1 = be32 r1",      0xaa11223344n, 0n, 0x44332211n],
    ["r1 = bswap64 r1",   0x0102030405060708n, 0n, 0x0807060504030201n],
    ["r1 *= r2",          MAX, MAX, 1n],
    ["w1 *= -1",          2n, 0n, 0xfffffffen],
    ["if w1 s> -1 goto pc+1\n r1 = 7",  0x80000000n, 0n, 7n],
    ["if w1 == -1 goto pc+1\n r1 = 7",  0xffffffffn, 0n, 0xffffffffn],
    ["if r1 == -1 goto pc+1\n r1 = 7",  0xffffffffn, 0n, 7n],
    ["if r1 & -2 goto pc+1\n r1 = 7",   1n, 0n, 7n],
    ["if w1 & w2 goto pc+1\n r1 = 7",   2n ** 32n, 2n ** 32n, 7n],
  ])("%s with %d, %d", (text, a, b, want) => {
    expect(runText(`r1 = ${a} ll\nr2 = ${b} ll\n${text}\nr0 = r1\nexit`)).toBe(want);
  });

  it("does 32-bit atomics on the low half and returns it zero-extended", () => {
    const mem = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0);
    expect(runText("r2 = 2 ll\nr2 = atomic_fetch_add((u32 *)(r1 +0), r2)\nr0 = r2\nexit", { mem })).toBe(
      0xffffffffn,
    );
    expect(runText("r2 = 2\nlock *(u32 *)(r1 +0) += r2\nr0 = *(u64 *)(r1 +0)\nexit", { mem })).toBe(
      0x100000001n,
    );
    expect(
      runText(
        "r0 = -1\nr2 = 5\nr0 = atomic_cmpxchg((u32 *)(r1 +0), r0, r2)\nr3 = *(u64 *)(r1 +0)\nr0 += r3\nexit",
        { mem },
      ),
    ).toBe(0xffffffffn + 0x100000005n);
    expect(
      runText("r0 = load_acquire((u16 *)(r1 +4))\nstore_release((u8 *)(r1 +4), r1)\nexit", { mem }),
    ).toBe(1n);
  });

  it("gives each call its own registers and a zeroed frame below the caller's", () => {
    const source = `
      r6 = 5
      *(u64 *)(r10 -64) = 9
      r1 = 3
      call f
      r1 = *(u64 *)(r10 -64)
      r0 += r1
      r0 += r6
      exit
    f: r6 = 1000
      r0 = *(u64 *)(r10 -8)
      *(u64 *)(r10 -64) = 77
      *(u64 *)(r10 -8) = 88
      r0 += r1
      exit`;
    const memory = { buffer: new SharedArrayBuffer(0x70000) };
    new Uint8Array(memory.buffer).fill(0xff, STACK_TOP - 512, STACK_TOP);
    expect(runText(source, { memory })).toBe(3n + 9n + 5n);
  });

  it("runs bpf_loop", () => {
    const source = (nr: number, flags: number): string => `
      *(u64 *)(r10 -8) = 0
      r1 = ${nr}
      r2 = func cb ll
      r3 = r10
      r3 += -8
      r4 = ${flags}
      call bpf_loop
      r6 = r0
      r0 = *(u64 *)(r10 -8)
      r6 <<= 32
      r0 += r6
      exit
    cb: r3 = *(u64 *)(r2 +0)
      r3 += r1
      *(u64 *)(r2 +0) = r3
      r0 = 0
      if r1 != 10 goto done
      r0 = 1
    done: exit`;
    expect(runText(source(5, 0))).toBe((5n << 32n) + 10n);
    expect(runText(source(100, 0))).toBe((11n << 32n) + 55n);
    expect(runText(source(5, 1))).toBe(BigInt.asUintN(64, -22n << 32n));
  });

  it("leaves a may_goto loop after as many passes as the kernel allows", () => {
    const steps = runText("r0 = 0\nagain: may_goto out\nr0 += 1\nif r0 < 20 goto again\nout: exit");
    expect(steps).toBe(20n);
  });

  it("jumps into another program or falls through", () => {
    const source = "r3 = 4\nr2 = 3\ncall bpf_tail_call\nr0 = 1\nexit";
    const calls: unknown[] = [];
    const tailCall: InterpEnv["tailCall"] = (fp, ctx, map, index) => {
      calls.push([fp, ctx, map, index]);
      return index === 4n ? 99n : undefined;
    };
    expect(runText(source, { tailCall })).toBe(99n);
    expect(runText(source.replace("4", "5"), { tailCall })).toBe(1n);
    expect(calls[0]).toEqual([STACK_TOP, BigInt(MEM), 3n, 4n]);
  });

  // biome-ignore format: table
  it.each([
    ["null",            "r0 = *(u8 *)(r0 +0)\nexit",                     "0: access of 1 bytes at 0x0"],
    ["high half",       "r1 |= -2147483648\nr0 = *(u8 *)(r1 +0)\nexit",  "1: access of 1 bytes at 0xffffffff8"],
    ["end of memory",   "r1 = 0x6fffd ll\nr0 = *(u32 *)(r1 +0)\nexit",   "2: access of 4 bytes at 0x6fffd"],
    ["the last insn",   "r0 = 0",                                        "1: no insn here"],
    ["unknown helper",  "call 7777",                                     "0: helper #7777 is not available here"],
    ["endless calls",   "f: call f\nexit",                               "0: the call stack is too deep"],
    ["kfunc",           "call kfunc#5",                                  "0: kernel function #5 is not known here"],
    ["invalid",         ".raw 0x8d",                                     "0: unknown opcode 8d"],
  ])("traps: %s", (_name, source, message) => {
    expect(() => runText(source)).toThrow(InterpTrap);
    expect(() => runText(source)).toThrow(message);
  });

  it("ends by the stop word and by the limit", () => {
    const memory = { buffer: new SharedArrayBuffer(0x70000) };
    const words = new Int32Array(memory.buffer);
    words[WORLD_STOP / 4] = 1;
    expect(() => runText("goto pc-1", { memory })).toThrow(Stopped);
    expect(words[WORLD_STOPPED / 4]).toBe(1);
    expect(() => runText("goto pc-1", { insnLimit: 1000 })).toThrow(InsnLimit);
  });

  it("shows every insn with its registers before it runs", () => {
    const seen: string[] = [];
    runText("r0 = 5\nr0 += 6\nexit", { onStep: ({ pc }, { regs }) => seen.push(`${pc}:${regs[0]}`) });
    expect(seen).toEqual(["0:0", "1:5", "2:11"]);
  });
});
