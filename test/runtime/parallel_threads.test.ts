// Threads of CPUs by themselves: calls by name, growth in between, and ends that nobody asked for.
import { afterEach, describe, expect, it } from "vitest";
import { CpuThreads } from "../../runtime/cpu/threads.ts";
import type { EngineProg, LinkedModule } from "../../runtime/engine/engine.ts";
import { Loans } from "../../runtime/memory/loans.ts";
import { WORLD_FLAGS, WORLD_F_ALONE, WORLD_F_SOLE } from "../../runtime/memory/layout.ts";
import { World } from "../../runtime/memory/world.ts";

const name = (text: string) => [text.length, ...Buffer.from(text)];
const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
const section = (id: number, bytes: readonly number[]) => [id, bytes.length, ...bytes];

/** `sum(i32, i64) -> i64`, `peek(i32) -> i32` of atomic memory, `spin()` for ever, `trap()`. */
function module(importModule = "env"): WebAssembly.Module {
  const i32 = 0x7f;
  const i64 = 0x7e;
  const body = (...code: number[]) => [code.length + 2, 0, ...code, 0x0b];
  const bytes = [
    ...MAGIC,
    ...section(1, [3, 0x60, 2, i32, i64, 1, i64, 0x60, 1, i32, 1, i32, 0x60, 0, 0]),
    ...section(2, [1, ...name(importModule), ...name("memory"), 2, 3, 1, 0x80, 0x80, 4]),
    ...section(3, [4, 0, 1, 2, 2]),
    ...section(7, [
      4,
      ...name("sum"),
      0,
      0,
      ...name("peek"),
      0,
      1,
      ...name("spin"),
      0,
      2,
      ...name("trap"),
      0,
      3,
    ]),
    ...section(10, [
      4,
      ...body(0x20, 0, 0xac, 0x20, 1, 0x7c), // i64.extend_i32_s, i64.add
      ...body(0x20, 0, 0xfe, 0x10, 2, 0), // i32.atomic.load
      ...body(0x03, 0x40, 0x0c, 0, 0x0b), // loop br 0
      ...body(0x00),
    ]),
  ];
  return new WebAssembly.Module(Uint8Array.from(bytes));
}

function fakeProg(linked: LinkedModule): EngineProg {
  return { linked, verified: { prog: { name: "fake" } } } as unknown as EngineProg;
}

const prog = fakeProg({ module: module(), functions: [] });
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("threads of CPUs", () => {
  let threads: CpuThreads | undefined;
  afterEach(() => threads?.close());

  async function start(world: World, progs: readonly EngineProg[] = [prog]): Promise<CpuThreads> {
    threads = await CpuThreads.start(world, new Loans(world), progs);
    return threads;
  }

  it("call an export by its name, each its own", async () => {
    const started = await start(new World(4));
    for (const cpu of [1, 2, 3]) started.call(cpu, prog, "sum", [-cpu, 1n << 62n]);
    await started.settle(10, turn);
    expect([1, 2, 3].map((cpu) => started.result(cpu))).toEqual(
      [1, 2, 3].map((cpu) => (1n << 62n) - BigInt(cpu)),
    );
    expect(await started.failure(1)).toBeUndefined();
  });

  it("take locks where one thread alone took none", async () => {
    const world = new World(2);
    world.view.setUint32(WORLD_FLAGS, WORLD_F_ALONE | WORLD_F_SOLE, true);
    await start(world);
    expect(world.view.getUint32(WORLD_FLAGS, true)).toBe(0);
  });

  it("see memory that grew while they slept", async () => {
    const world = new World(2);
    const started = await start(world);
    const at = world.alloc(64 << 20);
    world.view.setUint32(at + (63 << 20), 4711, true);
    started.call(1, prog, "peek", [at + (63 << 20)]);
    await started.settle(10, turn);
    expect(await started.failure(1)).toBeUndefined();
    expect(started.result(1)).toBe(4711n);
  });

  it("tell of a trap and of an export there is not, and serve on", async () => {
    const started = await start(new World(2));
    for (const [called, message] of [
      ["trap", /unreachable/],
      ["nothing", /no export 'nothing'/],
    ] as const) {
      started.call(1, prog, called, []);
      await started.settle(10, turn);
      expect(await started.failure(1)).toMatchObject({
        cpu: 1,
        trap: called === "trap",
        message: expect.stringMatching(message) as string,
      });
    }
    started.call(1, prog, "sum", [1, 1n]);
    await started.settle(10, turn);
    expect([await started.failure(1), started.result(1)]).toEqual([undefined, 2n]);
  });

  it("refuse a second command while busy, and end in the middle of one", async () => {
    const started = await start(new World(2));
    started.call(1, prog, "spin", []);
    expect(() => started.call(1, prog, "sum", [1, 1n])).toThrow(/busy/);
    await started.close();
    expect(() => started.call(1, prog, "sum", [1, 1n])).toThrow(/ended/);
  });

  it("that cannot start say so", async () => {
    const broken = fakeProg({ module: module("elsewhere"), functions: [] });
    await expect(start(new World(3), [broken])).rejects.toThrow(
      /thread of CPU \d ended unasked: .*elsewhere/,
    );
  });
});
