// The timer examples on the virtual clock, held against models written from their comments, and against themselves:
// the same bytes whatever engine, batch or number of runs.
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import {
  type EngineName,
  type PacketSource,
  CaptureReader,
  loadObject,
  mapsToJson,
  openCaptures,
  openObject,
  runProg,
} from "../../runtime/index.ts";

const EXAMPLES = resolve(import.meta.dirname, "../../examples");
const CAPTURE = `${EXAMPLES}/demo.pcap`;

interface Packet {
  readonly ts: bigint;
  readonly source: string;
  readonly flow: string;
}

/** IPv4 packets by the fields the examples look at. */
function packets(): Packet[] {
  using reader = CaptureReader.open(CAPTURE);
  return [...reader.packetsCopied()].flatMap(({ data, tsNs }) => {
    const hex = (from: number, to: number) => Buffer.from(data.subarray(from, to)).toString("hex");
    if (data.length < 34 || hex(12, 14) !== "0800") return [];
    const proto = data[23] ?? 0;
    const ports =
      ((data[14] ?? 0) & 15) === 5 && data.length >= 42 && (proto === 6 || proto === 17) ? hex(34, 38) : "";
    return [{ ts: tsNs, source: hex(26, 30), flow: `${hex(26, 34)} ${proto} ${ports}` }];
  });
}

/** Keys that are pushed on by each packet and expire `idle` ns after their last one. */
function expiry(events: readonly (readonly [ts: bigint, key: string])[], idle: bigint, end: bigint) {
  const due = new Map<string, bigint>();
  let opened = 0;
  let expired = 0;
  const fire = (now: bigint) => {
    for (const [key, at] of due) {
      if (at > now) continue;
      due.delete(key);
      expired++;
    }
  };
  for (const [ts, key] of events) {
    fire(ts);
    if (!due.has(key)) opened++;
    due.set(key, ts + idle);
  }
  fire(end);
  return { opened, expired, open: due.size };
}

const last = (all: readonly Packet[]) => all.at(-1)?.ts ?? 0n;

interface Run {
  readonly until?: bigint;
  readonly engine?: EngineName;
  readonly cpus?: number;
  readonly limit?: number;
  readonly set?: Readonly<Record<string, bigint | number>>;
  readonly source?: PacketSource;
}

async function run(name: string, options: Run = {}) {
  const opened = openObject(`${EXAMPLES}/xdp_${name}.o`);
  for (const [key, value] of Object.entries(options.set ?? {})) opened.set(key, value);
  using object = await loadObject(opened, { engine: options.engine ?? "wasm", cpus: options.cpus ?? 1 });
  const source = options.source ?? openCaptures([CAPTURE]);
  const verdicts: unknown[] = [];
  const result = await runProg(object, name, source, {
    until: options.until ?? 0n,
    limit: options.limit ?? 4000,
    onPacket: (p) => verdicts.push(p),
  });
  source.close();
  return { result, verdicts, globals: object.globals(), maps: mapsToJson(object, { events: result.events }) };
}

describe("conntrack", () => {
  it.each([
    [5_000_000_000n, 30_000_000_000n],
    [500_000_000n, 100_000_000n],
    [1_000_000n, 0n],
  ])("opens and expires flows as the model does: idle %d, until %d", async (idle, until) => {
    const all = packets();
    const model = expiry(
      all.map((p) => [p.ts, p.flow]),
      idle,
      last(all) + until,
    );
    const { globals, result, maps } = await run("conntrack", { until, set: { idle_ns: idle } });
    expect([globals["opened"], globals["expired"]]).toEqual([BigInt(model.opened), BigInt(model.expired)]);
    expect([result.timers.pending, (maps as { conns: { entries: unknown[] } }).conns.entries.length]).toEqual(
      [model.open, model.open],
    );
    expect(result.timers.fired).toBe(model.expired);
  });
});

describe("health", () => {
  it("counts silences as the model does", async () => {
    const all = packets();
    const silence = 300_000_000n;
    const model = expiry(
      all.map((p) => [p.ts, p.source]),
      silence,
      last(all),
    );
    const { globals } = await run("health", { set: { silence_ns: silence } });
    expect(globals["went_down"]).toBe(BigInt(model.expired));
    expect(globals["came_up"]).toBe(BigInt(model.opened - new Set(all.map((p) => p.source)).size));
  });
});

describe("sample", () => {
  it("takes a snapshot each period of the virtual clock", async () => {
    const { maps } = await run("sample", { set: { period_ns: 1_000_000_000n } });
    const { records } = (maps as { samples: { records: { i: number; bytes: string }[] } }).samples;
    const rows = records.map(({ i, bytes }) => {
      const u64 = (at: number) => Buffer.from(bytes, "hex").readBigUInt64LE(at * 8);
      return { i, at: u64(0), packets: u64(1) };
    });
    expect(rows.map((r) => r.at)).toEqual(rows.map((_, n) => BigInt(n + 2) * 1_000_000_000n)); // the clock starts at 1 s
    expect(rows.map((r) => r.packets)).toEqual(rows.map((r) => BigInt(r.i))); // as many as came before the one that tells
  });
});

describe("bucket", () => {
  it("gives out what it had and what was refilled, no more", async () => {
    const set = { burst: 5, tokens_per_tick: 1, tick_ns: 100_000_000n };
    const { globals, result } = await run("bucket", { set, until: 10_000_000_000n });
    expect(result.timers.pending).toBe(0); // all are full again
    expect(globals["refills"]).toBe(BigInt(result.timers.fired));
    const short = await run("bucket", { set });
    const all = packets();
    expect(short.result.verdicts[1] ?? 0).toBeGreaterThan(0);
    expect((short.result.verdicts[1] ?? 0) + (short.result.verdicts[2] ?? 0)).toBe(4000);
    expect(all.length).toBeLessThanOrEqual(4000);
  });
});

/** The capture in batches of at most so many packets. */
function inBatches(size: number): PacketSource {
  const source = openCaptures([CAPTURE]);
  const nextBatch: PacketSource["nextBatch"] = (target) =>
    source.nextBatch({
      ...target,
      rows: new DataView(target.rows.buffer, target.rows.byteOffset, size * 32),
    });
  return new Proxy(source, { get: (on, key) => (key === "nextBatch" ? nextBatch : bound(on, key)) });
}

function bound(source: PacketSource, key: string | symbol): unknown {
  const value = Reflect.get(source, key, source) as unknown;
  return typeof value === "function" ? (value.bind(source) as unknown) : value;
}

describe("the same bytes", () => {
  const flat = (r: Awaited<ReturnType<typeof run>>) =>
    JSON.stringify([r.verdicts, r.maps, r.result.timers, r.result.verdicts]);

  it.each([
    ["conntrack", 1],
    ["conntrack", 4],
    ["health", 1],
    ["sample", 4],
    ["bucket", 4],
  ] as const)("%s on %d CPUs: twice, in batches of 1, 7 and 4096, interpreted", async (name, cpus) => {
    const base = { until: 1_000_000_000n, cpus, limit: 400 };
    const expected = flat(await run(name, base));
    expect(flat(await run(name, base))).toBe(expected);
    for (const size of [1, 7, 4096])
      expect(flat(await run(name, { ...base, source: inBatches(size) })), `batches of ${size}`).toBe(
        expected,
      );
    expect(flat(await run(name, { ...base, engine: "interp" })), "interp").toBe(expected);
  });
});
