// Timestamps as two 32-bit halves of nanoseconds since the epoch, without a BigInt on the usual paths.
// All arithmetic is modulo 2^64. Knows nothing of records or blocks.

const TWO32 = 0x1_0000_0000;
const NS_PER_SEC = 1_000_000_000;

/** A result of one conversion; owned by the caller and used again for each packet. */
export interface Ns {
  hi: number;
  lo: number;
}

/** sec * 1e9 + ns; `sec` is a u32, `ns` below 2^43. */
export function setSecNs(out: Ns, sec: number, ns: number): void {
  // 16-bit halves keep every product below 2^53
  const upper = (sec >>> 16) * NS_PER_SEC;
  const lower = (upper % 65536) * 65536 + (sec & 0xffff) * NS_PER_SEC + ns;
  out.lo = lower >>> 0;
  out.hi = (Math.floor(upper / 65536) + Math.floor(lower / TWO32)) >>> 0;
}

/** Seconds and nanoseconds of a timestamp; `sec` is -1 where it exceeds 32 bits. */
export function splitSecNs(hi: number, lo: number): { sec: number; ns: number } {
  if (hi >= NS_PER_SEC) return { sec: -1, ns: 0 };
  const upper = hi * 65536 + (lo >>> 16);
  const q1 = Math.floor(upper / NS_PER_SEC);
  const lower = (upper - q1 * NS_PER_SEC) * 65536 + (lo & 0xffff);
  const q0 = Math.floor(lower / NS_PER_SEC);
  return { sec: q1 * 65536 + q0, ns: lower - q0 * NS_PER_SEC };
}

/** How an interface counts time: ticks of 1/`perSec` second, `offsetSec` added (pcapng if_tsresol, if_tsoffset). */
export class TickScale {
  readonly #mul: number; // whole ns per tick, where that and its product are exact; else 0
  readonly #perSec: bigint;
  readonly #offHi: number;
  readonly #offLo: number;

  constructor(perSec: bigint, offsetSec: bigint) {
    const off = BigInt.asUintN(64, offsetSec * BigInt(NS_PER_SEC));
    this.#perSec = perSec;
    this.#offHi = Number(off >> 32n);
    this.#offLo = Number(off & 0xffffffffn);
    const mul = BigInt(NS_PER_SEC) % perSec === 0n ? Number(BigInt(NS_PER_SEC) / perSec) : 0;
    this.#mul = mul < 2 ** 20 ? mul : 0;
  }

  set(out: Ns, hi: number, lo: number): void {
    if (this.#mul === 0) {
      this.#setExact(out, hi, lo);
      return;
    }
    const low = lo * this.#mul + this.#offLo;
    out.lo = low >>> 0;
    out.hi = (hi * this.#mul + Math.floor(low / TWO32) + this.#offHi) >>> 0;
  }

  #setExact(out: Ns, hi: number, lo: number): void {
    const ticks = (BigInt(hi) << 32n) | BigInt(lo);
    const off = (BigInt(this.#offHi) << 32n) | BigInt(this.#offLo);
    const ns = BigInt.asUintN(64, (ticks * BigInt(NS_PER_SEC)) / this.#perSec + off);
    out.hi = Number(ns >> 32n);
    out.lo = Number(ns & 0xffffffffn);
  }
}
