// Statements on memory that needs proof: packets behind bounds checks, map values behind null checks.
import type { AluOp, JmpOp, RegNo, Size } from "../../src/isa/insn.ts";
import { CALLEE_SAVED, CTX, type Gen, GLOBALS, imm, LOOKUP, RANDOM_MAPS, reg, SIZES } from "./random_gen.ts";
import { bounded, NONE, SCALAR, type Val } from "./random_state.ts";

export function makeCtxLoad(g: Gen): void {
  if (!g.hasCtx()) return;
  const dst = g.target();
  g.b.emit({ kind: "ldx", dst, base: CTX, off: g.rng.pick([12, 16]), size: 4, signed: false });
  g.b.count("ctx_load");
  g.st.set(dst, SCALAR);
}

/** `if c > e goto out` in one of its spellings; falls through where c <= e. */
function emitBoundsCheck(g: Gen, c: RegNo, e: RegNo, out: number): void {
  const { rng, b } = g;
  const jump = (op: JmpOp, dst: RegNo, src: RegNo, target: number): void =>
    b.emit({ kind: "jmp", op, width: 64, dst, src: reg(src), target });
  const ok = b.label();
  switch (rng.below(6)) {
    case 0:
      return jump("jlt", e, c, out);
    case 1:
      jump("jle", c, e, ok);
      break;
    case 2:
      jump("jge", e, c, ok);
      break;
    default:
      return jump("jgt", c, e, out);
  }
  b.emit({ kind: "ja", wide: false, target: out });
  b.place(ok);
}

export function makePacket(g: Gen): void {
  const { b } = g;
  const [a, e, c] = g.targets(3);
  if (!g.hasCtx() || a === undefined || e === undefined || c === undefined || g.depth > 3) return;
  loadPacket(g, a, e);
  b.count("pkt_check");
  packetRange(g, a, e, c);
}

/** Walks through the packet in steps, with a check in each round. */
export function makePacketLoop(g: Gen): void {
  const { rng, b } = g;
  const [a, e, c, i, v] = g.targets(5);
  if (
    !g.hasCtx() ||
    v === undefined ||
    a === undefined ||
    e === undefined ||
    c === undefined ||
    i === undefined
  )
    return;
  if (g.depth > 2 || g.loops > 0) return;
  loadPacket(g, a, e);
  const stride = rng.between(1, 16);
  g.mov(i, imm(0));
  g.mov(v, imm(0));
  const [head, out] = [b.label(), b.label()];
  b.place(head);
  const mayGoto = rng.chance(25);
  if (mayGoto) b.emit({ kind: "may_goto", target: out });
  b.count("loop");
  b.count("pkt_loop");
  g.mov(c, reg(a));
  g.add(c, stride);
  emitBoundsCheck(g, c, e, out);
  const size = rng.pick(SIZES.filter((n) => n <= stride));
  const off = rng.below(stride - size + 1);
  if (rng.chance(25)) b.emit({ kind: "st", base: a, off, size, src: reg(v) });
  else b.emit({ kind: "ldx", dst: v, base: a, off, size, signed: false });
  if (rng.chance(70)) g.mov(a, reg(c));
  else g.add(a, stride);
  g.add(i, 1);
  const src = imm(rng.between(1, 9));
  b.emit({
    kind: "jmp",
    op: rng.pick(["jlt", "jne", "jslt"] as const),
    width: rng.pick([32, 64] as const),
    dst: i,
    src,
    target: head,
  });
  b.place(out);
  for (const regno of [c, i, v]) g.st.set(regno, SCALAR);
  g.st.set(c, NONE);
  g.st.set(a, { t: "pkt", range: 0 });
}

function loadPacket(g: Gen, a: RegNo, e: RegNo): void {
  g.b.emit({ kind: "ldx", dst: a, base: CTX, off: 0, size: 4, signed: false });
  g.b.emit({ kind: "ldx", dst: e, base: CTX, off: 4, size: 4, signed: false });
  g.st.set(a, { t: "pkt", range: 0 });
  g.st.set(e, { t: "end" });
}

