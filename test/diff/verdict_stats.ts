// What a run over random programs has come to: how many verdicts, how many accepted, which differ and how.
import { differs, type Kind, KINDS, type Verdict } from "./verdicts.ts";

export class VerdictStats {
  readonly #seeds = new Map<Kind, number[]>();
  programs = 0;
  accepted = 0;
  kernelMs = 0;
  oursMs = 0;

  /** The kind of difference, if there is one. */
  add(seed: number, kernel: Verdict, ours: Verdict): Kind | undefined {
    this.programs++;
    if (kernel.code === "") this.accepted++;
    const kind = differs(kernel, ours);
    if (kind !== undefined) this.seedsOf(kind).push(seed);
    return kind;
  }

  seedsOf(kind: Kind): number[] {
    const seeds = this.#seeds.get(kind) ?? [];
    this.#seeds.set(kind, seeds);
    return seeds;
  }

  text(): string {
    const totals = KINDS.map((kind) => `${kind} ${this.seedsOf(kind).length}`).join(", ");
    const ms = `kernel ${this.kernelMs.toFixed(0)} ms, ours ${this.oursMs.toFixed(0)} ms`;
    return `${this.programs} programs, kernel accepts ${this.accepted}; ${totals}; ${ms}`;
  }
}
