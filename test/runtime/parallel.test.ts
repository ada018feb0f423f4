// A thread for each CPU against one thread for all: the same packets, verdicts, maps and records where the state of
// flows is their own. The threads themselves are those of the built output.
import { RUN_TYPES, type RunType } from "../../src/spec/run_types.ts";
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { mapsToJson } from "../../runtime/json/maps.ts";
import { type BpfObject, loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { FRAME_ADDR, FRAME_CPU, FRAME_DESC_SIZE } from "../../runtime/memory/layout.ts";
import { Events } from "../../runtime/events/events.ts";
import { ParallelReplay } from "../../runtime/replay/parallel.ts";
import { TrapError } from "../../runtime/engine/trap.ts";
import { type PacketResult, fmtResult } from "../../runtime/replay/result.ts";
import { type RunOptions, runProg } from "../../runtime/run.ts";
import { type PacketSource, openCaptures } from "../../src/pcap/index.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const CAPTURE = join(ROOT, "examples/demo.pcap");
const PACKETS = 4000;

/** The capture's packets of at most 128 bytes: those whose bytes are brought side by side. */
function smallCapture(): string {
  const demo = readFileSync(CAPTURE);
  const records = [demo.subarray(0, 24)];
  for (let at = 24; at < demo.length; ) {
    const end = at + 16 + demo.readUInt32LE(at + 8);
    if (end - at <= 16 + 128) records.push(demo.subarray(at, end));
    at = end;
  }
  const path = join(scratch, "small.pcap");
  writeFileSync(path, Buffer.concat(records));
  return path;
}
const scratch = mkdtempSync(join(tmpdir(), "softirq-parallel-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const SMALL = smallCapture();

interface Case {
  readonly object: string;
  readonly prog: string;
  readonly options?: RunOptions;
  readonly captures?: number;
  readonly capture?: string;
  /** the program counts in .bss without atomics: those are lossy with threads, as in the kernel */
  readonly plainCounts?: boolean;
  readonly set?: readonly [string, number];
}

async function load({ object, set }: Case, progs: readonly string[], cpus: number): Promise<BpfObject> {
  const opened = openObject(join(ROOT, object));
  if (set !== undefined) opened.set(...set);
  return loadObject(opened, { progs, cpus });
}

/** All that a run shows, but for times and for records' order, which is that of each CPU. */
async function outcome(test: Case, cpus: number, parallel: boolean) {
  const { prog, options = {}, captures = 1, capture = CAPTURE } = test;
  using object = await load(test, [prog, ...(options.init === undefined ? [] : [options.init])], cpus);
  // Digests: millions of bytes that differ are too much for a matcher to show.
  const lines = createHash("sha256");
  const frames = createHash("sha256");
  let count = 0;
  const sinks = {
    onPacket: (p: PacketResult) => {
      lines.update(fmtResult(p));
      count++;
    },
    onFrames: (records: Uint8Array) => frames.update(records.slice()),
    outMask: 0x3f,
  };
  const source = openCaptures(Array<string>(captures).fill(capture));
  const result = await runProg(object, prog, source, { ...sinks, ...options, parallel });
  source.close();
  const { packets, errors, bytes, verdicts, events, stopped } = result;
  const maps = mapsToJson(object, { events }) as Record<string, unknown>;
  if (test.plainCounts === true) delete maps[".bss"];
  const printk = events.printk.items.toSorted();
  return {
    packets,
    errors,
    bytes,
    verdicts,
    stopped,
    count,
    lines: lines.digest("hex"),
    frames: frames.digest("hex"),
    maps: JSON.stringify(maps),
    printk,
  };
}

const FLOWS = { object: "test/objects/flows.o", prog: "count_flows" };
const FIREWALL = { object: "test/objects/firewall.o", prog: "firewall" };

describe("the same as on one thread", () => {
  const cases: readonly (Case & { what: string; cpus: number })[] = [
    { what: "flow counters, per-CPU maps", cpus: 2, ...FLOWS },
    { what: "more CPUs than cores", cpus: 5, ...FLOWS },
    { what: "one CPU", cpus: 1, ...FLOWS },
    { what: "rounds of a small capture", cpus: 3, ...FLOWS, options: { repeat: 7 } },
    {
      what: "rounds of small packets",
      cpus: 2,
      ...FLOWS,
      capture: SMALL,
      captures: 3,
      options: { repeat: 3 },
    },
    { what: "the first packets only", cpus: 3, ...FLOWS, options: { limit: 77, repeat: 2 } },
    {
      what: "chunks that come while the threads are there",
      cpus: 2,
      ...FLOWS,
      captures: 8,
      options: { repeat: 2 },
    },
    { what: "a capture in many chunks", cpus: 2, ...FLOWS, captures: 9 },
    {
      what: "a firewall that another program sets up",
      cpus: 2,
      ...FIREWALL,
      plainCounts: true,
      options: { init: "setup" },
    },
    {
      what: "packets that grow",
      cpus: 3,
      object: "test/objects/resize.o",
      prog: "pad",
      plainCounts: true,
      captures: 4,
    },
  ];
  it.each(cases)("$what", async (test) => {
    const got = await outcome(test, test.cpus, true);
    expect(got.count).toBe(got.packets);
    expect(got.packets).toBeGreaterThan(0);
    expect(got).toEqual(await outcome(test, test.cpus, false));
  });

  it("without rows, in groups of chunks", async () => {
    const test = { ...FLOWS, captures: 8, options: { repeat: 3 } };
    const totals = async (parallel: boolean) => {
      using object = await load(test, [test.prog], 2);
      const { packets, bytes, verdicts, errors } = await runProg(
        object,
        test.prog,
        openCaptures(Array<string>(8).fill(CAPTURE)),
        { repeat: 3, parallel },
      );
      return { packets, bytes, verdicts, errors, maps: JSON.stringify(mapsToJson(object)) };
    };
    const got = await totals(true);
    expect(got.packets).toBe(PACKETS * 8 * 3);
    expect(got).toEqual(await totals(false));
  });

  it("records name the packet they are of", async () => {
    const test = { object: "test/objects/sampler.o", prog: "sampler", set: ["one_in", 1] as const };
    const records = async (parallel: boolean) => {
      using object = await load(test, [test.prog], 3);
      const { events } = await runProg(object, test.prog, openCaptures([CAPTURE]), { repeat: 5, parallel });
      const { items } = events.recordsOf(object.map("samples").addr);
      // the first word counts packets over all CPUs, in whatever order
      return new Map(
        items.map(({ i, cpu, bytes }) => [i, `${cpu} ${Buffer.from(bytes.subarray(4)).toString("hex")}`]),
      );
    };
    const got = await records(true);
    const wanted = await records(false);
    expect(got.size).toBe(PACKETS * 5);
    expect([...got].filter(([i, record]) => wanted.get(i) !== record)).toEqual([]);
  });

  it("runs again in the same world", async () => {
    using object = await load(FLOWS, [FLOWS.prog], 2);
    const before = object.world.allocated;
    const run = () => runProg(object, FLOWS.prog, openCaptures([CAPTURE]), { parallel: true });
    expect((await run()).packets).toBe(PACKETS);
    const taken = object.world.allocated - before;
    expect((await run()).packets).toBe(PACKETS);
    expect(object.world.allocated - before).toBe(taken);
  });
});

it("fires timers, after the last packet too", async () => {
  using timed = await loadObject(openObject(join(ROOT, "test/objects/timers.o")), {
    progs: ["every_hash"],
    cpus: 2,
  });
  const { packets, timers } = await runProg(timed, "every_hash", openCaptures([CAPTURE]), {
    parallel: true,
    until: 1_000_000_000n,
  });
  expect(packets).toBe(PACKETS);
  expect(timers.fired).toBeGreaterThan(0);
});

describe("ends", () => {
  it("refuses an engine with one thread", async () => {
    using object = await loadObject(openObject(join(ROOT, FLOWS.object)), {
      progs: [FLOWS.prog],
      cpus: 2,
      engine: "interp",
    });
    await expect(
      runProg(object, FLOWS.prog, openCaptures([CAPTURE]), { parallel: true }),
    ).rejects.toMatchObject({ code: "EOPNOTSUPP" });
  });

  it("at the stop word, with what was done so far", async () => {
    using object = await load(FLOWS, [FLOWS.prog], 2);
    setTimeout(() => object.world.stop(), 150);
    const result = await runProg(object, FLOWS.prog, openCaptures([CAPTURE]), {
      repeat: 1_000_000,
      parallel: true,
    });
    expect(result.stopped).toBe(true);
    expect(result.packets).toBeLessThan(PACKETS * 1_000_000);
    expect(result.verdicts.reduce((a, b) => a + b)).toBe(result.packets - result.errors);
  });

  // A frame's address outside of memory stands for a program that should never have been accepted.
  it.each([0, 1])("at a trap of CPU %d, naming program and insn", async (cpu) => {
    using object = await load(FLOWS, [FLOWS.prog], 2);
    const { host } = object;
    host.resetRun();
    const source = openCaptures([CAPTURE]);
    let rows: DataView | undefined;
    const spied: PacketSource = Object.create(source, {
      nextBatch: {
        value: (target: Parameters<PacketSource["nextBatch"]>[0]) => {
          rows = target.rows;
          return source.nextBatch(target);
        },
      },
      totalBytes: { get: () => source.totalBytes },
      bytesRead: { get: () => source.bytesRead },
      names: { get: () => source.names },
    }) as PacketSource;
    const spoil = () => {
      const seen = rows as DataView;
      for (let at = 0; at < 100 * FRAME_DESC_SIZE; at += FRAME_DESC_SIZE) {
        if (seen.getUint32(at + FRAME_CPU, true) === cpu) seen.setUint32(at + FRAME_ADDR, 0xf000_0000, true);
      }
    };
    const replay = new ParallelReplay(
      host,
      object.prog(FLOWS.prog).engine,
      new Events(host.world, 10),
      object.rowContext(RUN_TYPES.xdp as RunType),
      { limit: 1e9, repeat: 1 },
    );
    const error: unknown = await replay.run(spied, spoil).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(TrapError);
    expect((error as Error).message).toMatch(
      /^program 'count_flows' trapped at insn \d+ \(flows\.bpf\.c:\d+\): memory access out of bounds/,
    );
    expect(host.world.stopping).toBe(true);
    source.close();
  });

  it("at Ctrl-C, with the totals so far", async () => {
    const args = [
      "run",
      FLOWS.object,
      "examples/demo.pcap",
      "--prog",
      FLOWS.prog,
      "--cpus",
      "2",
      "--parallel",
      "--repeat",
      "2000000",
      "--json",
    ];
    const child = spawn(process.execPath, [join(ROOT, "dist/src/cli/main.js"), ...args], { cwd: ROOT });
    let out = "";
    child.stdout.on("data", (text: Buffer) => (out += text.toString()));
    setTimeout(() => child.kill("SIGINT"), 2500);
    const status = await new Promise((done) => child.on("exit", done));
    expect(status).toBe(130);
    expect((JSON.parse(out) as { packets: number; cpus: number }).cpus).toBe(2);
  });
});
