// Random programs through the running kernel's verifier and ours: accepted or not, errno, last words; of those about
// objects the whole log. Skips where bpf(2) is refused or the kernel is not the reference. The long run is
// test/diff/run_verdicts.ts.
import { describe, expect, it } from "vitest";
import { RUNNING } from "../../runtime/load/outside.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { CONTEXT_MAPS, randomContextProg } from "../diff/random_contexts.ts";
import { OBJECT_MAPS, randomObjectProg } from "../harness/random_objects.ts";
import { RANDOM_MAPS, randomProg } from "../harness/random_prog.ts";
import { checkRecorded, fromKernel } from "./running_kernel.ts";
import { differs, KernelVerdicts, logLines, ourLog, ourVerdict } from "../diff/verdicts.ts";

function open(what: string, maps: readonly MapDef[]): KernelVerdicts | undefined {
  return fromKernel(`random programs about ${what}`, () => {
    checkRecorded();
    return KernelVerdicts.plain(maps);
  }).value;
}

/**
 * A slice that a kernel function gave of a ring-buffer record outlives the record in Linux 6.18: it carries no
 * reference. Here it goes with the record.
 */
function outlives(log: string): boolean {
  return /dynptr_ringbuf[^]*bpf_dynptr_slice/.test(log);
}

/** Loops of callbacks and what atomics fetch: see "Stricter than the kernel" of the verifier's README. */
function countsOtherwise({ insns }: Prog): boolean {
  return insns.some(
    (insn) =>
      (insn?.kind === "atomic" && insn.fetch) ||
      (insn?.kind === "call" && insn.callee.kind === "helper" && HELPERS[insn.callee.id]?.name === "loop"),
  );
}

const packets = open("packets", RANDOM_MAPS);
const contexts = open("contexts", CONTEXT_MAPS);
const objects = open("objects", OBJECT_MAPS);

describe("random programs", () => {
  it.skipIf(packets === undefined)("about packets, maps and loops get the kernel's verdict", () => {
    let counted = 0;
    // the last: stack that one path never came to, a round that is not compared any more, an atomic that loads nothing;
    // callbacks that are never called, where no function is left in their place
    const known = [10000143, 10002372, 10002203, 10001881, 10020285, 10036868, 10107576];
    for (const seed of [...Array(250).keys(), ...known]) {
      const { prog } = randomProg(seed);
      const [want, have] = [packets?.of(prog) ?? ourVerdict(prog), ourVerdict(prog)];
      const kind = differs(want, have);
      const mayCount = seed < 250 && countsOtherwise(prog);
      if (!mayCount) counted++;
      if (kind !== undefined && !(kind === "processed" && mayCount))
        expect({ seed, ...have }).toEqual({ seed, ...want });
    }
    expect(counted).toBeGreaterThan(120);
  });

  it.skipIf(contexts === undefined)("about contexts of every type get the kernel's verdict", () => {
    let accepted = 0;
    // the last spills a pointer that the stack does not remember
    for (const seed of [...Array(600).keys(), 20123657]) {
      const prog = randomContextProg(seed);
      const want = contexts?.of(prog);
      expect({ seed, ...ourVerdict(prog) }).toEqual({ seed, ...want });
      if (want?.code === "") accepted++;
    }
    expect(accepted).toBeGreaterThan(120);
  });

  it.skipIf(objects === undefined)("about objects get the kernel's log", () => {
    let lines = 0;
    // the last make an iterator where a dynptr lies, or give one back that is an iterator
    for (const seed of [...Array(250).keys(), 3011731, 3016793, 10293566]) {
      const prog = randomObjectProg(seed, RUNNING.kernelBtf);
      const want = objects?.log(prog, 2) ?? "";
      if (outlives(want)) continue;
      expect(logLines(ourLog(prog, 2)), `seed ${seed}`).toEqual(logLines(want));
      lines += logLines(want).length;
    }
    expect(lines).toBeGreaterThan(10_000);
  });
});
