// Insns that loading could not resolve are calls of helpers that no kernel has. Where the verifier comes upon one, it
// is told as libbpf tells it (fixup_verifier_log): which relocation or kernel function it stands for.
import { POISON_HELPER } from "../../src/btf/core.ts";
import { fmtCoreRelo } from "../../src/btf/core_text.ts";
import type { ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { VerifierError } from "../../src/verifier/error.ts";
import { POISON_KFUNC } from "./externs.ts";

/** libbpf looks no further from the end. */
const LINES_LOOKED_AT = 10;

interface Poison {
  readonly insn: string;
  readonly reason: string;
}

function poisonAt(spec: ObjectSpec, prog: ProgSpec, pc: number, helper: number): Poison | undefined {
  if (helper === POISON_HELPER) {
    const relo = prog.coreRelos.find((r) => r.pc === pc);
    if (relo === undefined || spec.btf === undefined) return undefined;
    const reason = `failed to resolve CO-RE relocation ${fmtCoreRelo(spec.btf, relo)}`;
    return { insn: "<invalid CO-RE relocation>", reason };
  }
  const kfunc = prog.kfuncs[helper - POISON_KFUNC];
  if (kfunc === undefined) return undefined;
  return { insn: "<invalid kfunc call>", reason: `kfunc '${kfunc.name}' is referenced but wasn't resolved` };
}

/** The two lines of the log that end in the refused call, in other words. */
function patchLog(log: readonly string[], refusal: string, pc: number, poison: Poison): readonly string[] {
  const at = log.lastIndexOf(refusal);
  if (at < 1 || at < log.length - LINES_LOOKED_AT || log[at - 1]?.startsWith(`${pc}: (`) !== true) return log;
  return [...log.slice(0, at - 1), `${pc}: ${poison.insn}`, poison.reason, ...log.slice(at + 1)];
}

/** The same refusal, or one that names what could not be resolved. */
export function explainPoison(spec: ObjectSpec, prog: ProgSpec, error: VerifierError): VerifierError {
  const refusal = error.reasons.find((line) => line.startsWith("invalid func unknown#"));
  if (refusal === undefined) return error;
  const poison = poisonAt(spec, prog, error.pc, Number(refusal.split("#")[1]));
  if (poison === undefined) return error;
  return new VerifierError({
    code: error.code,
    reasons: [poison.reason],
    pc: error.pc,
    insn: poison.insn,
    source: error.source,
    log: patchLog(error.log, refusal, error.pc, poison),
    stats: error.stats,
    hint: error.hint,
  });
}
