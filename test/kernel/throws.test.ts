// bpf_throw in every engine and in the running kernel: what comes out is what was thrown or what caught it returned,
// and how far each function came is in the variables.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { ENGINES, kernelOn, oursOn, plainFrames } from "./object_runs.ts";
import { whyNoKernel } from "./running_kernel.ts";

const OBJECTS = join(import.meta.dirname, "../objects");
const FRAMES = plainFrames([60, 64, 65, 100, 101, 150, 202, 600]);
const refused = whyNoKernel("programs that throw");

describe.each(["throws.o", "throws.v4.o"])("%s", (file) => {
  const path = join(OBJECTS, file);
  it.each(openObject(path).spec.progs.map((p) => p.name))("%s", async (prog) => {
    const [first, ...others] = await Promise.all(ENGINES.map((engine) => oursOn(path, prog, FRAMES, engine)));
    for (const other of others) expect(other).toEqual(first);
    if (refused === undefined) expect(first).toEqual(kernelOn(path, prog, FRAMES));
  });
});

it("gives what was thrown, cut to 32 bits, where nobody catches", async () => {
  const path = join(OBJECTS, "throws.o");
  const [engine] = ENGINES;
  if (engine === undefined) throw new Error("no engine");
  const [passes, throws] = await oursOn(path, "plain", plainFrames([64, 65]), engine);
  expect([passes?.split(" ")[0], throws?.split(" ")[0]]).toEqual(["9", "3"]);
});
