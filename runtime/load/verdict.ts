// The gate's answer about each program of an object, as plain data.
import { basename } from "node:path";
import type { ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { BpfError, type ErrnoName } from "../../src/spec/errors.ts";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import type { VerifyStats } from "../../src/verifier/proof.ts";
import { VerifierError } from "../../src/verifier/error.ts";
import type { LogLevel } from "../../src/verifier/options.ts";
import { asCreated, checkMapSpec } from "./map_check.ts";
import { type Outside, RUNNING } from "./outside.ts";
import { loadsTypes, mapsOf, verifyProg, withoutTypes } from "./prog.ts";

interface Head {
  readonly prog: string;
  readonly section: string;
  readonly type: string;
  /** 8-byte slots */
  readonly insns: number;
  readonly log?: readonly string[];
}

export type ProgVerdict = Head &
  (
    | { readonly accept: true; readonly stats: VerifyStats }
    | {
        readonly accept: false;
        readonly errno: ErrnoName;
        readonly message: string;
        /** what to write instead, where that is clear */
        readonly hint?: string;
        readonly insn?: number;
        /** "file.c:12" */
        readonly source?: string;
      }
  );

/**
 * Verifies each program alone, as if loaded by a process with these capabilities, on a machine with so many CPUs if that
 * is given; a refused map or relocation is the verdict of the programs that need it.
 */
export function verifyEach(
  spec: ObjectSpec,
  progs: readonly ProgSpec[],
  logLevel: LogLevel = 0,
  outside: Outside = RUNNING,
  caps: readonly Capability[] = CAPABILITIES,
  cpus?: number,
): ProgVerdict[] {
  const options = { logLevel, caps, ...(cpus === undefined ? {} : { cpus }) };
  return progs.map((prog) => verdictOf(spec, prog, options, outside));
}

/** Lines the kernel's log ends with that show states, not reasons. */
const STATE_DUMP = /^(cur|old) state:/;

/** The C line an insn came from, as "file.c:12". */
function sourceAt(prog: ProgSpec, pc: number): { source?: string } {
  const line = prog.lines.findLast((l) => l.pc <= pc);
  return pc < 0 || line === undefined ? {} : { source: `${basename(line.file)}:${line.line}` };
}

interface VerdictOptions {
  readonly logLevel: LogLevel;
  readonly caps: readonly Capability[];
  readonly cpus?: number;
}

function verdictOf(spec: ObjectSpec, prog: ProgSpec, options: VerdictOptions, outside: Outside): ProgVerdict {
  const { logLevel, caps } = options;
  const head = { prog: prog.name, section: prog.section, type: prog.type, insns: prog.insns.length };
  try {
    for (const index of mapsOf(prog)) {
      const map = spec.maps[index];
      if (map === undefined) continue;
      checkMapSpec(loadsTypes(spec, outside, caps) ? map : withoutTypes(asCreated(map, 1)), caps);
    }
    const verified = verifyProg(spec, prog, options, outside);
    return { ...head, accept: true, stats: verified.stats, ...(logLevel > 0 ? { log: verified.log } : {}) };
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    const rejected = { ...head, accept: false as const, errno: error.code, message: error.message };
    if (!(error instanceof VerifierError)) return rejected;
    return {
      ...rejected,
      message: error.reasons.findLast((line) => !STATE_DUMP.test(line)) ?? error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      ...(error.pc < 0 ? {} : { insn: error.pc }),
      ...sourceAt(prog, error.pc),
      ...(logLevel > 0 ? { log: error.log } : {}),
    };
  }
}
