// Programs on __sk_buff as runs over a capture: in each engine, on several CPUs, on threads, where the packets lie and
// as copies, through tail calls; and timers that a classifier arms.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineName } from "../../runtime/engine/engine.ts";
import { mapsToJson } from "../../runtime/json/maps.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { type PacketResult, fmtResult } from "../../runtime/replay/result.ts";
import { runProg } from "../../runtime/run.ts";
import { openCaptures } from "../../src/pcap/index.ts";
import { readCapture } from "../kernel/pcap_le.ts";

const ROOT = join(import.meta.dirname, "../..");
const TC = join(ROOT, "test/objects/tc.o");
const TIMER = join(ROOT, "test/objects/tc_timer.o");
const CAPTURE = join(ROOT, "examples/demo.pcap");
const ALL_VERDICTS = 0x1fff;
const RECORD_HEADER = 16;

interface How {
  readonly engine?: EngineName;
  readonly checked?: boolean;
  readonly cpus?: number;
  readonly parallel?: boolean;
  readonly limit?: number;
}

/** Everything a run shows, digests of rows and of the packets that left. */
async function outcome(prog: string, { engine = "wasm", checked = false, cpus = 1, ...how }: How) {
  const { progs } = openObject(TC).spec;
  const jumps = progs.map((p) => p.name).filter((name) => name.startsWith("stage_") || name === "again");
  const wanted = [prog, ...(prog === "staged" ? jumps : [])];
  using object = await loadObject(openObject(TC), { progs: wanted, engine, checked, cpus, cache: false });
  const [rows, frames] = [createHash("sha256"), createHash("sha256")];
  const result = await runProg(object, prog, openCaptures([CAPTURE]), {
    ...how,
    outMask: ALL_VERDICTS,
    onPacket: (p: PacketResult) => rows.update(fmtResult(p)),
    onFrames: (records: Uint8Array) => frames.update(records.slice()),
  });
  const { packets, errors, verdicts } = result;
  const maps = JSON.stringify(mapsToJson(object, { events: result.events }));
  return { packets, errors, verdicts, rows: rows.digest("hex"), frames: frames.digest("hex"), maps };
}

// police keeps one budget for all CPUs, which depends on the order of packets: it is not among those on threads
const PROGS = ["classify", "looks", "rewrite", "staged", "egress", "lwt_looks", "lwt_sums", "lwt_grows"];

describe("programs on __sk_buff over a capture", () => {
  it.each([...PROGS, "police"])(
    "%s in every engine",
    async (prog) => {
      const want = await outcome(prog, { limit: 400 });
      expect(want.packets).toBe(400);
      expect(await outcome(prog, { limit: 400, checked: true })).toEqual(want);
      expect(await outcome(prog, { limit: 400, engine: "interp", checked: true })).toEqual(want);
    },
    60_000,
  );

  it.each(PROGS)(
    "%s on four CPUs, on one thread and on four",
    async (prog) => {
      const want = await outcome(prog, { cpus: 4 });
      const one = await outcome(prog, {});
      expect({ rows: want.rows, frames: want.frames, verdicts: want.verdicts }).toEqual({
        rows: one.rows,
        frames: one.frames,
        verdicts: one.verdicts,
      });
      expect(await outcome(prog, { cpus: 4, parallel: true })).toEqual(want);
    },
    60_000,
  );

  it("writes the capture itself where a program only looks, in place", async () => {
    using object = await loadObject(openObject(TC), { progs: ["looks"], cache: false });
    const parts: Uint8Array[] = [];
    const refused = new Set<number>();
    await runProg(object, "looks", openCaptures([CAPTURE]), {
      outMask: ALL_VERDICTS,
      onPacket: ({ i, error }: PacketResult) => void (error !== undefined && refused.add(i)),
      onFrames: (records: Uint8Array) => parts.push(records.slice()),
    });
    const records = Buffer.concat(parts);
    let at = 0;
    for (const [i, { data }] of readCapture(readFileSync(CAPTURE)).frames.entries()) {
      if (refused.has(i)) continue;
      const end = at + RECORD_HEADER + records.readUInt32LE(at + 8);
      expect(records.subarray(at + RECORD_HEADER, end).equals(data)).toBe(true);
      at = end;
    }
    expect(at).toBe(records.length);
  });
});

const NAMES = ["tracked", "started", "expired", "counted", "failed"] as const;

async function track(how: How & { readonly until?: bigint }) {
  const { engine = "wasm", checked = false, cpus = 1, ...rest } = how;
  using object = await loadObject(openObject(TIMER), {
    progs: ["track"],
    engine,
    checked,
    cpus,
    cache: false,
  });
  const result = await runProg(object, "track", openCaptures([CAPTURE]), rest);
  const bss = object.map(".bss").lookup(new Uint8Array(4)) as Uint8Array;
  const view = new DataView(bss.buffer, bss.byteOffset);
  const count = (name: string): number =>
    Number(view.getBigUint64(object.spec.variables.find((v) => v.name === name)?.off ?? -1, true));
  const left = [...object.map("flows").entries()].length;
  const counts = Object.fromEntries(NAMES.map((name) => [name, count(name)])) as Record<
    (typeof NAMES)[number],
    number
  >;
  return { ...counts, left, packets: result.packets, fired: result.timers.fired };
}

describe("timers armed by a classifier", () => {
  const SECOND = 1_000_000_000n;
  it("fire between packets, and after the last until nothing is left", async () => {
    const got = await track({ until: 10n * SECOND });
    expect(got.failed).toBe(0);
    expect(got.started).toBeGreaterThan(100);
    expect(got.expired).toBe(got.started);
    expect(got.fired).toBe(got.expired);
    expect(got.left).toBe(0);
    expect(got.tracked).toBeGreaterThan(3900);
    expect(got.counted).toBe(got.tracked);
  });

  it("do the same in every engine", async () => {
    const want = await track({ limit: 500 });
    expect(want.expired).toBeGreaterThan(0);
    expect(want.started - want.expired).toBe(want.left);
    expect(await track({ limit: 500, checked: true })).toEqual(want);
    expect(await track({ limit: 500, engine: "interp", checked: true })).toEqual(want);
  });

  it("add up on four CPUs, on one thread and on four", async () => {
    for (const parallel of [false, true]) {
      const got = await track({ cpus: 4, parallel, until: 10n * SECOND });
      expect(got.failed).toBe(0);
      expect(got.expired).toBe(got.started);
      expect(got.tracked).toBeGreaterThan(3900);
      expect(got.counted).toBe(got.tracked);
      expect(got.left).toBe(0);
    }
  });
});
