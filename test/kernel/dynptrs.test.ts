// Calls on dynptrs with random numbers, over packets of every shape: in every engine and in the running kernel. What each
// call returned, what was read, the packet and the memory afterwards are equal. Skips the kernel where bpf(2) is refused.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadKernelObject } from "../../runtime/engine/kernel/kernel_object.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { Rng } from "../harness/random_builder.ts";
import { ENGINES, plainFrames } from "./object_runs.ts";
import { whyNoKernel } from "./running_kernel.ts";

const PATH = join(import.meta.dirname, "../objects/dynptrs.o");
const refused = whyNoKernel("calls on dynptrs");
const SEEDS = 60;

const OPS = 24;
const CALLS = 22;
const OP_SIZE = 16;

/** Lengths at which something changes: the shortest, the buffer's, the memory's, a page's, fragments. */
const LINEAR = [60, 64, 71, 128, 300, 701, 1500, 3000];
const PROGS = [
  { prog: "of_xdp", lengths: LINEAR },
  { prog: "of_xdp_frags", lengths: [100, 3519, 3520, 3600, 7616, 9000, 66_000, 73_000] },
  { prog: "of_skb", lengths: LINEAR },
  { prog: "of_meta", lengths: LINEAR },
  { prog: "of_cgroup_skb", lengths: LINEAR },
  { prog: "of_lwt", lengths: LINEAR },
];

/** Small numbers, numbers near an end of the packet or of the memory, and any. */
function number(rng: Rng, len: number): number {
  const near = [0, 14, 24, 64, 700, len, len - 24, 3520, 3520 + 4096, 0xffff, 0x10000, 0x1000000];
  const kind = rng.below(10);
  if (kind < 5) return rng.below(Math.min(len, 80));
  if (kind < 9) return ((near[rng.below(near.length)] as number) + rng.below(9) - 4) >>> 0;
  return (rng.below(0x10000) * 0x10000 + rng.below(0x10000)) >>> 0;
}

function opsOf(seed: number, len: number): Uint8Array {
  const rng = new Rng(seed);
  const view = new DataView(new ArrayBuffer(OPS * OP_SIZE));
  for (let i = 0; i < OPS; i++) {
    view.setUint32(i * OP_SIZE, rng.below(CALLS), true);
    // narrowing for good is rare, or little is left to look at
    const narrows = view.getUint32(i * OP_SIZE, true) === 2;
    const a = narrows && rng.chance(80) ? rng.below(4) : number(rng, len);
    const b = narrows && rng.chance(80) ? Math.max(len - 20 - rng.below(8), a) : number(rng, len);
    view.setUint32(i * OP_SIZE + 4, a, true);
    view.setUint32(i * OP_SIZE + 8, b, true);
    view.setUint32(i * OP_SIZE + 12, number(rng, len), true);
  }
  return new Uint8Array(view.buffer);
}

interface Side {
  readonly run: (frame: Uint8Array) => { readonly retval: number; readonly data: Uint8Array };
  readonly map: (name: string) => {
    lookup(key: Uint8Array): unknown;
    update(key: Uint8Array, value: Uint8Array): void;
  };
}

const FIRST = new Uint8Array(4);
const hex = (bytes: unknown): string => Buffer.from(bytes as Uint8Array).toString("hex");

/** Everything there is to see of one run. */
function outcome(side: Side, ops: Uint8Array, frame: Uint8Array): string[] {
  side.map(".data").update(FIRST, ops);
  const { retval, data } = side.run(frame);
  return [String(retval), hex(data), hex(side.map(".bss").lookup(FIRST)), hex(side.map("mem").lookup(FIRST))];
}

/** What a run is to be compared with, call by call, for a message that says which one differs. */
const results = ([, , bss = ""]: readonly string[]): string[] => bss.match(/.{16}/g) ?? [];

async function openSides(prog: string): Promise<{ name: string; side: Side; close: () => void }[]> {
  const ours = await Promise.all(
    ENGINES.map(async (options) => {
      const object = await loadObject(openObject(PATH), { ...options, progs: [prog], cache: false });
      const side: Side = { run: (frame) => object.runPacket(prog, frame), map: (name) => object.map(name) };
      return {
        name: `${options.engine}${options.checked ? " checked" : ""}`,
        side,
        close: () => object.close(),
      };
    }),
  );
  if (refused !== undefined) return ours;
  const kernel = loadKernelObject(openObject(PATH), { progs: [prog] });
  const run = (frame: Uint8Array) => {
    const packet = kernel.runPacket(kernel.prog(prog), frame);
    expect(packet.errno, `a packet of ${frame.length} bytes`).toBe(0);
    return packet;
  };
  const side: Side = { run, map: (name) => kernel.map(name) };
  return [{ name: "kernel", side, close: () => kernel.close() }, ...ours];
}

describe("calls on dynptrs", () => {
  it.each(PROGS)(
    "$prog",
    async ({ prog, lengths }) => {
      const [first, ...others] = await openSides(prog);
      if (first === undefined) throw new Error("no engine");
      try {
        for (let seed = 0; seed < SEEDS; seed++) {
          const [frame = FIRST] = plainFrames([lengths[seed % lengths.length] as number]);
          const ops = opsOf(seed, frame.length);
          const want = outcome(first.side, ops, frame);
          for (const { name, side } of others) {
            const have = outcome(side, ops, frame);
            const where = `${name} beside ${first.name}, seed ${seed}, ${frame.length} bytes`;
            expect(results(have), where).toEqual(results(want));
            expect(have, where).toEqual(want);
          }
        }
      } finally {
        for (const { close } of [first, ...others]) close();
      }
    },
    120_000,
  );
});
