// The comparison itself: a run equal to the recording passes, and any one byte that differs does not.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Case, crc32Hex, decodeRecording, encodeRecording, packRow, unpackRow } from "./answers.ts";
import { compareRun, fmtDifference, type OurMap, type OurPacket, type OurRun } from "./compare.ts";
import { readCapture } from "./pcap_le.ts";
import { ROOT, recordingOf } from "./recordings.ts";

const FRAMES = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6, 7), Uint8Array.of(8), Uint8Array.of(9)];
const EVENT = "0102030405060708090a0b0c";

const RECORDED: Case = {
  prog: "p",
  setup: null,
  capture: "c.pcap",
  capture_sha256: "",
  packets: [2, [3, 8, "1c291ca3", 4], [null, 22], [0, 1, "00000000", 7, 8, [1, 2, 3, 4, 5]]],
  events: { out: [[1, 0, 12, crc32Hex(Buffer.from(EVENT, "hex"))]] },
  globals: { ".bss": { seen: "0100", other: "ff" } },
  maps: {
    flows: {
      type: "hash",
      key_size: 2,
      value_size: 2,
      max_entries: 8,
      entries: [
        ["0001", "aabb"],
        ["0002", "ccdd"],
      ],
    },
    cpus: {
      type: "percpu_array",
      key_size: 4,
      value_size: 2,
      max_entries: 1,
      entries: [["00000000", ["0500", "0000"], [5]]],
    },
    out: { type: "perf_event_array", key_size: 4, value_size: 4, max_entries: 2, entries: null },
  },
};

const OURS: OurRun = {
  packets: [
    { retval: 2, len: 3, crc32: crc32Hex(FRAMES[0] as Uint8Array) },
    { retval: 3, len: 8, crc32: "1c291ca3", meta_len: 4 },
    { error: "EINVAL" },
    { retval: 0, len: 1, crc32: "00000000", mark: 7, priority: 8, cb: [1, 2, 3, 4, 5] },
  ],
  maps: {
    out: { type: "perf_event_array", records: [{ i: 1, cpu: 0, len: 12, bytes: EVENT }], lost: 0 },
    ".bss": { variables: { seen: { bytes: "0100" }, other: { bytes: "ff" } } },
    flows: {
      type: "hash",
      key_size: 2,
      value_size: 2,
      max_entries: 8,
      entries: [
        { key: "0001", value: "aabb" },
        { key: "0002", value: "ccdd" },
      ],
    },
    cpus: {
      type: "percpu_array",
      key_size: 4,
      value_size: 2,
      max_entries: 1,
      entries: [{ key: "00000000", value: ["0500"] }],
    },
  },
};

const compare = (ours: OurRun, recorded: Case = RECORDED): string | undefined => {
  const found = compareRun(recorded, ours, FRAMES);
  return found && fmtDifference(found);
};

const withPacket = (i: number, packet: OurPacket): OurRun => ({
  ...OURS,
  packets: OURS.packets.map((p, n) => (n === i ? packet : p)),
});
const withMap = (name: string, change: OurMap): OurRun => ({
  ...OURS,
  maps: { ...OURS.maps, [name]: { ...OURS.maps[name], ...change } },
});

