// Objects made for loaders other than libbpf 1.x: they load, and what they send arrives.
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { PerfReader, RingbufReader } from "../../runtime/events/reader.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { openBtf } from "../../src/btf/parse.ts";
import { BtfBuilder } from "../btf/build.ts";
import { ROOT } from "../kernel/recordings.ts";

const opened = openObject(join(ROOT, "test/elf/objects/other_loaders.o"));

it("sections are known by their beginning; one that is not is named", () => {
  const said = verifyEach(opened.spec, opened.spec.progs).map((v) => [
    v.prog,
    v.type,
    v.accept ? "accept" : `${v.errno} ${v.message}`,
  ]);
  expect(said).toEqual([
    ["by_slash", "xdp", "accept"],
    ["by_word", "sched_cls", "accept"],
    ["typed", "xdp", "accept"],
    ["by_long_name", "kprobe", "accept"],
    [
      "by_nothing",
      "unspec",
      "EINVAL other_loaders.o: section ingress: no program type goes by this section name",
    ],
  ]);
});

it.each(["wasm", "interp"] as const)(
  "a perf event array without sizes has those it must have: %s",
  async (engine) => {
    const object = await loadObject(opened, { progs: ["by_slash"], engine });
    afterAll(() => object.close());
    using reader = new PerfReader(object.map("events"));
    expect(object.runPacket("by_slash", new Uint8Array(60)).verdict).toBe(2);
    expect(reader.tryRead()).toMatchObject({ cpu: 0, bytes: Uint8Array.of(7, 0, 0, 0) });
    expect(object.map("events").shape).toMatchObject({ keySize: 4, valueSize: 4, maxEntries: object.ncpus });
  },
);

it("the type of a ring buffer's records is no value's size", async () => {
  const object = await loadObject(opened, { progs: ["typed"], engine: "interp" });
  afterAll(() => object.close());
  using reader = new RingbufReader(object.map("ring"));
  using perf = new PerfReader(object.map("typed_events"));
  expect(object.runPacket("typed", new Uint8Array(60)).verdict).toBe(2);
  expect([reader.tryRead()?.bytes.length, perf.tryRead()?.bytes.length]).toEqual([12, 12]);
  expect([object.map("ring").shape.valueSize, object.map("typed_events").shape.valueSize]).toEqual([0, 4]);
});

it("so it is where the kernel takes no types", () => {
  const odd = new BtfBuilder();
  odd.int("signed char", 1, 3);
  const progs = opened.spec.progs.filter((p) => p.name === "typed");
  const said = verifyEach({ ...opened.spec, btf: openBtf(odd.bytes(), "odd") }, progs);
  expect(said).toMatchObject([{ prog: "typed", accept: true }]);
});
