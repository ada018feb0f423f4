// Conditional jumps: which sides are possible, and what each side then knows of numbers, nulls and packet ends.
// The taken side is queued, the other one goes on.
import type { InsnOf, JmpOp } from "../../isa/insn.ts";
import type { MapTypeName } from "../../spec/map_types.ts";
import type { Env } from "../env.ts";
import { HIST_DST_FP, HIST_SRC_FP, packLinked } from "../state/history.ts";
import { logTouched } from "../log/log_state.ts";
import { checkRegRead } from "../state/reg_checks.ts";
import { markPrecise } from "../precision/precision.ts";
import { forgetRef } from "../state/refs.ts";
import {
  ADD_CONST,
  ADD_CONST32,
  AT_PKT_END,
  BEYOND_PKT_END,
  MAYBE_NULL,
  type RegKind,
  RegState,
  immReg,
  isInitPkt,
  isPktAny,
  ptrReg,
  withFlags,
  withId,
  withoutId,
  withRange,
  withValue,
  ZERO,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { alu } from "../scalar/alu.ts";
import { mov32 } from "../scalar/cast.ts";
import { isBranchTaken, narrowJmpSelf } from "../scalar/jmp.ts";
import { isSelf, learnNumbers } from "./learn.ts";
import { checkSecret } from "../state/privileges.ts";
import { pushMispredicted } from "../state/speculation.ts";
import { noteEscape } from "../stack/bounds.ts";
import { respill } from "../state/stack.ts";
import { mayHoldLock } from "../btf/fields.ts";
import { isNotNull } from "../state/trust.ts";
import { mapRegs, type VerifierState } from "../state/state.ts";

type Jmp = InsnOf<"jmp">;

const MAX_PACKET_OFF = 0xffff;
/** More linked registers than this are not remembered: the others lose their link. */
const MAX_LINKED = 6;

/** The same comparison with its sides exchanged. */
const FLIPPED: Partial<Record<JmpOp, JmpOp>> = {
  jgt: "jlt",
  jge: "jle",
  jlt: "jgt",
  jle: "jge",
  jsgt: "jslt",
  jsge: "jsle",
  jslt: "jsgt",
  jsle: "jsge",
};

function flip(op: JmpOp): JmpOp {
  return FLIPPED[op] ?? op;
}

/** A packet pointer that was already compared with the end. */
function pktTaken(op: JmpOp, dst: RegState, src: RegState): boolean | undefined {
  const pkt = src.kind === "pkt_end" ? dst : src;
  const rel = src.kind === "pkt_end" ? op : flip(op);
  if ((src.kind !== "pkt_end" && dst.kind !== "pkt_end") || pkt.kind === "pkt_end" || pkt.aux >= 0)
    return undefined;
  if ((rel === "jgt" || rel === "jle") && pkt.aux === BEYOND_PKT_END) return rel === "jgt";
  if (rel === "jge" || rel === "jlt") return rel === "jge";
  return undefined;
}

function isNull32(s: Scalar): boolean {
  return s.isConst32 && s.valLo === 0;
}

/** Of a pointer that is not null: the low half is not 0 where something begins, nor in a value; further on it may be. */
function hasLowHalf(env: Env, { kind, aux, off, s }: RegState): boolean {
  if (off === 0 && s.isZero) return true;
  return kind === "map_value" && off + s.umaxNum < env.mapAt(aux).valueSize;
}

function taken(env: Env, insn: Jmp, dst: RegState, src: RegState): boolean | undefined {
  if (dst.kind === "scalar" && src.kind === "scalar") {
    if (!isSelf(insn)) return isBranchTaken(insn.op, insn.width, dst.s, src.s);
    const self = narrowJmpSelf(insn.op, insn.width, dst.s);
    return self.taken === undefined ? false : self.fallthrough === undefined ? true : undefined;
  }
  if (insn.width === 64 && isPktAny(dst) && isPktAny(src)) return pktTaken(insn.op, dst, src);
  const ptr = src.kind === "scalar" ? dst : src;
  const num = src.kind === "scalar" ? src : dst;
  if (num.kind !== "scalar" || !isNotNull(ptr)) return undefined;
  const isZero = insn.width === 64 ? num.s.isZero : isNull32(num.s) && hasLowHalf(env, ptr);
  if (!isZero) return undefined;
  return insn.op === "jeq" ? false : insn.op === "jne" ? true : undefined;
}

/**
 * Scalars of any frame with this id that may still be read. Those beyond the limit lose it, in the current state.
 */
function collectLinked(env: Env, id: number, into: number[]): void {
  const frames = env.state.frames;
  for (let f = frames.length - 1; f >= 0; f--) {
    const frame = frames[f] as (typeof frames)[number];
    const live = env.liveIn(env.state, frame, env.pc);
    for (let i = 0; i < 10; i++) {
      const r = frame.regs[i] as RegState;
      if ((live & (1 << i)) === 0 || r.id !== id || r.kind !== "scalar") continue;
      if (into.length < MAX_LINKED) into.push(packLinked(f, true, i));
      else frame.regs[i] = withoutId(r);
    }
    for (let spi = 0; spi < frame.stack.length; spi++) {
      const slot = frame.stack[spi];
      const r = slot?.spilled;
      if (slot === undefined || r === undefined || r.id !== id || r.kind !== "scalar") continue;
      if (into.length < MAX_LINKED) into.push(packLinked(f, false, spi));
      else frame.setSlot(spi, respill(slot, withoutId(r)));
    }
  }
}

/** What `known` teaches about a scalar with the same id. */
function relearn(r: RegState, known: RegState): RegState {
  if (r.kind !== "scalar" || r.id !== known.id || r === known) return r;
  const widths = (r.flags | known.flags) & ADD_CONST;
  if (widths === ADD_CONST) return r; // a distance in 64 bits and one modulo 2^32 say nothing of each other
  if (widths === 0 || r.off === known.off) return known;
  const delta = Scalar.ofBigInt(BigInt.asUintN(64, BigInt(r.off - known.off)));
  const moved = alu("add", 64, known.s, delta);
  return withValue(r, widths === ADD_CONST32 ? mov32(moved) : moved);
}

function syncLinked(st: VerifierState, known: RegState, linked: readonly number[]): void {
  if (known.kind !== "scalar" || known.id === 0) return;
  for (const e of linked) {
    const frame = st.frames[e & 7];
    if (frame === undefined) continue;
    const i = e >> 4;
    if ((e & 8) !== 0) frame.regs[i] = relearn(frame.regs[i] as RegState, known);
    else {
      const slot = frame.slot(i);
      const was = slot.spilled;
      const now = was === undefined ? undefined : relearn(was, known);
      if (now !== undefined && now !== was) frame.setSlot(i, respill(slot, now));
    }
  }
}

/** After a comparison with null: all copies are null, or none is. */
function markNull(env: Env, st: VerifierState, regno: number, isNull: boolean): void {
  const { id, refId } = st.cur.regs[regno] as RegState;
  if (isNull && refId !== 0 && refId === id) forgetRef(st, id); // nothing was given, so nothing is owed
  mapRegs(st, (r) => {
    if (!r.maybeNull || r.id !== id) return r;
    return isNull ? ZERO : notNull(env, r);
  });
}

/** A value with a lock keeps its id, which tells it from others; what a map of maps gave is a map. */
function notNull(env: Env, r: RegState): RegState {
  const here = withFlags(r, r.flags & ~MAYBE_NULL);
  if (r.kind === "map_value") {
    const map = env.mapAt(r.aux);
    if (map.inner !== undefined) return ptrReg("map_ptr", 0, env.progMaps.inner(r.aux, r.id));
    const socket = SOCKET_OF[map.type];
    if (socket !== undefined) return new RegState(socket, 0, Scalar.zero, 0, 0, 0, r.refId);
  }
  return mayHoldLock(env, here) ? here : withId(here, 0);
}

/** Maps whose values are sockets. */
const SOCKET_OF: Partial<Record<MapTypeName, RegKind>> = {
  xskmap: "xdp_sock",
  sockmap: "sock",
  sockhash: "sock",
};

function markNotNull(env: Env, st: VerifierState, regno: number): void {
  const r = st.cur.regs[regno] as RegState;
  const special =
    r.kind === "map_value" &&
    (env.mapAt(r.aux).inner !== undefined || SOCKET_OF[env.mapAt(r.aux).type] !== undefined);
  st.cur.regs[regno] = special ? withId(notNull(env, r), r.id) : withFlags(r, r.flags & ~MAYBE_NULL);
}

/** Everything that started at the same place may be read up to where `ptr` points; one byte more if the end lies beyond. */
function markPktRange(st: VerifierState, ptr: RegState, open: boolean): void {
  if (ptr.off < 0 || (ptr.off === 0 && open)) return;
  if (ptr.s.umaxNum > MAX_PACKET_OFF || ptr.s.umaxNum + ptr.off > MAX_PACKET_OFF) return;
  const range = open ? ptr.off + 1 : ptr.off;
  mapRegs(st, (r) => (r.kind === ptr.kind && r.id === ptr.id && r.aux < range ? withRange(r, range) : r));
}

/** The packet does not reach to where the register points (beyond), or just up to it. */
function markPktEnd(st: VerifierState, regno: number, beyond: boolean): void {
  const r = st.cur.regs[regno] as RegState;
  if (r.kind === "pkt") st.cur.regs[regno] = withRange(r, beyond ? BEYOND_PKT_END : AT_PKT_END);
}

function isPktThenEnd(a: RegState, b: RegState): boolean {
  return (a.kind === "pkt" && b.kind === "pkt_end") || (a.kind === "pkt_meta" && isInitPkt(b, "pkt"));
}

/** For `ptr op end`: on which side the packet is long enough, and whether the comparison was strict there. */
const PKT_OPS: Partial<Record<JmpOp, { readonly goodTaken: boolean; readonly strict: boolean }>> = {
  jgt: { goodTaken: false, strict: false },
  jge: { goodTaken: false, strict: true },
  jlt: { goodTaken: true, strict: true },
  jle: { goodTaken: true, strict: false },
};

/** False where that is not what is compared. */
function matchPkt(
  insn: Jmp,
  dst: RegState,
  src: RegState,
  here: VerifierState,
  there: VerifierState,
): boolean {
  if (insn.src.kind !== "reg" || insn.width === 32) return false;
  const straight = isPktThenEnd(dst, src);
  if (!straight && !isPktThenEnd(src, dst)) return false;
  const row = PKT_OPS[straight ? insn.op : flip(insn.op)];
  if (row === undefined) return false;
  const ptr = straight ? dst : src;
  const regno = straight ? insn.dst : insn.src.regno;
  markPktRange(row.goodTaken ? there : here, ptr, row.strict);
  markPktEnd(row.goodTaken ? here : there, regno, !row.strict);
  return true;
}

function learnLinked(
  insn: Jmp,
  dst: RegState,
  src: RegState,
  st: VerifierState,
  linked: readonly number[],
): void {
  if (insn.src.kind === "reg" && src.kind === "scalar")
    syncLinked(st, st.cur.regs[insn.src.regno] as RegState, linked);
  if (dst.kind === "scalar") syncLinked(st, st.cur.regs[insn.dst] as RegState, linked);
}

/** Equal pointers: if one is not null, neither is the other. */
function learnEqual(
  env: Env,
  insn: Jmp,
  dst: RegState,
  src: RegState,
  here: VerifierState,
  there: VerifierState,
): void {
  if (insn.src.kind !== "reg" || insn.width === 32 || dst.kind === "scalar" || src.kind === "scalar") return;
  if (dst.kind === "ptr_" || src.kind === "ptr_") return; // these may be null without saying so
  const equal = insn.op === "jeq" ? there : insn.op === "jne" ? here : undefined;
  if (equal === undefined) return;
  if (isNotNull(dst) && src.maybeNull) markNotNull(env, equal, insn.src.regno);
  if (isNotNull(src) && dst.maybeNull) markNotNull(env, equal, insn.dst);
}

const NONE: readonly number[] = [];

/** The scalars that share facts with those compared. */
function linkedTo(env: Env, insn: Jmp): readonly number[] {
  const dst = env.regs[insn.dst] as RegState;
  const src = insn.src.kind === "reg" ? env.regs[insn.src.regno] : undefined;
  const srcId = src?.kind === "scalar" ? src.id : 0;
  const dstId = dst.kind === "scalar" ? dst.id : 0;
  if ((srcId | dstId) === 0) return NONE;
  const linked: number[] = [];
  if (srcId !== 0) collectLinked(env, srcId, linked);
  if (dstId !== 0) collectLinked(env, dstId, linked);
  return linked;
}

function fork(env: Env, insn: Jmp): void {
  const linked = linkedTo(env, insn);
  if (linked.length > 1) env.pushHistory(0, linked);
  const dst = env.regs[insn.dst] as RegState;
  const src = insn.src.kind === "reg" ? (env.regs[insn.src.regno] as RegState) : immReg(insn.src.imm);
  const here = env.state;
  const there = env.push(insn.target, env.pc);
  learnNumbers(env, insn, dst, src, here, there);
  learnLinked(insn, dst, src, here, linked);
  learnLinked(insn, dst, src, there, linked);
  learnEqual(env, insn, dst, src, here, there);
  const isNullTest = insn.width === 64 && insn.src.kind === "imm" && insn.src.imm === 0 && dst.maybeNull;
  if (isNullTest && (insn.op === "jeq" || insn.op === "jne")) {
    markNull(env, here, insn.dst, insn.op === "jne");
    markNull(env, there, insn.dst, insn.op === "jeq");
  } else if (!matchPkt(insn, dst, src, here, there))
    checkSecret(env, insn.dst, dst, "pointer comparison prohibited");
  if (dst.kind === "fp" || src.kind === "fp") {
    noteEscape(env, dst);
    noteEscape(env, src);
  }
}

/** Sets env.pc to where this path goes on. */
export function execJmp(env: Env, insn: Jmp): void {
  const dst = checkRegRead(env, insn.dst);
  const src = insn.src.kind === "reg" ? checkRegRead(env, insn.src.regno) : immReg(insn.src.imm);
  if (insn.src.kind === "reg" && !(isPktAny(dst) && isPktAny(src)))
    checkSecret(env, insn.src.regno, src, "pointer comparison prohibited");
  const flags = (dst.kind === "fp" ? HIST_DST_FP : 0) | (src.kind === "fp" ? HIST_SRC_FP : 0);
  if (flags !== 0) env.pushHistory(flags, undefined);
  const decided = taken(env, insn, dst, src);
  if (decided === undefined) {
    env.facts.jump(env.pc, true);
    env.facts.jump(env.pc, false);
    fork(env, insn);
    logTouched(env);
    env.pc++;
    return;
  }
  markPrecise(env, insn.dst);
  if (insn.src.kind === "reg") markPrecise(env, insn.src.regno);
  env.facts.jump(env.pc, decided);
  if (!env.may.misprediction) {
    const compared = insn.src.kind === "reg" ? [insn.dst, insn.src.regno] : [insn.dst];
    pushMispredicted(env, decided ? env.pc + 1 : insn.target, compared);
  }
  logTouched(env);
  env.pc = decided ? insn.target : env.pc + 1;
}