describe("compareRun", () => {
  it("finds nothing where all is equal", () => {
    expect(compare(OURS)).toBeUndefined();
  });

  // biome-ignore format: table
  const CASES: [string, OurRun, string][] = [
    ["retval",           withPacket(0, { ...OURS.packets[0], retval: 1 }),            "packet 0 retval: kernel 2, ours 1"],
    ["len",              withPacket(1, { ...OURS.packets[1], len: 9 }),               "packet 1 len: kernel 8, ours 9"],
    ["crc32",            withPacket(1, { ...OURS.packets[1], crc32: "1c291ca4" }),    "packet 1 crc32: kernel 1c291ca3, ours 1c291ca4"],
    ["meta_len",         withPacket(1, { retval: 3, len: 8, crc32: "1c291ca3" }),     "packet 1 meta_len: kernel 4, ours 0"],
    ["refused",          withPacket(0, { error: "EINVAL" }),                          "packet 0 error: kernel undefined, ours EINVAL"],
    ["not refused",      withPacket(2, { retval: 2, len: 1, crc32: "00000000" }),     "packet 2 error: kernel EINVAL, ours undefined"],
    ["packet missing",   { ...OURS, packets: OURS.packets.slice(1) },                 "number of packets: kernel 4, ours 3"],
    ["mark",             withPacket(3, { ...OURS.packets[3], mark: 6 }),              "packet 3 mark: kernel 7, ours 6"],
    ["mark set",         withPacket(0, { ...OURS.packets[0], mark: 6 }),              "packet 0 mark: kernel 0, ours 6"],
    ["priority",         withPacket(3, { ...OURS.packets[3], priority: 0 }),          "packet 3 priority: kernel 8, ours 0"],
    ["cb",               withPacket(3, { ...OURS.packets[3], cb: [1, 2, 3, 4, 6] }),  "packet 3 cb: kernel 1,2,3,4,5, ours 1,2,3,4,6"],
    ["variable",         withMap(".bss", { variables: { seen: { bytes: "0100" }, other: { bytes: "fe" } } }), ".bss other: kernel ff, ours fe"],
    ["variable missing", withMap(".bss", { variables: { seen: { bytes: "0100" } } }), ".bss other: kernel ff, ours undefined"],
    ["entry value",      withMap("flows", { entries: [{ key: "0001", value: "aabc" }, { key: "0002", value: "ccdd" }] }), "map flows entry 0 key 0001: kernel aabb, ours aabc"],
    ["entry missing",    withMap("flows", { entries: [{ key: "0001", value: "aabb" }] }), "map flows entry 1: kernel key 0002, ours missing"],
    ["entry too many",   withMap("flows", { entries: [...(OURS.maps.flows?.entries ?? []), { key: "0003", value: "0000" }] }), "map flows number of entries: kernel 2, ours 3"],
    ["map shape",        withMap("flows", { max_entries: 9 }),                        "map flows max_entries: kernel 8, ours 9"],
    ["per-CPU value",    withMap("cpus", { entries: [{ key: "00000000", value: ["0600"] }] }), "map cpus entry 0 key 00000000 cpu 0: kernel 0500, ours 0600"],
    ["other CPU",        withMap("cpus", { entries: [{ key: "00000000", value: ["0500", "0100"] }] }), "map cpus entry 0 key 00000000 cpu 1: kernel 0000, ours 0100"],
    ["not per CPU",      withMap("cpus", { entries: [{ key: "00000000", value: "0500" }] }), "map cpus entry 0 key 00000000: kernel a value for each CPU, ours 0500"],
    ["record byte",      withMap("out", { records: [{ i: 1, cpu: 0, len: 12, bytes: EVENT.replace("0c", "0d") }] }), "map out record 0 crc32"],
    ["record packet",    withMap("out", { records: [{ i: 2, cpu: 0, len: 12, bytes: EVENT }] }), "map out record 0 packet: kernel 1, ours 2"],
    ["record len",       withMap("out", { records: [{ i: 1, cpu: 0, len: 11, bytes: EVENT }] }), "map out record 0 len as said: kernel 12, ours 11"],
    ["record missing",   withMap("out", { records: [] }),                             "map out record 0: kernel of packet 1, ours missing"],
    ["records lost",     withMap("out", { lost: 1 }),                                 "map out lost: kernel 0, ours 1"],
  ];
  it.each(CASES)("names the first difference: %s", (_, ours, words) => {
    expect(compare(ours)).toContain(words);
  });

  it("names a map that is not there", () => {
    const { flows: _, ...maps } = OURS.maps;
    expect(compare({ ...OURS, maps })).toBe("map flows: kernel hash, ours missing");
  });

  it("refuses a capture of another length", () => {
    expect(() => compareRun(RECORDED, OURS, FRAMES.slice(1))).toThrow("3 frames for 4 rows");
  });
});

/** Our run as it would be if we were the kernel. */
function asOurs(recorded: Case, frames: readonly Uint8Array[]): OurRun {
  const maps: Record<string, OurMap> = {};
  for (const [name, { entries, ...shape }] of Object.entries(recorded.maps))
    maps[name] = {
      ...shape,
      entries: (entries ?? []).map((row) =>
        typeof row === "string" ? { value: row } : { key: row[0], value: row[1] },
      ),
    };
  for (const [name, vars] of Object.entries(recorded.globals))
    maps[name] = { variables: Object.fromEntries(Object.entries(vars).map(([k, bytes]) => [k, { bytes }])) };
  const packets = recorded.packets.map((row, i): OurPacket => {
    const answer = unpackRow(row, frames[i] as Uint8Array);
    if ("errno" in answer) throw new Error("the demo capture has no packet that cannot be run");
    const { metaLen, mark: _, priority: __, cb: ___, ...rest } = answer;
    return metaLen === 0 ? rest : { ...rest, meta_len: metaLen };
  });
  return { packets, maps };
}

