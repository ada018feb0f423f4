// What the verifier claimed at each insn, and whether a run stays within: for every step there must be one recorded
// state that holds of all registers and stack slots at once. The reading of claims is written here a second time, from
// their meaning, and shares nothing with the verifier but its data.
import type { MapBinding } from "../../jit/compile.ts";
import type { Frame } from "../../runtime/engine/interp_insn.ts";
import * as L from "../../runtime/memory/layout.ts";
import type { World } from "../../runtime/memory/world.ts";
import type { Insn, InsnOf } from "../../src/isa/insn.ts";
import type { FrameKind } from "../../src/spec/run_types.ts";
import type { ClaimRecorder } from "../../src/verifier/options.ts";
import { fmtFrame } from "../../src/verifier/log/log.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { ADD_CONST32, AT_PKT_END, BEYOND_PKT_END, type RegState } from "../../src/verifier/state/regs.ts";
import { BYTE_ZERO, byteAt, isFullSpill, spillSize, type StackSlot } from "../../src/verifier/state/stack.ts";
import { Call, Frame as ClaimedFrame } from "../../src/verifier/state/state.ts";
import { isMember, isMemberBig, lowBytesHold } from "./claim_values.ts";

interface Claim {
  readonly regs: readonly RegState[];
  readonly stack: readonly (StackSlot | undefined)[];
}