/** Bytes between metadata and data: none, unless some were made. */
export function makeMeta(g: Gen): void {
  const { b, rng } = g;
  const [a, e, c, v] = g.targets(4);
  if (!g.hasCtx() || a === undefined || e === undefined || c === undefined || v === undefined || g.depth > 3)
    return;
  if (rng.chance(60) && g.canCall() && g.loops === 0) {
    g.mov(1, reg(CTX));
    g.mov(2, imm(-4 * rng.between(1, 8)));
    g.call("xdp_adjust_meta");
    g.st.dropPackets();
  }
  b.emit({ kind: "ldx", dst: a, base: CTX, off: 8, size: 4, signed: false });
  b.emit({ kind: "ldx", dst: e, base: CTX, off: 0, size: 4, signed: false });
  g.st.set(a, NONE);
  g.st.set(e, NONE);
  g.mov(c, reg(a));
  g.add(c, 4);
  const out = b.label();
  g.st.set(v, SCALAR);
  g.mov(v, imm(rng.imm32()));
  emitBoundsCheck(g, c, e, out);
  if (rng.chance(50)) b.emit({ kind: "st", base: a, off: 0, size: 4, src: reg(v) });
  else b.emit({ kind: "ldx", dst: v, base: a, off: rng.below(4), size: 1, signed: false });
  b.count("meta_access");
  b.place(out);
  for (const regno of [a, e, c]) g.st.set(regno, NONE);
}

/** Goes on in the packet by a number read from it. */
export function makePacketAdvance(g: Gen): void {
  const [a, e] = [g.st.of("pkt", g.writable())[0], g.st.of("end")[0]];
  if (a === undefined || e === undefined || g.depth > 3) return;
  const index = g.index(g.rng.pick([15, 63, 255, 1023]));
  const c = g.targets(2).find((regno) => regno !== index);
  if (index === a || c === undefined) return;
  g.b.emit({ kind: "alu", op: "add", width: 64, dst: a, src: reg(index), signed: false });
  g.st.set(a, { t: "pkt", range: 0 });
  g.b.count("pkt_variable");
  packetRange(g, a, e, c);
}

function packetRange(g: Gen, a: RegNo, e: RegNo, c: RegNo): void {
  const { rng, b } = g;
  const range = rng.pick([1, 4, 8, 14, 20, 34, 42, 54, 64]);
  g.mov(c, reg(a));
  g.add(c, range);
  g.st.set(c, { t: "pkt", range: 0 });
  const out = b.label();
  emitBoundsCheck(g, c, e, out);
  const inside = g.way(() => {
    g.st.set(a, { t: "pkt", range });
    for (let n = rng.between(1, 3); n > 0; n--) makePacketAccess(g);
    g.body(rng.between(1, 4));
  });
  b.place(out);
  g.st.meet(inside);
}

export function makePacketAccess(g: Gen): void {
  const { rng, st } = g;
  const size = rng.pick(SIZES);
  const base = st.of("pkt").find((regno) => rangeOf(st.get(regno)) >= size);
  if (base === undefined) return;
  const off = rng.below(rangeOf(st.get(base)) - size + 1) + (rng.chance(6) ? rng.between(1, size) : 0);
  access(g, base, off, size, "pkt");
}

const rangeOf = (val: Val): number => (val.t === "pkt" ? val.range : 0);

function access(g: Gen, base: RegNo, off: number, size: Size, what: string): void {
  const { rng, b, st } = g;
  if (rng.chance(35)) {
    const src = rng.chance(60) ? reg(g.scalar()) : imm(rng.imm32());
    if (src.kind === "reg" && src.regno === base) return;
    b.emit({ kind: "st", base, off, size, src });
    b.count(`${what}_store`);
    return;
  }
  const dst = g.target();
  const signed = size < 8 && rng.chance(20);
  b.emit({ kind: "ldx", dst, base, off, size, signed });
  b.count(`${what}_load`);
  st.set(dst, size <= 2 && !signed ? bounded(256 ** size - 1) : SCALAR);
}