/** Every place of a JSON value where one hex digit or number can be changed. */
function* flips(value: unknown): Generator<unknown> {
  if (typeof value === "number") yield value ^ 1;
  else if (typeof value === "string" && /^[0-9a-f]+$/.test(value)) {
    const last = Number.parseInt(value.slice(-1), 16) ^ 1;
    yield value.slice(0, -1) + last.toString(16);
  } else if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) for (const f of flips(item)) yield value.with(i, f);
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value))
      for (const f of flips(item)) yield { ...value, [key]: f };
  }
}

describe("a recorded answer with one byte flipped", () => {
  const frames = readCapture(readFileSync(join(ROOT, "examples/demo.pcap"))).frames.map((f) => f.data);
  const found = recordingOf("xdp_firewall").cases.find((c) => c.capture === "demo.pcap");
  if (!found) throw new Error("no recording of the demo capture");
  const recorded = found;
  const ours = asOurs(recorded, frames);

  it("is equal unflipped", () => {
    expect(compareRun(recorded, ours, frames)).toBeUndefined();
  });

  it("fails in every variable and map entry", () => {
    let n = 0;
    for (const globals of flips(recorded.globals)) {
      n++;
      expect(compareRun({ ...recorded, globals } as Case, ours, frames)).toBeDefined();
    }
    for (const [name, map] of Object.entries(recorded.maps)) {
      // the sums of per-CPU values follow from the values and are not compared
      const values = (map.entries ?? []).map(([key, value]) => [key, value]);
      for (const entries of flips(values)) {
        n++;
        const maps = { ...recorded.maps, [name]: { ...map, entries } };
        expect(compareRun({ ...recorded, maps } as Case, ours, frames)).toBeDefined();
      }
    }
    expect(n).toBeGreaterThan(50);
  });

  it("fails in every packet", () => {
    for (let i = 0; i < recorded.packets.length; i += 97) {
      const packets = recorded.packets.with(i, (recorded.packets[i] as number) ^ 1);
      expect(compareRun({ ...recorded, packets }, ours, frames)?.where).toBe(`packet ${i} retval`);
    }
  });

  it("fails where a packet's bytes differ", () => {
    const changed = frames.with(
      40,
      Uint8Array.from(frames[40] as Uint8Array, (b, i) => (i === 20 ? b ^ 1 : b)),
    );
    expect(compareRun(recorded, ours, changed)?.where).toBe("packet 40 crc32");
  });
});

describe("recording", () => {
  it("is decoded as it was encoded", () => {
    const recording = { head: { object: "o", sha256: "s", kernel: "k" }, cases: [RECORDED, RECORDED] };
    expect(decodeRecording(encodeRecording(recording))).toEqual(recording);
  });

  it("keeps of an unchanged packet only the retval", () => {
    const frame = Uint8Array.of(1, 2, 3);
    const same = [2, 3, crc32Hex(frame), 0] as const;
    expect(packRow(same, frame)).toBe(2);
    const nothingSet = { metaLen: 0, mark: 0, priority: 0, cb: [0, 0, 0, 0, 0] };
    expect(unpackRow(2, frame)).toEqual({ retval: 2, len: 3, crc32: crc32Hex(frame), ...nothingSet });
    const changed = [2, 3, "00000000", 0] as const;
    expect(packRow(changed, frame)).toBe(changed);
    const skb = [2, 3, crc32Hex(frame), 0, 0, [0, 0, 0, 0, 0]] as const;
    expect(packRow(skb, frame)).toBe(2);
    const marked = [2, 3, crc32Hex(frame), 0, 0, [0, 0, 0, 0, 1]] as const;
    expect(packRow(marked, frame)).toBe(marked);
    expect(crc32Hex(Buffer.from("123456789"))).toBe("cbf43926");
  });
});
