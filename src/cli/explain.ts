// A rejection for people: the C line, the insn, the register in question and how it came to be what it is, read back
// from the verifier's own log of the failing path, and what usually mends it.
import type { ProgVerdict } from "../../runtime/load/verdict.ts";
import { adviceFor } from "./advice.ts";

export type Rejected = Extract<ProgVerdict, { accept: false }>;

/** An insn of the failing path as the log has it. */
interface Step {
  readonly pc: number;
  readonly insn: string;
  /** registers the insn changed or looked at, as the log shows them after it */
  readonly state: string;
  /** "text @ file:line" of the C line, if the log says */
  readonly source: string;
}

const INSN = /^(\d+): \([0-9a-f]{2}\) (.*)$/;
const SOURCE = /^; (.*)$/;
const MAX_STEPS = 6;

function stepsOf(log: readonly string[]): Step[] {
  const steps: Step[] = [];
  let source = "";
  for (const line of log) {
    const text = SOURCE.exec(line)?.[1];
    if (text !== undefined) source = text;
    const [, pc, rest] = INSN.exec(line) ?? [];
    if (pc === undefined || rest === undefined) continue;
    const [insn = "", state = ""] = rest.split(/\s+; /, 2);
    steps.push({ pc: Number(pc), insn, state, source });
  }
  return steps;
}

/** `Rn=…` in a state; values hold brackets, so a space inside them does not end one. */
function valueOf(state: string, regno: number): string | undefined {
  const at = state.search(new RegExp(`\\bR${regno}=`));
  if (at < 0) return undefined;
  let depth = 0;
  let end = at;
  while (end < state.length && (depth > 0 || state[end] !== " ")) {
    if (state[end] === "(") depth++;
    if (state[end] === ")") depth--;
    end++;
  }
  return state.slice(at, end);
}

/** The register the insn wrote, and the one it copied, if it is a plain copy. Calls write r0 and empty r1 to r5. */
function written(
  insn: string,
  wanted: number,
): { readonly dst: number; readonly copied: number | undefined } | undefined {
  const [, dst] = /^[rw](\d+) /.exec(insn) ?? [];
  if (insn.startsWith("call ")) return wanted <= 5 ? { dst: wanted, copied: undefined } : undefined;
  if (dst === undefined) return undefined;
  const [, src] = /^[rw]\d+ = [rw](\d+)$/.exec(insn) ?? [];
  return { dst: Number(dst), copied: src === undefined ? undefined : Number(src) };
}

interface Origin {
  readonly step: Step;
  readonly value: string;
}

/** Insns that made the register what it is, newest first; a copy is followed to where it came from. */
function originsOf(steps: readonly Step[], regno: number): Origin[] {
  const out: Origin[] = [];
  let wanted = regno;
  for (let i = steps.length - 1; i >= 0 && out.length < MAX_STEPS; i--) {
    const step = steps[i] as Step;
    const wrote = written(step.insn, wanted);
    if (wrote?.dst !== wanted) continue;
    const emptied = wanted > 0 && step.insn.startsWith("call ");
    out.push({
      step,
      value: emptied ? `R${wanted} is empty` : (valueOf(step.state, wanted) ?? `R${wanted}`),
    });
    if (emptied) break;
    if (wrote.copied !== undefined) wanted = wrote.copied;
    else if (!/[-+*/%&|^]|<<|>>/.test(step.insn.replace(/\*\(.*\)/, "").replace(/^[rw]\d+ = /, ""))) break;
  }
  return out;
}

/** The call after which a packet pointer was none any more. */
function lostAt(steps: readonly Step[], origin: Origin | undefined, message: string): Step | undefined {
  if (origin === undefined || !/=pkt/.test(origin.value) || !/'scalar'/.test(message)) return undefined;
  return steps.slice(steps.indexOf(origin.step) + 1).findLast((s) => s.insn.startsWith("call bpf_"));
}

function where(source: string): string {
  return source === "" ? "" : `   ${source}`;
}

/** Lines of text; nothing where the rejection has no path to show. */
export function explain(v: Rejected, trail: readonly string[]): string[] {
  const steps = stepsOf(trail);
  const last = steps.at(-1);
  const out = [`${v.prog}: rejected (${v.errno}): ${v.message}`];
  if (last !== undefined && v.insn !== undefined) {
    if (last.source !== "") out.push(`  line      ${last.source}`);
    out.push(`  insn      ${last.pc}: ${last.insn}`);
    const regno = /\bR(\d+)\b/.exec(v.message)?.[1];
    const origins = regno === undefined ? [] : originsOf(steps.slice(0, -1), Number(regno));
    for (const { step, value } of origins.toReversed())
      out.push(`  came from ${step.pc}: ${step.insn}  ->  ${value}${where(step.source)}`);
    const lost = lostAt(steps, origins[0], v.message);
    if (lost !== undefined) out.push(`  lost at   ${lost.pc}: ${lost.insn}${where(lost.source)}`);
  }
  const advice = v.hint ?? adviceFor(v.message);
  if (advice !== undefined) out.push(`  mend      ${advice}`);
  return out;
}
