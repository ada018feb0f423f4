// A map in a named segment: two processes run programs on it at once, and both see every count.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { loadAddon } from "../../native/binding.ts";
import { BpfError, loadObject, openObject } from "../../runtime/index.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const OBJECT = join(ROOT, "test/objects/flows.o");
const scratch = mkdtempSync("/dev/shm/softirq-test-");
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

// An IPv4/UDP frame of a flow of its own.
function frame(): Uint8Array {
  const bytes = new Uint8Array(64);
  bytes.set([8, 0], 12);
  bytes.set([0x45, 0, 0, 50, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 53, 0, 54], 14);
  return bytes;
}

const CHILD = `
  import { loadObject, openObject } from ${JSON.stringify(join(ROOT, "dist/runtime/index.js"))};
  const [object, prog, map, path, packets] = process.argv.slice(1);
  const o = await loadObject(openObject(object), { progs: [prog], shared: { [map]: path }, cpus: 2 });
  const frame = Uint8Array.from(Buffer.from(${JSON.stringify(Buffer.from(frame()).toString("hex"))}, "hex"));
  process.stdout.write("ready");
  await new Promise((r) => process.stdin.once("data", r));
  o.runPacket(prog, frame, { repeat: Number(packets) });
  o.close();
  process.exit(0);
`;

describe.skipIf(loadAddon().addon === undefined)("maps shared between processes", () => {
  it("count exactly together", async () => {
    const path = join(scratch, "counters");
    const opened = openObject(OBJECT);
    const prog = opened.spec.progs.find((p) => p.name !== "setup")?.name ?? "";
    const map = opened.spec.maps.find((m) => m.type === "hash")?.name ?? "";
    const packets = 200_000;
    const object = await loadObject(opened, { progs: [prog], shared: { [map]: path }, cpus: 2 });
    object.runPacket(prog, frame()); // the flow exists before both count
    const children = [0, 1].map(() =>
      spawn(
        process.execPath,
        ["--input-type=module", "-e", CHILD, OBJECT, prog, map, path, String(packets)],
        { stdio: ["pipe", "pipe", "inherit"] },
      ),
    );
    await Promise.all(children.map((c) => new Promise((r) => c.stdout.once("data", r))));
    for (const c of children) c.stdin.write("go");
    const statuses = await Promise.all(children.map((c) => new Promise((r) => c.once("exit", r))));
    expect(statuses).toEqual([0, 0]);
    const [[, value] = []] = [...object.map(map).entries()];
    const counts = value instanceof Uint8Array ? new DataView(value.buffer).getBigUint64(0, true) : 0n;
    expect(counts).toBe(BigInt(2 * packets + 1));
    object.close();
  });

  it("are refused where their values hold timers", async () => {
    const timers = openObject(join(import.meta.dirname, "../objects/timers.o"));
    const options = { progs: ["once_hash"], shared: { hash: join(scratch, "timers") } };
    await expect(loadObject(timers, options)).rejects.toThrow(
      expect.objectContaining({
        code: "EOPNOTSUPP",
        message: "share map 'hash': a value with 'bpf_timer' cannot be shared between processes",
      }) as Error,
    );
  });

  it("are refused where the shape differs", async () => {
    const path = join(scratch, "shape");
    const load = (max: number) => {
      const opened = openObject(OBJECT);
      const map = opened.spec.maps.find((m) => m.type === "hash");
      if (map === undefined) throw new Error("no hash");
      map.maxEntries = max;
      return loadObject(opened, { progs: [opened.spec.progs[0]?.name ?? ""], shared: { [map.name]: path } });
    };
    (await load(1024)).close();
    const error = await load(4096).then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(BpfError);
    expect((error as Error).message).toContain(path);
  });
});
