// Ground for random programs: a seeded generator of numbers, and a list of insns with labels and functions.
// Knows nothing of what makes a program plausible.
import type { Insn } from "../../src/isa/insn.ts";

/** Deterministic numbers from a seed (splitmix over 32 bits). */
export class Rng {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let z = this.#state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  }

  /** 0 … n-1 */
  below(n: number): number {
    if (n < 1) throw new Error(`no number is below ${n}`);
    return this.u32() % n;
  }

  /** both ends included */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  pick<T>(from: readonly T[]): T {
    const item = from[this.below(from.length)];
    if (item === undefined) throw new Error("nothing to pick from");
    return item;
  }

  /** 64 bits: often small, at an edge, or sign-extended */
  imm64(): bigint {
    const raw = (BigInt(this.u32()) << 32n) | BigInt(this.u32());
    const edges = [
      0n,
      1n,
      2n ** 31n - 1n,
      2n ** 31n,
      2n ** 32n - 1n,
      2n ** 32n,
      2n ** 63n - 1n,
      2n ** 63n,
      2n ** 64n - 1n,
    ];
    if (this.chance(30)) return this.pick(edges);
    return this.chance(40) ? BigInt(this.below(256)) : raw;
  }

  imm32(): number {
    if (this.chance(40)) return this.between(-16, 64);
    if (this.chance(25)) return this.pick([0, 1, -1, 0x7fffffff, -0x80000000, 255, 256, 0xffff, 0x10000]);
    return this.u32() | 0;
  }
}

type WithoutPc<T> = T extends unknown ? Omit<T, "pc"> : never;
/** Jump targets are label numbers, call and callback targets function numbers, until `finish`. */
export type Body = WithoutPc<Insn>;

export class Builder {
  readonly #bodies: Body[] = [];
  #pc = 0;
  readonly #labels: number[] = [];
  readonly #functions: number[] = [];
  readonly kinds = new Map<string, number>();

  emit(body: Body): void {
    this.#bodies.push(body);
    this.#pc += body.kind === "ld_imm64" ? 2 : 1;
    this.count(`insn:${body.kind}`);
  }

  /** Notes that the program has this feature. */
  count(feature: string): void {
    this.kinds.set(feature, (this.kinds.get(feature) ?? 0) + 1);
  }

  get pc(): number {
    return this.#pc;
  }

  label(): number {
    return this.#labels.push(-1) - 1;
  }

  place(label: number): void {
    this.#labels[label] = this.#pc;
  }

  /** A function starts here; its number. */
  startFunction(): number {
    return this.#functions.push(this.#pc) - 1;
  }

  /** Entry pc of each function. */
  get functions(): readonly number[] {
    return this.#functions;
  }

  #resolve(body: Body): Body {
    const at = (table: readonly number[], index: number): number => {
      const pc = table[index];
      if (pc === undefined || pc < 0) throw new Error(`label or function ${index} was never placed`);
      return pc;
    };
    if (body.kind === "call" && body.callee.kind === "subprog") {
      return { kind: "call", callee: { kind: "subprog", target: at(this.#functions, body.callee.target) } };
    }
    if (body.kind === "ld_imm64" && body.value.kind === "func") {
      return { ...body, value: { kind: "func", target: at(this.#functions, body.value.target) } };
    }
    return "target" in body ? { ...body, target: at(this.#labels, body.target) } : body;
  }

  /** Insns by slot. */
  finish(): (Insn | undefined)[] {
    const insns: (Insn | undefined)[] = [];
    for (const body of this.#bodies) {
      insns.push({ pc: insns.length, ...this.#resolve(body) });
      if (body.kind === "ld_imm64") insns.push(undefined);
    }
    return insns;
  }
}
