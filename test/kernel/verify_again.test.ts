// The running kernel is asked again what is recorded of the twins: the recording is not out of date, and the kernel is
// the one it says. Skipped where it is another version, where bpf(2) is refused, or where the loader cannot be built.
import { release } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { readVerdicts } from "./recorded_verdicts.ts";
import { ROOT } from "./recordings.ts";
import { askKernel, buildLoader } from "./verdicts.ts";

vi.setConfig({ testTimeout: 180_000 }); // a process and the kernel's types for each program

const recorded = readVerdicts();
/** Why the kernel cannot be asked. */
function obstacle(): string | undefined {
  if (release() !== recorded.kernel) return `this kernel is ${release()}`;
  try {
    void new BpfSys("the kernel's verdicts");
    return undefined;
  } catch (error) {
    if (error instanceof BpfError) return error.message;
    throw error;
  }
}

function loaderOr(why: (reason: string) => void): string | undefined {
  try {
    return buildLoader();
  } catch (error) {
    why((error as Error).message.split("\n")[0] as string);
    return undefined;
  }
}

let reason = obstacle();
const loader = reason === undefined ? loaderOr((why) => (reason = why)) : undefined;
const twins = recorded.objects.filter((o) => o.object.startsWith("test/verifier/twins/"));

describe.skipIf(loader === undefined)(`asked again${reason === undefined ? "" : `: ${reason}`}`, () => {
  it.each(twins)("$object", ({ object, verdicts }) => {
    const now = askKernel(loader as string, join(ROOT, object));
    const words = (all: typeof verdicts) => all.map((v) => [v.prog, v.sec, v.errno, v.message]);
    expect(words(now)).toEqual(words(verdicts));
  });
});
