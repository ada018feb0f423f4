// Ownership of timers through the API: user references, pins, attached programs, inner maps, storms.
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { BpfError, type BpfObject, Host, loadObject, openObject } from "../../runtime/index.ts";
import { runTimers, timerStats } from "../../runtime/clock/virtual.ts";

const OBJECT = resolve(import.meta.dirname, "../objects/timers.o");
const FRAME = new Uint8Array(64);
const MS = 1_000_000n;
const EPERM = -1n;

async function load(host: Host, ...progs: string[]): Promise<BpfObject> {
  return loadObject(openObject(OBJECT), { host, progs });
}

/** The virtual clock goes on; callbacks fired by now since the host began. */
async function advance(host: Host, ns: bigint): Promise<number> {
  await runTimers(host, ns, host.openEvents(10));
  host.collect();
  return timerStats(host).fired;
}

const results = (object: BpfObject): readonly bigint[] => object.globals()["results"] as bigint[];
const pending = (host: Host): number => timerStats(host).pending;

describe("timers and who owns them", () => {
  it("fire while the object is open, and not after it is closed", async () => {
    const host = new Host();
    const object = await load(host, "every_hash");
    object.runPacket("every_hash", FRAME, { ts: 1n });
    expect(await advance(host, 10n * MS)).toBe(10);
    object.close();
    expect([pending(host), host.maps.size, [...host.progs].length]).toEqual([0, 0, 0]);
    expect(await advance(host, 10n * MS)).toBe(10);
  });

  it("keep their program loaded when its handle is closed", async () => {
    const host = new Host();
    const object = await load(host, "every_hash");
    object.runPacket("every_hash", FRAME, { ts: 1n });
    object.prog("every_hash").close();
    expect([...host.progs].map((p) => p.name)).toEqual(["every_hash"]);
    expect(await advance(host, 5n * MS)).toBe(5);
    object.map("hash").close();
    expect(pending(host)).toBe(0);
    expect([...host.progs].length).toBe(0);
  });

  it("go on in a pinned map, until it is unpinned", async () => {
    const host = new Host();
    const object = await load(host, "every_array");
    object.runPacket("every_array", FRAME, { ts: 1n });
    host.bpffs.pin("/sys/fs/bpf/array", object.map("array"));
    object.close();
    expect(await advance(host, 7n * MS)).toBe(7);
    host.bpffs.unpin("/sys/fs/bpf/array");
    expect([pending(host), host.maps.size, [...host.progs].length]).toEqual([0, 0, 0]);
    expect(await advance(host, 7n * MS)).toBe(7);
  });

  // The hole found in review of the kernel's patches: the program was pinned, the map was not.
  it("cannot be set up in a map that only an attached program holds", async () => {
    const host = new Host();
    const object = await load(host, "once_hash");
    const results = object.map(".bss");
    host.bpffs.pin("/sys/fs/bpf/prog", object.prog("once_hash"));
    host.bpffs.pin("/sys/fs/bpf/bss", results);
    const eth0 = host.device("eth0");
    eth0.attach(object.prog("once_hash"));
    object.close();
    host.bpffs.unpin("/sys/fs/bpf/prog");
    expect(eth0.receive(FRAME, 1n)?.retval).toBe(2);
    using bss = host.bpffs.openMap("/sys/fs/bpf/bss");
    const value = bss.lookup(new Uint8Array(4)) as Uint8Array;
    const s64 = (at: number) => new DataView(value.buffer, value.byteOffset).getBigInt64(at * 8, true);
    expect([s64(0), s64(1), s64(2)]).toEqual([EPERM, -22n, -22n]);
    expect([pending(host), await advance(host, 100n * MS)]).toEqual([0, 0]);
    eth0.detach();
    host.bpffs.unpin("/sys/fs/bpf/bss");
    expect([...host.progs].length).toBe(0);
    expect([...host.maps].map((m) => m.name)).toEqual([".bss"]); // the handle of this test
  });

  it("in an inner map live as long as the inner map has a user", async () => {
    const host = new Host();
    const object = await load(host, "in_inner_map");
    object.runPacket("in_inner_map", FRAME, { ts: 1n });
    expect(results(object).slice(0, 2)).toEqual([0n, 0n]);
    expect(await advance(host, 4n * MS)).toBe(4);
    object.map("inner").close(); // being inside the outer map is no user reference
    expect(pending(host)).toBe(0);
    object.runPacket("in_inner_map", FRAME, { ts: 2n });
    expect(results(object)[0]).toBe(EPERM);
    object.close();
  });

  it("in an inner map go on when it leaves the outer map with a handle open", async () => {
    const host = new Host();
    const object = await load(host, "in_inner_map");
    object.runPacket("in_inner_map", FRAME, { ts: 1n });
    expect(object.map("outer").deleteInner(new Uint8Array(4))).toBe(true);
    expect(await advance(host, 6n * MS)).toBe(6);
    expect(object.runPacket("in_inner_map", FRAME, { ts: 2n }).retval).toBe(0); // the slot is empty: XDP_ABORTED
    object.close();
    expect(pending(host)).toBe(0);
  });

  it("work in a map that was made and put inside later", async () => {
    const host = new Host();
    const object = await load(host, "in_inner_map");
    const fresh = object.createInner("outer");
    object.map("outer").setInner(new Uint8Array(4), fresh);
    object.runPacket("in_inner_map", FRAME, { ts: 1n });
    expect(results(object).slice(0, 2)).toEqual([0n, 0n]);
    expect(fresh.size).toBe(1);
    expect(await advance(host, 3n * MS)).toBe(3);
    fresh.close();
    expect(pending(host)).toBe(0);
    object.close();
    expect(host.maps.size).toBe(0);
  });

  it("are cancelled with their element, by the host too", async () => {
    const host = new Host();
    using object = await load(host, "every_hash", "every_array");
    object.runPacket("every_hash", FRAME, { ts: 1n });
    object.runPacket("every_array", FRAME, { ts: 2n });
    expect(pending(host)).toBe(2);
    expect(object.map("hash").delete(Uint8Array.of(1, 0, 0, 0))).toBe(true);
    expect(pending(host)).toBe(1);
    object.map("array").update(Uint8Array.of(1, 0, 0, 0), new Uint8Array(32).fill(0xff)); // garbage over the timer's bytes
    expect(pending(host)).toBe(0);
    object.runPacket("every_array", FRAME, { ts: 3n });
    expect(pending(host)).toBe(1);
    const value = object.map("array").lookup(Uint8Array.of(1, 0, 0, 0)) as Uint8Array;
    expect(value.subarray(16)).toEqual(new Uint8Array(16)); // locks and timers read as zero
  });

  it("are cancelled with elements that are taken out or pass in batches, and left alone by batches that read", async () => {
    const host = new Host();
    using object = await load(host, "every_hash");
    const map = object.map("hash");
    const arm = (): void => {
      object.runPacket("every_hash", FRAME, { ts: 1n });
      expect(pending(host)).toBe(1);
    };
    const key = Uint8Array.of(1, 0, 0, 0);
    const other = Uint8Array.of(9, 0, 0, 0);
    const value = new Uint8Array(32).fill(0xff);
    arm();
    map.update(other, value);
    const read = map.lookupBatch(64).entries;
    expect([read.length, [...map.batches(1)].flat().length, pending(host)]).toEqual([2, 2, 1]);
    for (const [, bytes] of read) expect((bytes as Uint8Array).subarray(16)).toEqual(new Uint8Array(16));
    const taken = map.lookupAndDelete(key) as Uint8Array;
    expect([taken.length, pending(host)]).toEqual([32, 0]);
    expect(taken.subarray(16)).toEqual(new Uint8Array(16)); // a timer reads as zero
    arm();
    expect(map.deleteBatch([key, other])).toBe(2);
    expect(pending(host)).toBe(0);
    arm();
    expect(map.updateBatch([[other, value], [key, value]])).toBe(2); // biome-ignore format: pairs
    expect(pending(host)).toBe(0);
    map.delete(key);
    arm();
    expect(map.lookupAndDeleteBatch(64).entries.length).toBe(2);
    expect([pending(host), map.size, await advance(host, 10n * MS)]).toEqual([0, 0, 0]);
    arm();
    expect([...map.drain()].flat().length).toBe(1);
    expect([pending(host), [...host.progs].length]).toEqual([0, 1]);
    for await (const _ of map) expect.fail("the map is empty");
  });

  it("that never end within a second are a storm with a name", async () => {
    const host = new Host({ timerCap: 500 });
    using object = await load(host, "every_hash");
    object.runPacket("every_hash", FRAME, { ts: 1n });
    const error = await advance(host, 5_000n * MS).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(BpfError);
    expect((error as Error).message).toBe(
      "timer storm: callback 'every_ms' of program 'every_hash' ran more than 500 times in one virtual second",
    );
  });

  it("forbid freezing their map", async () => {
    using object = await load(new Host(), "every_hash");
    expect(() => object.map("hash").freeze()).toThrow(expect.objectContaining({ code: "ENOTSUPP" }) as Error);
  });
});
