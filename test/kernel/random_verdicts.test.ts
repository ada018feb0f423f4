// Random programs through the running kernel's verifier and ours: accepted or not, errno, last words; of those about
// objects the whole log. Skips where bpf(2) is refused or the kernel is not the reference. The long run is
// test/diff/run_verdicts.ts.
import { release } from "node:os";
import { describe, expect, it } from "vitest";
import { RUNNING } from "../../runtime/load/outside.ts";
import { BpfError } from "../../src/spec/errors.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { OBJECT_MAPS, randomObjectProg } from "../harness/random_objects.ts";
import { RANDOM_MAPS, randomProg } from "../harness/random_prog.ts";
import { readVerdicts } from "./recorded_verdicts.ts";
import { differs, KernelVerdicts, logLines, ourLog, ourVerdict } from "../diff/verdicts.ts";

function open(maps: readonly MapDef[]): KernelVerdicts | undefined {
  if (release() !== readVerdicts().kernel) return undefined;
  try {
    return new KernelVerdicts(maps);
  } catch (e) {
    if (e instanceof BpfError) return undefined;
    throw e;
  }
}

/**
 * A slice that a kernel function gave of a ring-buffer record outlives the record in Linux 6.18: it carries no
 * reference. Here it goes with the record.
 */
function outlives(log: string): boolean {
  return /dynptr_ringbuf[^]*bpf_dynptr_slice/.test(log);
}

const packets = open(RANDOM_MAPS);
const objects = open(OBJECT_MAPS);

describe("random programs", () => {
  it.skipIf(packets === undefined)("about packets, maps and loops get the kernel's verdict", () => {
    for (let seed = 0; seed < 250; seed++) {
      const { prog } = randomProg(seed);
      const [want, have] = [packets?.of(prog) ?? ourVerdict(prog), ourVerdict(prog)];
      if (![undefined, "processed"].includes(differs(want, have)))
        expect({ seed, ...have }).toEqual({ seed, ...want });
    }
  });

  it.skipIf(objects === undefined)("about objects get the kernel's log", () => {
    let lines = 0;
    // the last two make an iterator where a dynptr lies
    for (const seed of [...Array(250).keys(), 3011731, 3016793]) {
      const prog = randomObjectProg(seed, RUNNING.kernelBtf);
      const want = objects?.log(prog, 2) ?? "";
      if (outlives(want)) continue;
      expect(logLines(ourLog(prog, 2)), `seed ${seed}`).toEqual(logLines(want));
      lines += logLines(want).length;
    }
    expect(lines).toBeGreaterThan(10_000);
  });
});
