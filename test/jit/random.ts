// Random numbers of the JIT's tests, the same for the same seed.

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed * 2654435761 || 1;
  }
  below(n: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * n);
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }
}
