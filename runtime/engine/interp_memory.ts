// The world's memory as the interpreter sees it: an address is a whole u64, and what is not inside linear memory,
// or lies in page 0 (null), is a trap. Little-endian. Knows nothing of insns.
import type { Size } from "../../src/isa/insn.ts";
import { WASM_PAGE_SIZE } from "../memory/layout.ts";

/** An access that no verified program makes. */
export class MemoryTrap extends Error {
  override readonly name = "MemoryTrap";
}

export type Rmw = "add" | "or" | "and" | "xor" | "xchg";

// biome-ignore format: table
const RMW32: Record<Rmw, (a: Uint32Array, i: number, v: number) => number> = {
  add:  (a, i, v) => Atomics.add(a, i, v),
  or:   (a, i, v) => Atomics.or(a, i, v),
  and:  (a, i, v) => Atomics.and(a, i, v),
  xor:  (a, i, v) => Atomics.xor(a, i, v),
  xchg: (a, i, v) => Atomics.exchange(a, i, v),
};
// biome-ignore format: table
const RMW64: Record<Rmw, (a: BigUint64Array, i: number, v: bigint) => bigint> = {
  add:  (a, i, v) => Atomics.add(a, i, v),
  or:   (a, i, v) => Atomics.or(a, i, v),
  and:  (a, i, v) => Atomics.and(a, i, v),
  xor:  (a, i, v) => Atomics.xor(a, i, v),
  xchg: (a, i, v) => Atomics.exchange(a, i, v),
};

/** Across a boundary there are no atomics: plain steps. */
// biome-ignore format: table
const PLAIN: Record<Rmw, (old: bigint, v: bigint) => bigint> = {
  add:  (old, v) => old + v,
  or:   (old, v) => old | v,
  and:  (old, v) => old & v,
  xor:  (old, v) => old ^ v,
  xchg: (_, v) => v,
};

const low32 = (value: bigint): number => Number(BigInt.asUintN(32, value));

/** Views of one buffer; memory that grew needs a new one. */
export class InterpMemory {
  readonly #view: DataView;
  /** all of memory as aligned words */
  readonly words: Uint32Array;
  readonly #quads: BigUint64Array;
  readonly #bytes: Uint8Array;

  constructor(readonly buffer: ArrayBufferLike) {
    this.#view = new DataView(buffer);
    this.words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2);
    this.#quads = new BigUint64Array(buffer, 0, buffer.byteLength >>> 3);
    this.#bytes = new Uint8Array(buffer);
  }

  #at(address: bigint, size: number): number {
    if (address < WASM_PAGE_SIZE || address + BigInt(size) > this.buffer.byteLength) {
      throw new MemoryTrap(`access of ${size} bytes at 0x${address.toString(16)} is outside of memory`);
    }
    return Number(address);
  }

  /** Index of an aligned place; undefined for what a global function was given anywhere: that is not atomic. */
  #aligned(address: bigint, size: number): number | undefined {
    const at = this.#at(address, size);
    return at % size === 0 ? at / size : undefined;
  }

  load(address: bigint, size: Size): bigint {
    const at = this.#at(address, size);
    switch (size) {
      case 1:
        return BigInt(this.#view.getUint8(at));
      case 2:
        return BigInt(this.#view.getUint16(at, true));
      case 4:
        return BigInt(this.#view.getUint32(at, true));
      case 8:
        return this.#view.getBigUint64(at, true);
    }
  }

  store(address: bigint, size: Size, value: bigint): void {
    const at = this.#at(address, size);
    switch (size) {
      case 1:
        return this.#view.setUint8(at, low32(value) & 0xff);
      case 2:
        return this.#view.setUint16(at, low32(value) & 0xffff, true);
      case 4:
        return this.#view.setUint32(at, low32(value), true);
      case 8:
        return this.#view.setBigUint64(at, value, true);
    }
  }

  /** The old value. */
  rmw(op: Rmw, address: bigint, size: 4 | 8, value: bigint): bigint {
    const index = this.#aligned(address, size);
    if (index === undefined) {
      const old = this.load(address, size);
      this.store(address, size, BigInt.asUintN(64, PLAIN[op](old, value)));
      return old;
    }
    return size === 8
      ? RMW64[op](this.#quads, index, value)
      : BigInt(RMW32[op](this.words, index, low32(value)));
  }

  /** The old value. */
  cmpxchg(address: bigint, size: 4 | 8, expected: bigint, value: bigint): bigint {
    const index = this.#aligned(address, size);
    if (index === undefined) {
      const old = this.load(address, size);
      if (old === BigInt.asUintN(size * 8, expected)) this.store(address, size, value);
      return old;
    }
    if (size === 8) return Atomics.compareExchange(this.#quads, index, expected, value);
    return BigInt(Atomics.compareExchange(this.words, index, low32(expected), low32(value)));
  }

  zero(address: number, length: number): void {
    this.#at(BigInt(address), length);
    this.#bytes.fill(0, address, address + length);
  }
}
