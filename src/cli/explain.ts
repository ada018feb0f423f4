// A rejection for people: the C line, the insn, the register in question and how it came to be what it is, read back
// from the verifier's own log of the failing path, and what usually mends it.
import type { ProgVerdict } from "../../runtime/load/verdict.ts";
import { adviceFor } from "./advice.ts";
import { type Origin, originsOf } from "./origins.ts";
import { type PathLog, readPath, type Step } from "./path_log.ts";

export type Rejected = Extract<ProgVerdict, { accept: false }>;

/** How the kernel names the register or argument it speaks of. Arguments are counted from 1 by helpers, else from 0. */
// biome-ignore format: table
const REGISTERS: readonly { readonly when: RegExp; readonly first: 0 | 1 }[] = [
  { when: /\bR(\d+)\b/, first: 0 },
  { when: /\bhelper arg(\d)/, first: 0 },
  { when: /\barg (\d) is an unacquired/, first: 0 },
  { when: /\bargs? ?#(\d)/, first: 1 },
  { when: /\btrusted arg(\d)/, first: 1 },
];

/** The register the reasons speak of: one that is named before one that is counted, the last words first. */
function registerIn(reasons: readonly string[]): number | undefined {
  for (const { when, first } of REGISTERS) {
    const number = reasons.map((r) => when.exec(r)?.[1]).findLast((n) => n !== undefined);
    if (number !== undefined) return Number(number) + first;
  }
  return undefined;
}

/** The call after which a packet pointer was none any more. */
function lostAt(steps: readonly Step[], origin: Origin | undefined, message: string): Step | undefined {
  if (origin === undefined || !/=pkt/.test(origin.value) || !/'scalar'/.test(message)) return undefined;
  return steps.slice(steps.indexOf(origin.step) + 1).findLast((s) => s.insn.startsWith("call bpf_"));
}

/** Where that was taken which is not given back, or the region begun which is not left. */
function takenAt({ steps, reasons }: PathLog): Step | undefined {
  for (const reason of reasons) {
    const [, pc] = /^Unreleased reference id=\d+ alloc_insn=(\d+)/.exec(reason) ?? [];
    if (pc !== undefined) return steps.findLast((s) => s.pc === Number(pc));
    const [, begins] = / inside (bpf_\w+)-ed region/.exec(reason) ?? [];
    if (begins !== undefined) return steps.findLast((s) => s.insn.startsWith(`call ${begins}#`));
  }
  return undefined;
}

/** The C line of a step is named only where it is another than the refused insn's. */
function stepLine(title: string, step: Step, last: Step, value?: string): string {
  const insn = step.insn === "" ? "(callback entered)" : step.insn;
  const shown = value === undefined ? "" : `  ->  ${value}`;
  const source = step.source === "" || step.source === last.source ? "" : `   ${step.source}`;
  return `  ${title.padEnd(9)} ${step.pc}: ${insn}${shown}${source}`;
}

/** The last insn, what was said of it before the last words, and how it came to that. */
function pathLines(path: PathLog, last: Step, message: string): string[] {
  const { steps, reasons } = path;
  const out = last.source === "" ? [] : [`  line      ${last.source}`];
  out.push(`  insn      ${last.pc}: ${last.insn}`);
  out.push(...reasons.filter((r) => r !== message).map((r) => `  because   ${r}`));
  const regno = registerIn([...reasons, message]);
  const origins = regno === undefined ? [] : originsOf(steps.slice(0, -1), regno, last.frame);
  for (const { step, value } of origins.toReversed()) out.push(stepLine("came from", step, last, value));
  const lost = lostAt(steps, origins[0], message);
  if (lost !== undefined) out.push(stepLine("lost at", lost, last));
  const taken = takenAt(path);
  if (taken !== undefined) out.push(stepLine("taken at", taken, last));
  return out;
}

/** Lines of text; nothing of a path where the rejection has none to show. */
export function explain(v: Rejected, trail: readonly string[]): string[] {
  const path = readPath(trail);
  const last = path.steps.findLast((s) => s.insn !== "");
  const out = [`${v.prog}: rejected (${v.errno}): ${v.message}`];
  if (last !== undefined && v.insn !== undefined) out.push(...pathLines(path, last, v.message));
  const advice = v.hint ?? adviceFor([...path.reasons.filter((r) => r !== v.message), v.message]);
  if (advice !== undefined) out.push(`  mend      ${advice}`);
  return out;
}
