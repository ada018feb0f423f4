// Bit-fields and integers of any width in little-endian bytes. Knows nothing of types.

/** Bits [bitOff, bitOff + bits) as an unsigned number; at most 128. Bytes outside read as 0. */
export function readBits(bytes: Uint8Array, bitOff: number, bits: number): bigint {
  const first = Math.floor(bitOff / 8);
  const last = Math.ceil((bitOff + bits) / 8);
  let n = 0n;
  for (let i = last - 1; i >= first; i--) n = (n << 8n) | BigInt(bytes[i] ?? 0);
  return BigInt.asUintN(bits, n >> BigInt(bitOff % 8));
}

/** Writes the low `bits` of n, leaving the bits around them. */
export function writeBits(bytes: Uint8Array, bitOff: number, bits: number, n: bigint): void {
  const first = Math.floor(bitOff / 8);
  const last = Math.ceil((bitOff + bits) / 8);
  const shift = BigInt(bitOff % 8);
  const mask = ((1n << BigInt(bits)) - 1n) << shift;
  let all = (readBits(bytes, first * 8, (last - first) * 8) & ~mask) | ((n << shift) & mask);
  for (let i = first; i < last; i++) {
    bytes[i] = Number(all & 0xffn);
    all >>= 8n;
  }
}
