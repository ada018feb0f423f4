// trace_printk and trace_vprintk: format as the kernel's bprintf does and appends the text as an event record. The whole format is checked
// before anything is kept. Strings and addresses (%s, %pI4 …) are read now, not when the host looks. Pointers print as their
// offset in the world's memory, in 16 hex digits for %p, %px, %pK, %ps, %pS, %pB alike.
import * as L from "../../memory/layout";
import { copyBytes } from "./bytes";
import { EINVAL } from "./errno";
import { beginEvent } from "./event";

// flags of a conversion
const LEFT: i32 = 1;
const ZERO: i32 = 2;
const PLUS: i32 = 4;
const SPACE: i32 = 8;
const UPPER: i32 = 16;

const MAX_VARARGS: u32 = 12;

@inline
function isSpace(c: u32): bool {
  return c == 32 || (c >= 9 && c <= 13);
}

function isPunct(c: u32): bool {
  return (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
}

@inline
function endsSpec(c: u32): bool {
  return c == 0 || isSpace(c) || isPunct(c);
}

/** Room for the text: one byte less than the kernel's buffer, whose last one is the NUL. */
@inline
function put(out: i32, end: i32, c: u32): i32 {
  if (out < end) store<u8>(out++, c);
  return out;
}

function pad(out: i32, end: i32, c: u32, n: i32): i32 {
  for (; n > 0 && out < end; n--) store<u8>(out++, c);
  return out;
}

function digitsOf(value: u64, base: u64): i32 {
  let n = 1;
  while (value >= base) {
    value /= base;
    n++;
  }
  return n;
}

/** Digits of `value`, n of them, the least significant last. */
function putDigits(out: i32, end: i32, value: u64, base: u64, n: i32, upper: bool): i32 {
  for (let i = n - 1; i >= 0; i--) {
    const d = <u32>(value % base);
    value /= base;
    if (out + i < end) store<u8>(out + i, d < 10 ? 48 + d : (upper ? 55 : 87) + d);
  }
  return min(out + n, end);
}

function putNumber(out: i32, end: i32, value: u64, base: u64, negative: bool, width: i32, flags: i32): i32 {
  const n = digitsOf(value, base);
  const sign: u32 = negative ? 45 : (flags & PLUS) != 0 ? 43 : (flags & SPACE) != 0 ? 32 : 0;
  const fill = width - n - i32(sign != 0);
  const zeros = (flags & ZERO) != 0 && (flags & LEFT) == 0;
  if ((flags & LEFT) == 0 && !zeros) out = pad(out, end, 32, fill);
  if (sign != 0) out = put(out, end, sign);
  if (zeros) out = pad(out, end, 48, fill);
  out = putDigits(out, end, value, base, n, (flags & UPPER) != 0);
  return (flags & LEFT) != 0 ? pad(out, end, 32, fill) : out;
}

/** Whether [at, at + n) may be read: an argument is any number a program likes. */
function readable(at: u64, n: u64): bool {
  const limit = <u64>memory.size() << 16;
  return at >= <u64>L.WORLD_BASE && at < limit && n <= limit - at;
}

function stringLength(at: u64): i32 {
  let n = 0;
  while (n < L.CPU_TEXT_SCRATCH_SIZE && readable(at + n, 1) && load<u8>(<i32>at + n) != 0) n++;
  return n;
}

function putString(out: i32, end: i32, at: u64, width: i32, flags: i32): i32 {
  const n = stringLength(at);
  if ((flags & LEFT) == 0) out = pad(out, end, 32, width - n);
  const fits = min(n, end - out);
  if (fits > 0) copyBytes(out, <i32>at, fits);
  out += max(fits, 0);
  return (flags & LEFT) != 0 ? pad(out, end, 32, width - n) : out;
}

function putIp4(out: i32, end: i32, at: u64, leadingZeros: bool): i32 {
  const known = readable(at, 4);
  for (let i = 0; i < 4; i++) {
    const byte: u64 = known ? load<u8>(<i32>at + i) : 0;
    if (i > 0) out = put(out, end, 46);
    out = putNumber(out, end, byte, 10, false, leadingZeros ? 3 : 0, leadingZeros ? ZERO : 0);
  }
  return out;
}

function putIp6(out: i32, end: i32, at: u64, colons: bool): i32 {
  const known = readable(at, 16);
  for (let i = 0; i < 16; i += 2) {
    const word: u64 = known ? bswap<u16>(load<u16>(<i32>at + i)) : 0;
    if (i > 0 && colons) out = put(out, end, 58);
    out = putDigits(out, end, word, 16, 4, false);
  }
  return out;
}

/** The text's length, or -EINVAL. `end` is the last byte of the scratch area. */
function format(fmt: i32, text: i32, end: i32, args: i32, count: i32): i32 {
  let out = text;
  let used = 0;
  for (let c: u32 = load<u8>(fmt); c != 0; c = load<u8>(++fmt)) {
    if (c < 128 && (c < 32 || c == 127) && !isSpace(c)) return <i32>EINVAL;
    if (c != 37) {
      out = put(out, end, c);
      continue;
    }
    c = load<u8>(++fmt);
    if (c == 37) {
      out = put(out, end, c);
      continue;
    }
    if (used >= count) return <i32>EINVAL;
    const arg = load<u64>(args + (used << 3));
    used++;

    let flags = 0;
    for (; c == 48 || c == 43 || c == 45 || c == 32; c = load<u8>(++fmt)) {
      flags |= c == 48 ? ZERO : c == 43 ? PLUS : c == 45 ? LEFT : SPACE;
    }
    let width = 0;
    for (; c >= 48 && c <= 57; c = load<u8>(++fmt)) width = min(width * 10 + <i32>(c - 48), 4096);

    if (c == 115 /* s */) {
      if (!endsSpec(load<u8>(fmt, 1))) return <i32>EINVAL;
      out = putString(out, end, arg, width, flags);
      continue;
    }
    if (c == 99 /* c */) {
      if ((flags & LEFT) == 0) out = pad(out, end, 32, width - 1);
      out = put(out, end, <u32>arg & 255);
      if ((flags & LEFT) != 0) out = pad(out, end, 32, width - 1);
      continue;
    }
    if (c == 112 /* p */) {
      const kind: u32 = load<u8>(fmt, 1);
      if ((kind == 107 || kind == 117) && load<u8>(fmt, 2) == 115 /* ks, us */) {
        fmt += 2;
        if (!endsSpec(load<u8>(fmt, 1))) return <i32>EINVAL;
        out = putString(out, end, arg, width, flags);
      } else if (kind == 73 || kind == 105 /* I, i */) {
        const version: u32 = load<u8>(fmt, 2);
        fmt += 2;
        if (version == 52) out = putIp4(out, end, arg, kind == 105);
        else if (version == 54) out = putIp6(out, end, arg, kind == 73);
        else return <i32>EINVAL;
      } else if (kind == 75 || kind == 120 || kind == 115 || kind == 83 || kind == 66 /* K x s S B */) {
        fmt++;
        out = putDigits(out, end, arg, 16, 16, false);
      } else if (endsSpec(kind)) {
        out = putDigits(out, end, arg, 16, 16, false);
      } else {
        return <i32>EINVAL;
      }
      continue;
    }

    let wide = false;
    for (let i = 0; i < 2 && c == 108 /* l */; i++) {
      wide = true;
      c = load<u8>(++fmt);
    }
    if (c == 100 || c == 105 /* d i */) {
      const signed: i64 = wide ? <i64>arg : <i64>(<i32>arg);
      out = putNumber(out, end, signed < 0 ? <u64>-signed : <u64>signed, 10, signed < 0, width, flags);
    } else if (c == 117 || c == 120 || c == 88 /* u x X */) {
      const plain = flags & ~(PLUS | SPACE) | (c == 88 ? UPPER : 0);
      out = putNumber(out, end, wide ? arg : <u64>(<u32>arg), c == 117 ? 10 : 16, false, width, plain);
    } else {
      return <i32>EINVAL;
    }
  }
  return out - text;
}

function print(cpu: i32, fmt: i32, fmtSize: u32, args: i32, count: i32): i64 {
  let ended = false;
  for (let i: u32 = 0; i < fmtSize && !ended; i++) ended = load<u8>(fmt + i) == 0;
  if (!ended) return EINVAL;
  const text = cpu + L.CPU_TEXT_SCRATCH;
  const len = format(fmt, text, text + L.CPU_TEXT_SCRATCH_SIZE - 1, args, count);
  if (len < 0) return len;
  const ev = beginEvent(cpu, L.EV_PRINTK, 0, len);
  if (ev != 0) copyBytes(ev + L.EV_DATA, text, len);
  return len;
}

export function trace_printk(cpu: i32, fmt: i64, fmtSize: i64, a3: i64, a4: i64, a5: i64): i64 {
  const args = cpu + L.CPU_KEY_SCRATCH;
  store<i64>(args, a3);
  store<i64>(args, a4, 8);
  store<i64>(args, a5, 16);
  return print(cpu, <i32>fmt, <u32>fmtSize, args, 3);
}

export function trace_vprintk(cpu: i32, fmt: i64, fmtSize: i64, args: i64, argsSize: i64): i64 {
  const size = <u32>argsSize;
  if ((size & 7) != 0 || size > MAX_VARARGS * 8 || (size != 0 && args == 0)) return EINVAL;
  return print(cpu, <i32>fmt, <u32>fmtSize, <i32>args, <i32>(size >> 3));
}
