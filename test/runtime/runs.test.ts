// Running again and again on one object.
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { loadObject, openCaptures, openObject, runProg } from "../../runtime/index.ts";

const EXAMPLES = resolve(import.meta.dirname, "../../examples");

describe("runs of one object", () => {
  it.each([1, 3])("take no more memory each time, with repeat %d", async (repeat) => {
    using object = await loadObject(openObject(`${EXAMPLES}/xdp_firewall.o`), { progs: ["firewall"] });
    const allocated: number[] = [];
    const packets: number[] = [];
    for (let i = 0; i < 4; i++) {
      const source = openCaptures([`${EXAMPLES}/demo.pcap`]);
      const result = await runProg(object, "firewall", source, {
        limit: 500,
        repeat,
        onPacket: () => undefined,
        onFrames: () => undefined,
        outMask: 0x3f,
      });
      source.close();
      allocated.push(object.world.allocated);
      packets.push(result.packets);
    }
    expect(packets).toEqual(packets.map(() => 500 * repeat));
    expect(allocated).toEqual(allocated.map(() => allocated[0]));
  });
});
