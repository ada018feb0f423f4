// The running kernel is asked again what is recorded of the twins: the recording is not out of date, and the kernel is
// the one it says. Skipped where it is another version, where bpf(2) is refused, or where the loader cannot be built.
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { readVerdicts } from "./recorded_verdicts.ts";
import { ROOT } from "./recordings.ts";
import { checkRecorded, fromKernel } from "./running_kernel.ts";
import { askKernel, buildLoader } from "./verdicts.ts";

vi.setConfig({ testTimeout: 180_000 }); // a process and the kernel's types for each program

const recorded = readVerdicts();
/** A program in C, for which the compiler or libbpf may be missing. */
function builtLoader(): string {
  checkRecorded();
  void new BpfSys("the kernel's verdicts");
  try {
    return buildLoader();
  } catch (cause) {
    throw new BpfError("ENOENT", (cause as Error).message.split("\n")[0] ?? "", { cause });
  }
}

const { value: loader, refused } = fromKernel("recorded verdicts", builtLoader);
const twins = recorded.objects.filter((o) => o.object.startsWith("test/verifier/twins/"));

describe.skipIf(loader === undefined)(`asked again${refused === undefined ? "" : `: ${refused}`}`, () => {
  it.each(twins)("$object", ({ object, verdicts }) => {
    const now = askKernel(loader as string, join(ROOT, object));
    const words = (all: typeof verdicts) => all.map((v) => [v.prog, v.sec, v.errno, v.message]);
    expect(words(now)).toEqual(words(verdicts));
  });
});
