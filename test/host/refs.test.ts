// Who keeps maps and programs alive: handles, pins, devices.
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { BpfError, Host, loadObject, openObject } from "../../runtime/index.ts";

const OBJECT = resolve(import.meta.dirname, "../../examples/xdp_flows.o");
const FRAME = new Uint8Array(64);
const u32 = (n: number): Uint8Array => new Uint8Array(Uint32Array.of(n).buffer);

async function load(host: Host) {
  const opened = openObject(OBJECT);
  const object = await loadObject(opened, { host });
  const prog = [...object.progs.values()][0];
  if (prog === undefined) throw new Error("no program");
  return { object, prog };
}

const code = (call: () => unknown): string => {
  try {
    call();
  } catch (error) {
    if (error instanceof BpfError) return error.code;
    throw error;
  }
  return "ok";
};

describe("references", () => {
  it("end with the object's handles", async () => {
    const host = new Host();
    const { object } = await load(host);
    expect(host.maps.size).toBeGreaterThan(0);
    expect([...host.progs].length).toBe(object.progs.size);
    object.close();
    object.close();
    expect([host.maps.size, [...host.progs].length]).toEqual([0, 0]);
    expect(code(() => object.map("flows"))).toBe("EBADF");
  });

  it("are kept by pins, of maps and of programs", async () => {
    const host = new Host();
    const { object, prog } = await load(host);
    host.bpffs.pin("/sys/fs/bpf/flows", object.map("flows"));
    host.bpffs.pin("/sys/fs/bpf/prog", prog);
    expect(code(() => host.bpffs.pin("/sys/fs/bpf/prog", prog))).toBe("EEXIST");
    expect(code(() => host.bpffs.pin("nowhere", prog))).toBe("EINVAL");
    object.close();
    expect([...host.progs].map((p) => p.name)).toEqual([prog.name]);
    const flows = [...host.maps].find((m) => m.name === "flows");
    expect(flows?.users).toBe(1);
    expect(code(() => host.bpffs.openMap("/sys/fs/bpf/prog"))).toBe("EINVAL");
    using again = host.bpffs.openMap("/sys/fs/bpf/flows");
    expect(flows?.users).toBe(2);
    expect([...again.entries()]).toEqual([]);
    host.bpffs.unpin("/sys/fs/bpf/flows");
    again.close();
    expect(flows?.users).toBe(0);
    expect(host.maps.has(flows ?? ([...host.maps][0] as never))).toBe(true); // the program still uses it
    host.bpffs.unpin("/sys/fs/bpf/prog");
    expect(host.maps.size).toBe(0);
    expect(code(() => host.bpffs.unpin("/sys/fs/bpf/prog"))).toBe("ENOENT");
  });

  it("are kept by the device a program is attached to", async () => {
    const host = new Host();
    const { object, prog } = await load(host);
    const eth0 = host.device("eth0");
    expect(eth0.receive(FRAME, 1n)).toBeUndefined();
    eth0.attach(prog);
    expect(code(() => eth0.attach(prog))).toBe("EBUSY");
    object.close();
    expect(eth0.receive(FRAME, 2n)).toMatchObject({ retval: 2 });
    expect(eth0.receive(FRAME, 3n)?.ctx["ingress_ifindex"]).toBe(eth0.ifindex);
    eth0.detach();
    expect(code(() => eth0.detach())).toBe("ENOENT");
    expect([host.maps.size, [...host.progs].length]).toEqual([0, 0]);
  });

  it("of inner maps go with their slot, however it is emptied", async () => {
    const host = new Host();
    const timers = resolve(import.meta.dirname, "../objects/timers.o");
    const object = await loadObject(openObject(timers), { host, progs: ["in_inner_map"] });
    const outer = object.map("outer");
    const before = host.maps.size;
    for (const empty of [() => outer.delete(u32(0)), () => outer.deleteInner(u32(0))]) {
      const inner = object.createInner("outer");
      outer.setInner(u32(0), inner);
      inner.close();
      expect(host.maps.size).toBe(before + 1);
      expect(empty()).toBe(true);
      expect(host.maps.size).toBe(before);
    }
    expect(code(() => outer.updateBatch([[u32(0), u32(0)]]))).toBe("EOPNOTSUPP");
    expect(code(() => outer.deleteBatch([u32(0)]))).toBe("ENOTSUPP");
    object.close();
  });

  it("of a failed load are none", async () => {
    const host = new Host();
    const bad = openObject(resolve(import.meta.dirname, "../objects/bad.o"));
    await expect(loadObject(bad, { host })).rejects.toBeInstanceOf(BpfError);
    expect([host.maps.size, [...host.progs].length]).toEqual([0, 0]);
  });

  it("let two objects live in one host", async () => {
    const host = new Host();
    const [a, b] = [await load(host), await load(host)];
    a.object.close();
    expect(b.object.runPacket(b.prog.name, FRAME).retval).toBe(2);
    b.object.close();
    expect(host.maps.size).toBe(0);
  });
});