/** Most insns leave the stack as it is. */
function isSame(a: Claim["stack"], b: Claim["stack"]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** States kept of one program, if nothing else is said. */
export const MAX_CLAIMS = 30_000;

/** More states than can be kept. */
export class TooManyClaims extends Error {
  override readonly name = "TooManyClaims";
}

/** Every state that verification passed through, by insn. */
export class Claims {
  readonly #at = new Map<number, Claim[]>();
  #stack: Claim["stack"] = [];
  count = 0;

  constructor(readonly max: number = MAX_CLAIMS) {}

  readonly record: ClaimRecorder = (pc, regs, stack) => {
    if (!isSame(this.#stack, stack)) this.#stack = stack.slice();
    const claim = { regs: regs.slice(), stack: this.#stack };
    const list = this.#at.get(pc);
    if (list === undefined) this.#at.set(pc, [claim]);
    else list.push(claim);
    if (++this.count > this.max) throw new TooManyClaims(`more than ${this.max} states`);
  };

  at(pc: number): readonly Claim[] {
    return this.#at.get(pc) ?? [];
  }
}

/** A register's value was not among those claimed. */
export class ClaimError extends Error {
  override readonly name = "ClaimError";
  constructor(
    readonly pc: number,
    message: string,
  ) {
    super(message);
  }
}

const s64 = (n: bigint): bigint => BigInt.asIntN(64, n);

/** Addresses: of the context, and of the words that hold the packet's. */
export interface Places {
  readonly ctx: number;
  readonly data: number;
  readonly end: number;
  readonly meta: number;
}

/** In a CPU's block, by what a packet is to programs. */
export function placesIn(cpu: number, frames: FrameKind): Places {
  if (frames !== "xdp") {
    const at = cpu + L.CPU_SKB;
    return { ctx: at, data: at + L.SKB_DATA, end: at + L.SKB_DATA_END, meta: at + L.SKB_DATA_META };
  }
  return {
    ctx: cpu + L.CPU_CTX,
    data: cpu + L.CPU_CTX_DATA,
    end: cpu + L.CPU_CTX_DATA_END,
    meta: cpu + L.CPU_CTX_DATA_META,
  };
}

/** Elements that a value pointer is tried against when its offset is not constant. */
const MAX_CANDIDATES = 64n;

export class ClaimChecker {
  readonly #claims: Claims;
  readonly #maps: readonly MapBinding[];
  readonly #view: DataView;
  /** frame pointers from outermost to innermost */
  readonly #fps: bigint[] = [];
  /** by depth: where the verifier's frames begin, which walks global functions by themselves */
  readonly #bases: number[] = [];
  readonly #globals: ReadonlySet<number>;
  #base = 0;
  readonly #hint = new Map<number, number>();
  #frame: Frame | undefined;
  #lastJump: { readonly insn: InsnOf<"jmp" | "may_goto">; readonly frame: Frame } | undefined;
  #lanes: Int32Array = new Int32Array(0);
  /** ids of the claim under test: what value goes with them */
  readonly #ids = new Map<number, bigint>();
  /** steps that were held against a claim */
  steps = 0;

  constructor(
    claims: Claims,
    world: World,
    maps: readonly MapBinding[],
    readonly verified: VerifiedProg,
    readonly places: Places,
    /** table index of the program: callbacks follow it */
    readonly tableIndex: () => number,
  ) {
    this.#claims = claims;
    this.#maps = maps;
    this.#view = world.view;
    this.#globals = new Set(
      verified.prog.subprogs.flatMap(({ pc, global }) =>
        global ? verified.subprogs.findIndex(({ start }) => start === pc) : [],
      ),
    );
  }

  /** Before an insn: throws ClaimError if no state of the verifier holds. */
  readonly onStep = (insn: Insn, frame: Frame): void => {
    if (frame !== this.#frame) {
      this.#frame = frame;
      this.#lanes = new Int32Array(frame.regs.buffer);
    }
    this.#fps[frame.depth] = frame.regs[10] ?? 0n;
    const alone = frame.depth === 0 || this.#globals.has(frame.subprogno);
    this.#base = alone ? frame.depth : (this.#bases[frame.depth - 1] as number);
    this.#bases[frame.depth] = this.#base;
    this.steps++;
    this.#checkSide(insn, frame);
    const claims = this.#claims.at(insn.pc);
    const start = this.#hint.get(insn.pc) ?? 0;
    for (let i = 0; i < claims.length; i++) {
      const at = (start + i) % claims.length;
      if (this.#holds(claims[at] as Claim, frame)) {
        if (at !== start) this.#hint.set(insn.pc, at);
        return;
      }
    }
    throw new ClaimError(insn.pc, this.#explain(insn.pc, claims, frame));
  };

  /** A conditional jump goes only to sides that the verifier saw. */
  #checkSide(insn: Insn, frame: Frame): void {
    const last = this.#lastJump;
    this.#lastJump = insn.kind === "jmp" || insn.kind === "may_goto" ? { insn, frame } : undefined;
    if (last === undefined || last.frame !== frame) return;
    const { pc, target } = last.insn;
    const sides = this.verified.aux[pc]?.jump;
    const isKnown =
      (insn.pc === target && sides?.taken === true) || (insn.pc === pc + 1 && sides?.fallthrough === true);
    if (!isKnown)
      throw new ClaimError(pc, `the jump at ${pc} goes to ${insn.pc}, which it never does by the facts`);
  }

  #holds(claim: Claim, frame: Frame): boolean {
    this.#ids.clear();
    for (let regno = 0; regno < 11; regno++)
      if (!this.#regHolds(claim.regs[regno] as RegState, frame, regno)) return false;
    return this.#stackHolds(claim, frame);
  }

  #regHolds(r: RegState, frame: Frame, regno: number): boolean {
    if (r.kind === "?") return true;
    const lo = this.#lanes[2 * regno] as number;
    const hi = this.#lanes[2 * regno + 1] as number;
    if (r.kind === "scalar" && r.id === 0) return isMember(r.s, lo, hi);
    return this.#valueHolds(r, frame.regs[regno] ?? 0n);
  }

  #valueHolds(r: RegState, value: bigint): boolean {
    if (r.kind === "scalar") return isMemberBig(r.s, value) && this.#agrees(r, value);
    if (r.maybeNull && value === 0n) return this.#agrees(r, 0n);
    return this.#pointerHolds(r, value);
  }

  /** Copies of one value are equal, but for what was added to them since. */
  #agrees(r: RegState, value: bigint): boolean {
    if (r.id === 0) return true;
    const bits = r.kind === "scalar" && r.is(ADD_CONST32) ? 32 : 64;
    const base = BigInt.asUintN(bits, r.kind === "scalar" && !r.addConst ? value : value - BigInt(r.off));
    const known = this.#ids.get(r.id);
    if (known === undefined) this.#ids.set(r.id, base);
    return known === undefined || known === base;
  }

  #word(address: number): bigint {
    return BigInt(this.#view.getUint32(address, true));
  }

  #pointerHolds(r: RegState, value: bigint): boolean {
    const from = (base: bigint): boolean =>
      isMemberBig(r.s, BigInt.asUintN(64, value - base - BigInt(r.off)));
    switch (r.kind) {
      case "ctx":
        return from(BigInt(this.places.ctx));
      case "fp":
        return from(this.#fps[this.#base + r.aux] ?? 0n);
      case "map_ptr":
        return this.#maps[r.aux] === undefined || from(BigInt(this.#maps[r.aux]?.address ?? 0));
      case "map_value":
        return this.#mapValueHolds(r, value) && this.#agrees(r, value);
      case "pkt":
        return from(this.#word(this.places.data)) && this.#rangeHolds(r, value, this.places.end);
      case "pkt_meta":
        return from(this.#word(this.places.meta)) && this.#rangeHolds(r, value, this.places.data);
      case "pkt_end":
        return from(this.#word(this.places.end));
      case "func":
        return value === BigInt(this.tableIndex() + r.aux);
      default:
        return value >= BigInt(L.WORLD_BASE);
    }
  }

  /** The bytes that were proven lie before the end. */
  #rangeHolds(r: RegState, value: bigint, endAt: number): boolean {
    const end = this.#word(endAt);
    if (r.aux === AT_PKT_END) return value >= end;
    if (r.aux === BEYOND_PKT_END) return value > end;
    const base = value - BigInt(r.off);
    return (r.aux === 0 || base + BigInt(r.aux) <= end) && this.#agrees(r, value);
  }

  /** The value lies in some element, at a distance the claim allows. */
  #mapValueHolds(r: RegState, value: bigint): boolean {
    const map = this.#maps[r.aux];
    if (map === undefined) return value >= BigInt(L.WORLD_BASE); // of a map that was looked up
    const stride = BigInt(map.elemStride);
    const first = BigInt(map.address + map.elemsOff + map.valueOff);
    const elems = BigInt(Math.floor((map.totalSize - map.elemsOff) / map.elemStride));
    const dist = s64(value) - BigInt(r.off) - first;
    if (r.s.isZero) return dist >= 0n && dist % stride === 0n && dist / stride < elems;
    const max = (n: bigint, m: bigint): bigint => (n > m ? n : m);
    const low = max((dist - r.s.smax) / stride - 1n, 0n);
    const high = (dist - r.s.smin) / stride + 1n;
    if (high - low > MAX_CANDIDATES) return true;
    for (let k = low; k <= high && k < elems; k++)
      if (isMemberBig(r.s, BigInt.asUintN(64, dist - k * stride))) return true;
    return false;
  }

  #stackHolds({ stack }: Claim, frame: Frame): boolean {
    for (let spi = 0; spi < stack.length; spi++) {
      const slot = stack[spi];
      if (slot !== undefined && slot.bytes !== 0 && !this.#slotHolds(slot, frame, spi)) return false;
    }
    return true;
  }

  #slotHolds(slot: StackSlot, frame: Frame, spi: number): boolean {
    const at = Number(frame.regs[10] ?? 0n) - 8 * (spi + 1);
    if (slot.spilled !== undefined && isFullSpill(slot))
      return this.#valueHolds(slot.spilled, this.#view.getBigUint64(at, true));
    if (slot.spilled?.kind === "scalar" && !lowBytesHold(slot.spilled.s, this.#view, at, spillSize(slot)))
      return false;
    for (let i = 0; i < 8; i++)
      if (byteAt(slot, i) === BYTE_ZERO && this.#view.getUint8(at + 7 - i) !== 0) return false;
    return true;
  }

  #explain(pc: number, claims: readonly Claim[], frame: Frame): string {
    if (claims.length === 0) return "the verifier never came here";
    const regs = [...frame.regs].map((value, i) => `r${i}=0x${value.toString(16)}`);
    const last = claims[claims.length - 1] as Claim;
    const bad: string[] = [];
    this.#ids.clear();
    for (let i = 0; i < 11; i++) if (!this.#regHolds(last.regs[i] as RegState, frame, i)) bad.push(`r${i}`);
    last.stack.forEach((slot, spi) => {
      if (slot !== undefined && !this.#slotHolds(slot, frame, spi)) bad.push(`fp-${8 * (spi + 1)}`);
    });
    const shown = claims.slice(-6).map((claim) => show(claim, this.verified, frame));
    return (
      `no claim of ${claims.length} at ${pc} holds; of the last one ${bad.join(", ") || "nothing alone"} does not\n` +
      `  is:      ${regs.join(" ")}\n${shown.map((text) => `  claimed: ${text}`).join("\n")}`
    );
  }
}

function show(claim: Claim, verified: VerifiedProg, frame: Frame): string {
  const call = new Call(frame.depth, frame.subprogno, -1, "call", 0);
  const as = new ClaimedFrame(call, claim.regs.slice(), claim.stack.slice(), 0);
  return fmtFrame(as, verified.prog.maps, -1, -1, -1).trim();
}
