// Programs of our objects, changed a little, through the running kernel's verifier and ours. Skips where bpf(2) is refused
// or the kernel is not the reference. The long run is test/diff/run_mutants.ts.
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { openObject } from "../../runtime/load/open.ts";
import { toProg } from "../../runtime/load/prog.ts";
import { mutate } from "../diff/mutate.ts";
import { openVerdicts } from "../diff/object_verdicts.ts";
import { ourVerdict } from "../diff/verdicts.ts";
import { ROOT } from "./recordings.ts";
import { checkRecorded, fromKernel } from "./running_kernel.ts";

vi.setConfig({ testTimeout: 60_000 });

const { refused } = fromKernel("programs changed a little", () => {
  checkRecorded();
  return new BpfSys("mutants");
});

// biome-ignore format: table
const KNOWN = [
  ["the low half of an address is not 0", "objects/locks.o", "two_of_them", 9],
  ["nor where it is in a map",            "objects/locks.o", "bad_spin_in_res", 7],
  ["a lock that fails gives -4095 to -1", "objects/locks.o", "failure_is_negative", 24],
  ["a register that was never set",       "objects/locks.o", "irq_nested", 59],
  ["too many paths, at a lock",           "objects/locks.o", "locks_in_a_loop", 45],
  ["what a linked number is off by",      "twins/words.o",   "fine_copy_both_plus", 45],
  ["the high half of a number as a key",  "twins/stack.o",   "fine_fill_constant", 36],
  ["a timer in a map of maps",            "../objects/timers.o", "in_inner_map", 12],
] as const;

describe.skipIf(refused !== undefined)("a program changed a little gets the kernel's verdict", () => {
  it.each(KNOWN)("%s", (_, object, name, seed) => {
    const opened = openObject(join(ROOT, "test/verifier", object));
    const kernel = openVerdicts(opened.spec);
    const prog = mutate(toProg(opened.spec, opened.prog(name)), seed);
    const want = kernel.of(prog);
    kernel.close();
    expect(ourVerdict(prog)).toEqual(want);
  });
});
