// What a run of random programs covered: how many were accepted, why others were not, and how often each kind of
// insn, access, loop and helper was executed. Counts; judges nothing but whether a program is trivial.
import type { Insn } from "../../src/isa/insn.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";

/** Different insns that must have been executed for a program to count as more than trivial. */
const NON_TRIVIAL_INSNS = 15;

export interface Coverage {
  /** by slot: 1 if any packet came here */
  readonly ran: Uint8Array;
  readonly steps: number;
}

/** What one insn is counted as; the first is its kind. */
function namesOf(insn: Insn, verified: VerifiedProg): string[] {
  const access = verified.aux[insn.pc]?.access;
  const memory =
    access === undefined
      ? []
      : access.kinds.map((kind) => `access:${kind} ${access.write ? "write" : "read"}`);
  switch (insn.kind) {
    case "alu":
      return [`alu:${insn.signed ? "s" : ""}${insn.op}${insn.width} ${insn.src.kind}`];
    case "movsx":
      return [`alu:movsx${insn.width} from ${insn.from}`];
    case "neg":
      return [`alu:neg${insn.width}`];
    case "end":
      return [`alu:${insn.to}${insn.bits}`];
    case "jmp":
      return [
        `jmp:${insn.op}${insn.width} ${insn.src.kind}`,
        ...(insn.target <= insn.pc ? ["flow:loop"] : []),
      ];
    case "ja":
      return [`jmp:ja${insn.wide ? "32" : ""}`];
    case "atomic":
      return [`atomic:${insn.fetch ? "fetch_" : ""}${insn.op}${insn.size * 8}`, ...memory];
    case "ldx":
      return [`mem:ldx${insn.signed ? "s" : ""}${insn.size * 8}`, ...memory];
    case "st":
      return [`mem:st${insn.size * 8} ${insn.src.kind}`, ...memory];
    case "load_acquire":
    case "store_release":
      return [`mem:${insn.kind}${insn.size * 8}`, ...memory];
    case "ld_imm64":
      return [`mem:ld_imm64 ${insn.value.kind}`];
    case "call":
      return [
        insn.callee.kind === "helper"
          ? `helper:${HELPERS[insn.callee.id]?.name}`
          : `flow:${insn.callee.kind}`,
      ];
    default:
      return [`flow:${insn.kind}`];
  }
}

export class Stats {
  generated = 0;
  accepted = 0;
  nonTrivial = 0;
  /** accepted, but what is claimed of them is too much to keep, or does not converge: not run */
  tooLong = 0;
  packets = 0;
  steps = 0;
  claims = 0;
  readonly reasons = new Map<string, number>();
  /** accepted, but there is no running them here: why */
  readonly notRun = new Map<string, number>();
  /** programs that have a feature, by what the generator says */
  readonly features = new Map<string, number>();
  /** insns executed at least once, of all programs together */
  readonly executed = new Map<string, number>();

  reject(reason: string): void {
    add(this.reasons, reason.replace(/-?\d+|0x[0-9a-f]+/g, "N").slice(0, 70));
  }

  cannotRun(why: string): void {
    add(this.notRun, why.replace(/^[^:]*: /, ""));
  }

  accept(
    verified: VerifiedProg,
    features: ReadonlyMap<string, number>,
    { ran, steps }: Coverage,
    packets: number,
  ): void {
    this.accepted++;
    this.packets += packets;
    this.steps += steps;
    for (const [name] of features) if (!name.startsWith("insn:")) add(this.features, name);
    let insns = 0;
    let touches = false;
    for (const insn of verified.prog.insns) {
      if (insn === undefined || ran[insn.pc] !== 1) continue;
      insns++;
      for (const name of namesOf(insn, verified)) {
        add(this.executed, name);
        touches ||= /^(helper|access|atomic)/.test(name);
      }
    }
    if (insns >= NON_TRIVIAL_INSNS && touches) this.nonTrivial++;
  }

  text(): string {
    const percent = (n: number, of: number): string => `${((100 * n) / Math.max(of, 1)).toFixed(1)}%`;
    const of = (map: ReadonlyMap<string, number>, n: number): string =>
      [...map]
        .sort((a, b) => b[1] - a[1])
        .slice(0, n)
        .map(([name, count]) => `    ${String(count).padStart(9)}  ${name}`)
        .join("\n");
    const groups = [...new Set([...this.executed.keys()].map((name) => name.split(":")[0] ?? ""))].sort(
      (a, b) => (a < b ? -1 : 1),
    );
    const byGroup = groups.map((group) => {
      const rows = [...this.executed]
        .filter(([name]) => name.startsWith(`${group}:`))
        .sort(([a], [b]) => (a < b ? -1 : 1));
      return `  ${group}\n${rows.map(([name, n]) => `    ${String(n).padStart(9)}  ${name.slice(group.length + 1)}`).join("\n")}`;
    });
    return [
      `programs generated ${this.generated}, accepted and run ${this.accepted} (${percent(this.accepted, this.generated)}), ` +
        `of these non-trivial ${this.nonTrivial} (${percent(this.nonTrivial, this.accepted)})`,
      `packets ${this.packets}, insns interpreted ${this.steps}, states claimed ${this.claims}, accepted but too long to run ${this.tooLong}`,
      "programs by feature:",
      of(this.features, 60),
      "insns executed on some packet:",
      ...byGroup,
      ...(this.notRun.size === 0 ? [] : ["accepted, but not run because of:", of(this.notRun, 25)]),
      "refused because of:",
      of(this.reasons, 25),
    ].join("\n");
  }
}

function add(map: Map<string, number>, name: string): void {
  map.set(name, (map.get(name) ?? 0) + 1);
}