export function makePacketLength(g: Gen): void {
  const { b, st } = g;
  const [a, e, [dst]] = [st.of("pkt")[0], st.of("end")[0], g.targets(1)];
  if (a === undefined || e === undefined || dst === undefined) return;
  g.mov(dst, reg(e));
  b.emit({ kind: "alu", op: "sub", width: 64, dst, src: reg(a), signed: false });
  b.count("pkt_length");
  st.set(dst, SCALAR);
}

export function makeLookup(g: Gen): void {
  const { rng, b } = g;
  if (!g.canCall() || g.depth > 3) return;
  const map = rng.pick(LOOKUP);
  const key = g.key(map);
  g.map(1, map);
  g.stackPtr(2, key);
  g.call("map_lookup_elem", NONE);
  const out = b.label();
  const size = RANDOM_MAPS[map]?.valueSize ?? 0;
  if (!rng.chance(3)) b.emit({ kind: "jmp", op: "jeq", width: 64, dst: 0, src: imm(0), target: out });
  g.st.set(0, bounded(0));
  const found = g.way(() => {
    g.st.set(0, { t: "value", map, size });
    const saved = g.writable(CALLEE_SAVED).find((regno) => ["none", "scalar"].includes(g.st.get(regno).t));
    if (saved !== undefined && rng.chance(60)) g.mov(saved, reg(0));
    for (let n = rng.between(1, 3); n > 0; n--) makeValueAccess(g);
    g.body(rng.between(0, 3));
  });
  b.place(out);
  g.st.meet(found);
}

export function makeGlobal(g: Gen): void {
  const [dst] = g.targets(1);
  if (dst === undefined) return;
  const off = 8 * g.rng.below(12);
  g.b.emit({ kind: "ld_imm64", dst, value: { kind: "map_value", map: GLOBALS, off } });
  g.st.set(dst, { t: "value", map: GLOBALS, size: 128 - off });
  makeValueAccess(g);
}

export function makeValueAccess(g: Gen): void {
  const { rng, b, st } = g;
  const bases = st.of("value");
  if (bases.length === 0) return;
  const base = rng.pick(bases);
  const val = st.get(base);
  const room = val.t === "value" ? val.size : 0;
  const size = rng.pick(SIZES);
  if (size > room) return;
  if (rng.chance(35) && size >= 4)
    return atomic(g, base, size * rng.below(Math.floor(room / size)), size === 4 ? 4 : 8);
  if (rng.chance(25) && room >= size + 7) return valueIndex(g, base, room, size);
  b.count("map_value");
  access(g, base, rng.below(room - size + 1) + (rng.chance(3) ? rng.between(1, size) : 0), size, "value");
}

/** A value's byte at an offset that is not constant. */
function valueIndex(g: Gen, base: RegNo, room: number, size: Size): void {
  const [dst] = g.targets(1);
  if (dst === undefined) return;
  const index = g.index(Math.min(room - size, 31));
  if (dst === index || index === base) return;
  g.mov(dst, reg(base));
  g.b.emit({ kind: "alu", op: "add", width: 64, dst, src: reg(index), signed: false });
  g.b.count("value_variable");
  g.st.set(dst, NONE);
  access(g, dst, 0, size, "value");
}

/** Jumps that leave if a number is too big; the last two only where it is seen not to be negative. */
const TOO_BIG = ["jgt", "jge", "jsgt", "jsge"] as const;

/**
 * A value's byte at an offset that branches have bounded and arithmetic has moved: whether it is inside is for
 * the verifier to find out, so about half of these are refused.
 */
