// The kernel that runs here, for tests that ask it: where it may not be asked they say why and are skipped.
import { release } from "node:os";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { readVerdicts } from "./recorded_verdicts.ts";

/** Throws where this is not the kernel whose verdicts are recorded: others may differ, and say nothing of ours. */
export function checkRecorded(): void {
  const { kernel } = readVerdicts();
  if (release() !== kernel) throw new BpfError("EOPNOTSUPP", `this kernel is ${release()}, not ${kernel}`);
}

/** What `open` gives, or why the kernel refuses it. */
export function fromKernel<T>(
  what: string,
  open: () => T,
): { readonly value?: T; readonly refused?: string } {
  try {
    return { value: open() };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    console.log(`${what}: not held against the kernel: ${error.message}`);
    return { refused: error.message };
  }
}

/** Why the running kernel cannot be asked; undefined: it can. */
export function whyNoKernel(what: string): string | undefined {
  return fromKernel(what, () => new BpfSys("test")).refused;
}
