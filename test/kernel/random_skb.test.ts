// Random programs on __sk_buff on random frames: everything a caller of a test run sees is the running kernel's, in every
// engine of ours. Skips where bpf(2) is refused; the engines are held against each other in any case.
import { describe, expect, it } from "vitest";
import { interpEngine } from "../../runtime/engine/interp_engine.ts";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { wasmEngine } from "../../runtime/engine/wasm.ts";
import { Rng } from "../harness/random_builder.ts";
import { RANDOM_SKB_TYPES, randomFrames, randomSkb } from "../harness/random_skb.ts";
import { KernelSkb, OurSkb } from "../harness/skb_engines.ts";
import { fromKernel } from "./running_kernel.ts";

const { value: kernel } = fromKernel("random programs on __sk_buff", () => new KernelSkb(new BpfSys("test")));

const FRAMES = 6;

function cases(seed: number, count: number) {
  return RANDOM_SKB_TYPES.flatMap((type) =>
    Array.from({ length: count }, (_, i) => {
      const random = randomSkb(seed + i, type);
      return { ...random, seed: seed + i, frames: randomFrames(new Rng(seed + i), random, FRAMES) };
    }),
  );
}

describe("random programs on __sk_buff", () => {
  it.skipIf(kernel === undefined)(
    "do in the interpreter what they do in the kernel",
    async () => {
      const ours = new OurSkb(interpEngine, true);
      for (const { type, seed, prog, frames } of cases(1, 150)) {
        const want = kernel?.run(prog, frames);
        expect(await ours.run(prog, frames), `${type}, seed ${seed}`).toEqual(want);
      }
    },
    120_000,
  );

  it("do the same in every engine", async () => {
    const [interp, wasm, checked] = [
      new OurSkb(interpEngine, false),
      new OurSkb(wasmEngine, false),
      new OurSkb(wasmEngine, true),
    ];
    for (const { type, seed, prog, frames } of cases(1000, 12)) {
      const want = await interp.run(prog, frames);
      expect(await wasm.run(prog, frames), `${type}, seed ${seed}, wasm`).toEqual(want);
      expect(await checked.run(prog, frames), `${type}, seed ${seed}, checked`).toEqual(want);
    }
  }, 240_000);
});
