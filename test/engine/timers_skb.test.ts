// Timers of programs on __sk_buff, a classifier and cgroup_skb, over a capture on the virtual clock: flows that delete
// themselves, held against a model; what the helpers give; the same bytes on both engines and any number of runs.
// And work queues, which are timers of another name.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineName } from "../../runtime/engine/engine.ts";
import { mapsToJson } from "../../runtime/json/maps.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { runProg } from "../../runtime/run.ts";
import { CaptureReader, openCaptures } from "../../src/pcap/index.ts";

const OBJECTS = join(import.meta.dirname, "../objects");
const DEMO = join(import.meta.dirname, "../../examples/demo.pcap");
const MS = 1_000_000n;
const LIMIT = 3000;

interface Seen {
  readonly ts: bigint;
  readonly flow: string;
}

/** IPv4 packets that the kernel's test run takes, by source, destination and protocol. */
function packets(): Seen[] {
  using reader = CaptureReader.open(DEMO);
  const all: Seen[] = [];
  let i = 0;
  for (const { data, tsNs } of reader.packetsCopied()) {
    if (i++ === LIMIT) break;
    const hex = (from: number, to: number) => Buffer.from(data.subarray(from, to)).toString("hex");
    if (data.length >= 34 && data.length <= 3712 && hex(12, 14) === "0800")
      all.push({ ts: tsNs, flow: `${hex(26, 34)} ${data[23]}` });
  }
  return all;
}

/** Each packet pushes its flow's end on; a flow ends at its time, before a packet of the same instant. */
function model(idle: bigint, until: bigint) {
  const due = new Map<string, bigint>();
  const seen = new Map<string, bigint>();
  const counts = { opened: 0n, expired: 0n, expired_packets: 0n };
  const fire = (now: bigint): void => {
    for (const [flow, at] of due) {
      if (at > now) continue;
      due.delete(flow);
      counts.expired++;
      counts.expired_packets += seen.get(flow) ?? 0n;
      seen.delete(flow);
    }
  };
  const all = packets();
  for (const { ts, flow } of all) {
    fire(ts);
    if (!due.has(flow)) counts.opened++;
    due.set(flow, ts + idle);
    seen.set(flow, (seen.get(flow) ?? 0n) + 1n);
  }
  fire((all.at(-1)?.ts ?? 0n) + until);
  return { counts, open: due.size };
}

interface Options {
  readonly engine?: EngineName;
  readonly until?: bigint;
  readonly limit?: number;
  readonly idle?: bigint;
  readonly cpus?: number;
}

async function run(prog: string, { engine = "wasm", until = 0n, limit = LIMIT, idle, cpus = 1 }: Options) {
  const opened = openObject(join(OBJECTS, "timer_skb.o"));
  if (idle !== undefined) opened.set("idle_ns", idle);
  using object = await loadObject(opened, { progs: [prog], engine, cpus });
  const source = openCaptures([DEMO]);
  const verdicts: unknown[] = [];
  const result = await runProg(object, prog, source, { limit, until, onPacket: (p) => verdicts.push(p) });
  source.close();
  const { opened: first, expired, expired_packets, results, fired } = object.globals();
  const maps = mapsToJson(object, { events: result.events });
  return {
    counts: { opened: first, expired, expired_packets },
    results,
    fired,
    verdicts,
    maps,
    timers: result.timers,
  };
}

describe.each(["tc_idle", "cgroup_idle"])("%s", (prog) => {
  it.each([
    [20n * MS, 0n],
    [300n * MS, 0n],
    [300n * MS, 60_000n * MS],
  ])("flows end when they were silent for %d ns, the clock going on for %d", async (idle, until) => {
    const want = model(idle, until);
    expect(want.counts.expired).toBeGreaterThan(0n);
    const have = await run(prog, { idle, until });
    expect(have.counts).toEqual(want.counts);
    expect(have.timers.pending).toBe(want.open);
    expect(BigInt(have.timers.fired)).toBe(want.counts.expired);
  });

  it("does the same twice, on 4 CPUs, and in the interpreter", async () => {
    const options = { until: 40n * MS, limit: 800 };
    const once = await run(prog, options);
    expect(once.verdicts.length).toBe(800);
    expect(await run(prog, options)).toEqual(once);
    expect(await run(prog, { ...options, engine: "interp" })).toEqual(once);
    const many = await run(prog, { ...options, cpus: 4 });
    expect(await run(prog, { ...options, cpus: 4 })).toEqual(many);
    expect(many.counts).toEqual(once.counts);
  });
});

describe("helpers", () => {
  const EINVAL = -22n;
  const EDEADLK = -35n;
  it.each(["tc_helpers", "cgroup_helpers"])("give what they give anywhere: %s", async (prog) => {
    for (const engine of ["wasm", "interp"] as const) {
      const { results, fired } = await run(prog, { engine, limit: 1, until: 5n * MS });
      expect(fired).toBe(1n);
      expect(results).toEqual([EINVAL, 0n, 0n, 0n, 1n, 0n, EDEADLK, 0n]);
    }
  });
});

describe("work queues", () => {
  const key = Uint8Array.of(1, 0, 0, 0);
  it.each(["wasm", "interp"] as const)("run once a start, between packets: %s", async (engine) => {
    const opened = openObject(join(OBJECTS, "timer_wq.o"));
    using object = await loadObject(opened, { progs: ["fine_all"], engine });
    object.map("hash").update(key, new Uint8Array(24));
    const source = openCaptures([DEMO]);
    const result = await runProg(object, "fine_all", source, { limit: 10, until: MS });
    source.close();
    expect(object.globals()["runs"]).toBe(10n);
    expect(result.timers).toMatchObject({ fired: 10, pending: 0 });
  });

  it("that start themselves for ever are a storm with a name", async () => {
    const opened = openObject(join(OBJECTS, "timer_wq.o"));
    using object = await loadObject(opened, { progs: ["fine_lru"] });
    object.map("lru").update(key, new Uint8Array(24));
    const source = openCaptures([DEMO]);
    await expect(runProg(object, "fine_lru", source, { limit: 2, until: MS })).rejects.toThrow(
      /timer storm: callback 'again' of program 'fine_lru' ran more than \d+ times in one virtual second/,
    );
    source.close();
  });
});