export function makeGamble(g: Gen): void {
  const { rng, b, st } = g;
  if (st.of("value").length === 0) makeGlobal(g);
  const [base] = st.of("value");
  const [dst, index] = g.targets(2);
  if (base === undefined || dst === undefined || index === undefined || g.depth > 3) return;
  g.mov(index, reg(g.scalar()));
  const out = b.label();
  const val = st.get(base);
  if (val.t !== "value") return b.place(out);
  const room = val.size;
  const width = rng.pick([32, 64] as const);
  const op = rng.pick(TOO_BIG);
  if (rng.chance(25)) gambleAlu(g, index);
  if (rng.chance(80))
    b.emit({ kind: "jmp", op, width, dst: index, src: imm(rng.between(1, room)), target: out });
  if (op === "jsgt" || op === "jsge" || rng.chance(15)) {
    if (rng.chance(90))
      b.emit({
        kind: "jmp",
        op: rng.pick(["jslt", "jsle"] as const),
        width,
        dst: index,
        src: imm(rng.between(-1, 1)),
        target: out,
      });
  }
  if (width === 32 && rng.chance(85)) g.mov(index, reg(index), 32);
  for (let n = rng.below(4); n > 0; n--) gambleAlu(g, index);
  b.count("gamble");
  const inside = g.way(() => {
    g.mov(dst, reg(base));
    b.emit({ kind: "alu", op: "add", width: 64, dst, src: reg(index), signed: false });
    g.st.set(dst, NONE);
    access(g, dst, rng.chance(70) ? 0 : rng.between(-4, 8), rng.chance(70) ? 1 : rng.pick(SIZES), "value");
  });
  b.place(out);
  g.st.meet(inside);
}

/** One step of arithmetic that keeps small numbers small, or nearly so. */
function gambleAlu(g: Gen, dst: RegNo): void {
  const { rng, b } = g;
  const width = rng.pick([32, 64] as const);
  // biome-ignore format: table
  const [op, n, signed] = rng.pick<readonly [AluOp, number, boolean]>([
    ["rsh", rng.between(1, 4), false], ["arsh", rng.between(1, 4), false], ["and", rng.between(1, 127), false],
    ["xor", rng.between(1, 15), false], ["or", rng.between(1, 15), false], ["add", rng.between(-4, 8), false],
    ["sub", rng.between(-4, 8), false], ["mod", rng.between(1, 40), false], ["div", rng.between(1, 8), false],
    ["mul", rng.between(1, 3), false], ["lsh", rng.between(1, 3), false], ["mod", rng.between(1, 40), true],
    ["div", rng.between(-8, 8) || 2, true],
  ]);
  if (rng.chance(15)) {
    const from = rng.pick([8, 16, 32] as const);
    b.emit(
      from === 32
        ? { kind: "movsx", width: 64, from, dst, src: dst }
        : { kind: "movsx", width, from, dst, src: dst },
    );
  } else if (rng.chance(8)) {
    b.emit({ kind: "neg", width, dst });
  } else if (rng.chance(9)) {
    b.emit({ kind: "end", to: rng.pick(["le", "be", "swap"] as const), bits: 16, dst });
  } else {
    b.emit({ kind: "alu", op, width, dst, src: imm(n), signed });
  }
  g.st.set(dst, SCALAR);
}

function atomic(g: Gen, base: RegNo, off: number, size: 4 | 8): void {
  const { rng, b, st } = g;
  const op = rng.pick(["add", "or", "and", "xor", "xchg", "cmpxchg"] as const);
  const src = g.scalar(g.writable());
  if (op === "cmpxchg") {
    if (base === 0 || g.locked.has(0) || src === 0) return;
    if (st.get(0).t !== "scalar") g.constant(0);
  }
  const fetch = op === "xchg" || op === "cmpxchg" || rng.chance(50);
  if (src === base) return;
  b.emit({ kind: "atomic", op, fetch, base, off, size, src });
  b.count("value_atomic");
  if (fetch) st.set(op === "cmpxchg" ? 0 : src, SCALAR);
}

export function makeStackAtomic(g: Gen): void {
  const off = g.buffer(8);
  atomic(g, 10, off, g.rng.pick([4, 8] as const));
}
