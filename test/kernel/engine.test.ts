// The running kernel as an engine: objects of ours in it, its answers in our form, runs held against ours. Skips
// where bpf(2) is refused.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { requireAddon } from "../../native/binding.ts";
import { encodeBtf } from "../../src/btf/encode.ts";
import { parseBtf } from "../../src/btf/parse.ts";
import { openCaptures } from "../../src/pcap/index.ts";
import { benchProg, defaultPacket } from "../../runtime/bench.ts";
import { diffProg } from "../../runtime/diff.ts";
import { compareMaps } from "../../runtime/diff_maps.ts";
import { crc32 } from "../../runtime/engine/kernel/crc32.ts";
import { loadKernelObject } from "../../runtime/engine/kernel/kernel_object.ts";
import { runKernelProg } from "../../runtime/engine/kernel/kernel_run.ts";
import { type JsonValue, mapsToJson } from "../../runtime/json/maps.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { OpenObject, openObject } from "../../runtime/load/open.ts";
import { whyNoKernel } from "./running_kernel.ts";

const OBJECTS = join(import.meta.dirname, "../objects");
const DEMO = join(import.meta.dirname, "../../examples/demo.pcap");
const object = (name: string) => openObject(join(OBJECTS, `${name}.o`));
const dir = mkdtempSync(join(tmpdir(), "softirq-engine-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const refused = whyNoKernel("engine kernel");

const SOFTIRQ = ["--import", "tsx", join(import.meta.dirname, "../../src/cli/main.ts")];
const softirq = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, [...SOFTIRQ, ...args], {
    encoding: "utf8",
    cwd: join(import.meta.dirname, "../.."),
    env: { ...process.env, ...env },
  });

describe("without the kernel", () => {
  it("says in one line that there is no addon, and exits 1", () => {
    const done = softirq(["run", join(OBJECTS, "bench.o"), DEMO, "--prog", "nop", "--engine", "kernel"], {
      SOFTIRQ_ADDON: "off",
    });
    expect(done.stderr).toMatch(/^softirq: engine kernel: no native addon: [^\n]*\n$/);
    expect(done.status).toBe(1);
  });

  it.each([
    { args: ["--clock", "virtual"], says: /--clock virtual/ },
    { args: ["--seed", "1"], says: /--seed is not for --engine kernel/ },
    { args: ["--cpus", "2"], says: /--cpus is not for --engine kernel/ },
    { args: ["--checked"], says: /--checked is not for --engine kernel/ },
  ])("refuses $args with the kernel's engine as wrong usage", ({ args, says }) => {
    const done = softirq([
      "run",
      join(OBJECTS, "bench.o"),
      DEMO,
      "--prog",
      "nop",
      "--engine",
      "kernel",
      ...args,
    ]);
    expect(done.stderr).toMatch(says);
    expect(done.status).toBe(2);
  });

  it("has zlib's CRC-32", () => expect(crc32(Buffer.from("123456789"))).toBe("cbf43926"));

  it.each(["calls", "dispatch", "flows"])("writes the types of %s as they were read", (name) => {
    const { btf } = object(name).spec;
    if (btf === undefined) throw new Error("no BTF");
    const again = parseBtf(encodeBtf(btf), "again").btf;
    // a section without a size, such as the license's, gets one
    const differing = again.types.filter(
      (t, id) => JSON.stringify(t, show) !== JSON.stringify(btf.types[id], show),
    );
    expect(differing.filter((t) => t.kind !== "datasec")).toEqual([]);
    expect(again.types.length).toBe(btf.types.length);
  });
});

const show = (_: string, v: unknown): unknown => (typeof v === "bigint" ? v.toString() : v);

describe("maps held against each other", () => {
  const map = (entries: JsonValue): JsonValue => ({ m: { type: "hash", entries } });
  // biome-ignore format: table
  it.each([
    { name: "a value",         ours: [{ key: "01", value: "aa" }], kernel: [{ key: "01", value: "ab" }], key: "01", mine: "aa",   theirs: "ab" },
    { name: "an entry less",   ours: [],                           kernel: [{ key: "01", value: "ab" }], key: "01", mine: "none", theirs: "ab" },
    { name: "an entry more",   ours: [{ key: "01", value: "aa" }], kernel: [],                           key: "01", mine: "aa",   theirs: "none" },
    { name: "one CPU's value", ours: [{ key: "01", value: ["01"] }], kernel: [{ key: "01", value: ["01", "02"] }], key: "01", mine: "[01]", theirs: "[01, 02]" },
  ])("finds $name", ({ ours, kernel, key, mine, theirs }) => {
    expect(compareMaps(map(ours), map(kernel)).difference).toEqual({ kind: "map", map: "m", key, ours: mine, kernel: theirs });
  });

  it("takes values of CPUs we do not have as zero", () => {
    expect(
      compareMaps(map([{ key: "01", value: ["01"] }]), map([{ key: "01", value: ["01", "00"] }])),
    ).toEqual({ mapEntries: 1, records: 0 });
  });

  it("takes the kernel's padding of records for nothing", () => {
    const record = (len: number, bytes: string): JsonValue => ({
      m: { type: "perf_event_array", records: [{ i: 0, cpu: 0, len, bytes }] },
    });
    expect(compareMaps(record(2, "0102"), record(4, "0102ffff")).difference).toBeUndefined();
    expect(compareMaps(record(2, "0102"), record(4, "0103ffff")).difference).toMatchObject({
      key: "record 0",
    });
  });
});

describe.skipIf(refused !== undefined)("in the kernel", () => {
  it("lets nothing through that attaches, pins or looks for things of others", () => {
    const { bpf } = requireAddon("test");
    const EPERM = -1;
    // BPF_OBJ_PIN, BPF_PROG_ATTACH, BPF_PROG_GET_FD_BY_ID, BPF_RAW_TRACEPOINT_OPEN, BPF_LINK_CREATE
    for (const command of [6, 8, 13, 17, 28]) expect(bpf.bpf(command, new Uint8Array(16))).toBe(EPERM);
    expect(() => bpf.bpf(1, new Uint8Array(32), 8, new Uint8Array(3), 4)).toThrow(/too few bytes/);
    expect(() => bpf.bpf(1, new Uint8Array(32), 30, new Uint8Array(4), 4)).toThrow(
      /outside of the attribute/,
    );
    expect(() => bpf.bpfClose(0)).toThrow(/Bad file descriptor/);
  });

  it("keeps maps as ours: values, deletion, order of nothing lost", () => {
    using kernel = loadKernelObject(object("bench"), { progs: ["count"] });
    const map = kernel.map("flows");
    const key = new Uint8Array(16).fill(7);
    const value = new Uint8Array(16).fill(9);
    expect(map.lookup(key)).toBeUndefined();
    map.update(key, value);
    expect(map.lookup(key)).toEqual(value);
    expect([...map.entries()]).toEqual([[key, value]]);
    expect(map.delete(key)).toBe(true);
    expect(map.delete(key)).toBe(false);
    expect(() => map.update(key.subarray(1), value)).toThrow(/a key has 16 bytes, not 15/);
  });

  it("gives the kernel's words for a program it rejects", () => {
    expect(() => loadKernelObject(object("bad"), { progs: ["bad_packet_unchecked"] })).toThrow(
      /rejects program 'bad_packet_unchecked': R\d offset is outside of the packet/,
    );
  });

  it("loads global functions and callbacks with their types", () => {
    const opened = object("calls");
    using kernel = loadKernelObject(opened);
    expect([...kernel.progs.keys()]).toEqual(opened.spec.progs.map((p) => p.name));
  });

  it("makes a perf event array whose sizes the object does not say", () => {
    const { spec } = object("sampler");
    const maps = spec.maps.map((m) =>
      m.name === "samples" ? { ...m, keySize: 0, valueSize: 0, maxEntries: 0 } : m,
    );
    using kernel = loadKernelObject(new OpenObject({ ...spec, maps }), { progs: ["sampler"] });
    expect(kernel.mapDef("samples")).toMatchObject({ keySize: 4, valueSize: 4, maxEntries: 1 });
  });

  it("relocates by the running kernel's types", () => {
    // without its maps, and of a struct that the kernel does not have
    const { spec } = openObject(join(import.meta.dirname, "../elf/objects/features.o"));
    const opened = new OpenObject({ ...spec, maps: [] });
    expect(() => loadKernelObject(opened, { progs: ["tc_core"] })).toThrow(
      /rejects program 'tc_core': invalid func unknown#195896080/,
    );
  });

  it("gives verdict, bytes and refusals of single packets", () => {
    using kernel = loadKernelObject(object("bench"), { progs: ["parse"] });
    const prog = kernel.prog("parse");
    const packet = defaultPacket();
    const result = kernel.runPacket(prog, packet);
    expect({ ...result, ns: 0n }).toEqual({ errno: 0, retval: 3, metaLen: 0, data: packet, ns: 0n });
    expect(kernel.runPacket(prog, packet.subarray(0, 13)).errno).toBe(22);
  });

  it("runs a capture in the form of a run of ours", async () => {
    using kernel = loadKernelObject(object("bench"), { progs: ["count"] });
    const source = openCaptures([DEMO]);
    const rows: { verdict?: string; len?: number }[] = [];
    const result = await runKernelProg(kernel, "count", source, {
      limit: 100,
      repeat: 2,
      onPacket: (p) => rows.push(p),
    });
    source.close();
    expect(result).toMatchObject({ packets: 200, errors: 0, clock: "real", cpus: 1 });
    expect(rows).toHaveLength(200);
    expect(rows[0]?.verdict).toBe("XDP_PASS");
  });

  // biome-ignore format: table
  const SAME = [
    { name: "bench",    prog: "count" },
    { name: "dispatch", prog: "dispatch" },
    { name: "firewall", prog: "firewall", init: "setup" },
    { name: "router",   prog: "router",   init: "setup" },
    { name: "balancer", prog: "balancer", init: "setup" },
    { name: "sampler",  prog: "sampler" },
    { name: "resize",   prog: "meta_push" },
    { name: "calls",    prog: "calls" },
  ];
  it.each(SAME)("$name, $prog: equal to ours", async ({ name, prog, init }) => {
    const result = await diff(name, prog, init);
    expect(result.difference).toBeUndefined();
    expect(result).toMatchObject({ packets: 400, stopped: false, captureErrors: [] });
  });

  it("names the first packet and byte that differ", async () => {
    // ours runs with another value of a global: what it writes into packets is another address
    const result = await diff("checksum", "nat", undefined, (ours) => ours.set("new_addr", 0x0100007f));
    expect(result.difference).toMatchObject({ kind: "packet", field: "bytes" });
    expect(result.packets).toBeGreaterThan(0);
  });

  it("names the map entry that differs", async () => {
    const result = await diff("bench", "count", undefined, undefined, new Uint8Array(16).fill(1));
    expect(result.difference).toEqual({
      kind: "map",
      map: "flows",
      key: "01".repeat(16),
      ours: "00".repeat(16),
      kernel: "none",
    });
  });

  it("diff exits 0 with a line of what was compared, and 1 with the difference", () => {
    const same = softirq(["diff", join(OBJECTS, "bench.o"), DEMO, "--prog", "parse", "--limit", "50"]);
    expect(same.stdout).toBe("parse: equal: 50 packets, 0 map entries compared\n");
    expect(same.status).toBe(0);
    const doc = JSON.parse(
      softirq(["diff", join(OBJECTS, "bench.o"), DEMO, "--prog", "parse", "--limit", "50", "--json"]).stdout,
    ) as unknown;
    expect(doc).toMatchObject({ prog: "parse", equal: true, packets: 50, difference: null });
    const capture = join(dir, "cut.pcap");
    writeFileSync(capture, readFileSync(DEMO).subarray(0, 1000));
    expect(softirq(["diff", join(OBJECTS, "bench.o"), capture, "--prog", "parse"]).status).toBe(1);
  });

  it("measures engines side by side", async () => {
    const results = await benchProg(object("bench"), "parse", { engines: ["wasm", "kernel"], repeat: 1000 });
    expect(results.map((r) => r.engine)).toEqual(["wasm", "kernel"]);
    for (const r of results) expect(r.ns).toBeGreaterThan(0);
  });

  async function diff(
    name: string,
    prog: string,
    init?: string,
    edit?: (ours: ReturnType<typeof object>) => void,
    extraKey?: Uint8Array,
  ) {
    const ours = object(name);
    edit?.(ours);
    const progs = [prog, ...(init === undefined ? [] : [init])];
    using kernel = loadKernelObject(object(name), { progs });
    using loaded = await loadObject(ours, { progs, cache: false });
    if (extraKey !== undefined) loaded.map("flows").update(extraKey, new Uint8Array(16));
    const [source, again] = [openCaptures([DEMO]), openCaptures([DEMO])];
    try {
      return await diffProg(loaded, kernel, prog, source, again, {
        limit: 400,
        ...(init === undefined ? {} : { init }),
      });
    } finally {
      source.close();
      again.close();
    }
  }

  it("shows maps in one form", async () => {
    using kernel = loadKernelObject(object("dispatch"));
    using ours = await loadObject(object("dispatch"), { cache: false });
    expect(compareMaps(mapsToJson(ours), mapsToJson(kernel)).difference).toBeUndefined();
  });
});
