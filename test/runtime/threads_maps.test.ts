// Maps that CPUs share, each CPU on a thread of its own: what was counted adds up, nothing is missing, doubled or torn.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mapsToJson } from "../../runtime/json/maps.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { runProg } from "../../runtime/run.ts";
import { openCaptures } from "../../src/pcap/index.ts";

const ROOT = join(import.meta.dirname, "../..");
const OBJECT = join(ROOT, "test/objects/threads.o");
const CAPTURE = join(ROOT, "examples/demo.pcap");
const CPUS = 4;
const REPEAT = 5;
const KEEP = 1_000_000;

const NAMES = ["made", "refused", "given_up", "taken", "torn", "made_sum", "taken_sum", "missed"] as const;
type Counts = Record<(typeof NAMES)[number], bigint>;

const WORDS = 15;
const ITEM_SIZE = 8 + WORDS * 8 + 8;
const u64 = (n: bigint): bigint => BigInt.asUintN(64, n);

function mix(n: bigint): bigint {
  const x = u64((n ^ (n >> 33n)) * 0xff51afd7ed558ccdn);
  return x ^ (x >> 29n);
}

interface Item {
  readonly cpu: number;
  readonly n: number;
  readonly check: bigint;
  readonly whole: boolean;
}

function readItem(bytes: Uint8Array): Item {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [cpu, n] = [view.getUint32(0, true), view.getUint32(4, true)];
  const check = view.getBigUint64(ITEM_SIZE - 8, true);
  let word = mix((BigInt(cpu) << 40n) | BigInt(n));
  let sum = BigInt(n);
  let whole = bytes.length === ITEM_SIZE;
  for (let i = 0; i < WORDS; i++) {
    whole &&= view.getBigUint64(8 + i * 8, true) === word;
    sum += word;
    word = mix(word);
  }
  return { cpu, n, check, whole: whole && check === u64(sum) };
}

async function run(prog: string, parallel: boolean) {
  using object = await loadObject(openObject(OBJECT), { progs: [prog], cpus: CPUS });
  const result = await runProg(object, prog, openCaptures([CAPTURE]), {
    parallel,
    repeat: REPEAT,
    keep: KEEP,
  });
  const perCpu = (object.map("counts").lookup(new Uint8Array(4)) as Uint8Array[]).map((bytes): Counts => {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    return Object.fromEntries(NAMES.map((name, i) => [name, view.getBigUint64(i * 8, true)])) as Counts;
  });
  const total = (name: keyof Counts): bigint => u64(perCpu.reduce((sum, counts) => sum + counts[name], 0n));
  const sent = result.events.recordsOf(object.map("ring").addr);
  const maps = mapsToJson(object, { events: result.events }) as Record<
    string,
    { entries?: { value: string }[] }
  >;
  const left = (map: string): Item[] =>
    (maps[map]?.entries ?? []).map(({ value }) => readItem(Buffer.from(value, "hex")));
  const busy = perCpu.filter(({ made }) => made > 0n).length;
  return { result, perCpu, total, sent, left, busy };
}

describe.each([
  { how: "on threads", parallel: true },
  { how: "on one", parallel: false },
])("maps of four CPUs $how", ({ parallel }) => {
  it("ring buffer: every record that was sent comes out whole, in the order of its CPU", async () => {
    const { result, perCpu, total, sent, busy } = await run("to_ring", parallel);
    expect(busy).toBeGreaterThan(1);
    expect(sent.lost).toBe(0);
    expect(BigInt(sent.items.length)).toBe(total("made"));
    expect(BigInt(sent.refused ?? -1)).toBe(total("refused"));
    expect(total("made") + total("refused") + total("given_up")).toBe(BigInt(result.packets) * 2n);
    const last = perCpu.map(() => -1);
    for (const { bytes } of sent.items) {
      const item = readItem(bytes);
      expect(item.whole).toBe(true);
      expect(item.n).toBeGreaterThan(last[item.cpu] as number);
      last[item.cpu] = item.n;
    }
  });

  it.each([
    { prog: "through_queue", map: "queue" },
    { prog: "through_stack", map: "stack" },
  ])("$map: what went in came out or is left", async ({ prog, map }) => {
    const { result, total, left, busy } = await run(prog, parallel);
    const rest = left(map);
    expect(busy).toBeGreaterThan(1);
    expect(total("torn")).toBe(0n);
    expect(rest.every((item) => item.whole)).toBe(true);
    expect(total("made") + total("refused")).toBe(BigInt(result.packets) * 2n);
    expect(total("made")).toBe(total("taken") + BigInt(rest.length));
    const restSum = rest.reduce((sum, { check }) => sum + check, 0n);
    expect(total("made_sum")).toBe(u64(total("taken_sum") + restSum));
  });

  it("bloom filter: what was put in is found by its CPU at once and later", async () => {
    const { result, total, busy } = await run("in_bloom", parallel);
    expect(busy).toBeGreaterThan(1);
    expect(total("made")).toBe(BigInt(result.packets));
    expect(total("refused")).toBe(0n);
    expect(total("missed")).toBe(0n);
  });
});
