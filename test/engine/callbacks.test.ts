// bpf_loop, bpf_for_each_map_elem and maps in maps on both engines, beside what the kernel did with the same
// programs: what each returned, and what it left in its variable `out`.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { EngineName } from "../../runtime/engine/engine.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";

const TESTS = join(import.meta.dirname, "..");

interface Recorded {
  readonly object: string;
  readonly prog: string;
  readonly retval: number;
  /** hex */
  readonly out: string;
}

const recorded = JSON.parse(readFileSync(join(TESTS, "recorded/callbacks.json"), "utf8")) as {
  readonly kernel: string;
  readonly programs: readonly Recorded[];
};

const ENGINES: readonly { readonly engine: EngineName; readonly checked: boolean }[] = [
  { engine: "wasm", checked: false },
  { engine: "wasm", checked: true },
  { engine: "interp", checked: true },
];

describe.each(ENGINES)("$engine, checked: $checked", (options) => {
  it.each(recorded.programs)(
    `$object $prog as Linux ${recorded.kernel}`,
    async ({ object, prog, retval, out }) => {
      const opened = openObject(join(TESTS, "objects", object));
      using loaded = await loadObject(opened, { ...options, progs: [prog], cache: false });
      const packet = loaded.runPacket(prog, new Uint8Array(64));
      const bss = loaded.map(".bss").lookup(new Uint8Array(4)) as Uint8Array;
      expect({ retval: packet.retval, out: Buffer.from(bss.subarray(0, 64)).toString("hex") }).toEqual({
        retval,
        out,
      });
    },
  );
});
