// The same programs by compilers of many years do the same: calls, tables, programs and maps that are put into maps.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { ROOT } from "../kernel/recordings.ts";

const FOLDER = join(ROOT, "test/verifier/toolchains");
const OBJECTS = readdirSync(FOLDER).filter((f) => /^(parts\..*|plain)\.o$/.test(f));
const [DROP, PASS] = [1, 2];

/** An IPv4 packet to this TCP port. */
function packet(port: number, len: number): Uint8Array {
  const p = new Uint8Array(len);
  p.set([0x08, 0x00, 0x45], 12);
  p.set([port >> 8, port & 255], 36);
  return p;
}

it("there are objects of clang 9 to 19 and 22, and one without .BTF.ext", () => {
  const compilers = new Set(OBJECTS.map((o) => /clang-(\d+)/.exec(o)?.[1]));
  for (const version of [9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 22])
    expect(compilers).toContain(String(version));
  expect(OBJECTS).toContain("plain.o");
});

it.each(OBJECTS.flatMap((o) => (["wasm", "interp"] as const).map((e) => [o, e] as const)))(
  "%s: %s",
  async (file, engine) => {
    const object = await loadObject(openObject(join(FOLDER, file)), { progs: ["known_ports"], engine });
    try {
      const run = (port: number, len = 60) => object.runPacket("known_ports", packet(port, len)).verdict;
      expect([run(22), run(443), run(1000), run(23, 1504), run(53)]).toEqual([DROP, DROP, PASS, PASS, DROP]);
      const counts = (map: string) => [...object.typedMap(map)].map(([, n]) => Number(n));
      expect([counts("small"), counts("large")]).toEqual([
        [1, 0, 0, 0],
        [1, 0, 0, 0],
      ]);
    } finally {
      object.close();
    }
  },
);
