// Readers of ring buffers and perf event arrays: records in order, to them and not to the result, until they are closed.
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { PerfReader, RingbufReader } from "../../runtime/events/reader.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { ROOT } from "../kernel/recordings.ts";

const frame = Uint8Array.from({ length: 60 }, (_, i) => i);
const load = async (name: string, progs: string[]) => {
  const object = await loadObject(openObject(join(ROOT, `test/objects/${name}.o`)), {
    progs,
    engine: "interp",
  });
  afterAll(() => object.close());
  return object;
};
const u32 = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

describe("a reader of a ring buffer", () => {
  it("gets what each packet sends, waits for more, and gives the map back", async () => {
    const object = await load("containers", ["ring_output"]);
    const map = object.map("ring");
    const reader = new RingbufReader(map);
    expect(reader.tryRead()).toBeUndefined();
    const first = reader.read();
    object.runPacket("ring_output", frame);
    expect(await first).toMatchObject({ i: null, cpu: -1 });
    expect(reader.tryRead()?.bytes.length).toBe(97);
    expect(reader.tryRead()).toBeUndefined();

    const seen: number[] = [];
    const all = (async () => {
      for await (const { bytes } of reader) seen.push(u32(bytes));
    })();
    object.runPacket("ring_output", frame);
    object.runPacket("ring_output", frame);
    reader.close();
    await all;
    expect(seen).toEqual([1, 1, 2, 2]);
    expect(object.events?.recordsOf(map.addr).items).toEqual([]);
    object.runPacket("ring_output", frame);
    expect(object.events?.recordsOf(map.addr).items).toHaveLength(2);
    expect(await reader.read()).toBeUndefined();
  });

  it("counts what is beyond its capacity, and is the only one", async () => {
    const object = await load("containers", ["ring_output"]);
    using reader = new RingbufReader(object.map("ring"), { capacity: 3 });
    object.runPacket("ring_output", frame);
    object.runPacket("ring_output", frame);
    expect([reader.tryRead(), reader.tryRead(), reader.tryRead()].map((r) => r?.bytes.length)).toEqual([
      60, 97, 60,
    ]);
    expect([reader.tryRead(), reader.lost]).toEqual([undefined, 1]);
    const codes = [
      () => new RingbufReader(object.map("ring")),
      () => new PerfReader(object.map("ring")),
      () => new RingbufReader(object.map("queue")),
    ].map((open) => {
      try {
        open();
        return "";
      } catch (error) {
        return error instanceof BpfError ? error.code : String(error);
      }
    });
    expect(codes).toEqual(["EBUSY", "EINVAL", "EINVAL"]);
  });
});

describe("a reader of perf buffers", () => {
  it("gets records with their CPU", async () => {
    const object = await load("sampler", ["sampler"]);
    using reader = new PerfReader(object.map("samples"));
    for (let i = 0; i < 3; i++) object.runPacket("sampler", frame);
    expect(reader.tryRead()).toMatchObject({ cpu: 0 });
    expect(reader.tryRead()).toBeUndefined();
  });
});
