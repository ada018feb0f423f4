// A trap in verified code: our bug, told with the insn and the C line it came from.
import { basename } from "node:path";
import { BpfError } from "../../src/spec/errors.ts";
import type { EngineProg } from "./engine.ts";

/** A trap in verified code is our bug: the world is not to be trusted after it. */
export class TrapError extends Error {}

/** Our bug, told as well as it can be. A stack overflow or a host error is passed on as it is. */
export function trapped(prog: EngineProg, cause: unknown): Error {
  if (cause instanceof BpfError || !(cause instanceof WebAssembly.RuntimeError)) return cause as Error;
  const pc = prog.trapPc?.(cause);
  const { name, lines } = prog.verified.prog;
  const line = pc === undefined ? undefined : lines.findLast((l) => l.pc <= pc);
  const where =
    pc === undefined
      ? ""
      : ` at insn ${pc}${line === undefined ? "" : ` (${basename(line.file)}:${line.line})`}`;
  return new TrapError(
    `program '${name}' trapped${where}: ${cause.message}; the world must not be used again`,
    { cause },
  );
}
