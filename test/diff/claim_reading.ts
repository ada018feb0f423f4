// What the verifier says of a frame, read against one of the interpreter. The reading is written here a second time, from
// what the facts mean, and shares nothing with the verifier but its data.
import type { MapBinding } from "../../jit/compile.ts";
import type { Frame } from "../../runtime/engine/interp_insn.ts";
import * as L from "../../runtime/memory/layout.ts";
import type { World } from "../../runtime/memory/world.ts";
import type { FrameKind } from "../../src/spec/run_types.ts";
import { fmtFrame } from "../../src/verifier/log/log.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { ADD_CONST32, AT_PKT_END, BEYOND_PKT_END, type RegState } from "../../src/verifier/state/regs.ts";
import { BYTE_ZERO, byteAt, isFullSpill, spillSize, type StackSlot } from "../../src/verifier/state/stack.ts";
import { Call, Frame as ClaimedFrame } from "../../src/verifier/state/state.ts";
import { isMember, isMemberBig, lowBytesHold } from "./claim_values.ts";

/** What is said of one frame. */
export interface Claim {
  readonly regs: readonly RegState[];
  readonly stack: readonly (StackSlot | undefined)[];
}

/** Something does not hold of a run: what states claim, what the run's own path does, what the JIT is told. */
export class ClaimError extends Error {
  override readonly name = "ClaimError";
  constructor(
    readonly where: "claims" | "path" | "facts",
    readonly pc: number,
    message: string,
  ) {
    super(message);
  }
}

/** The value lies at an allowed distance from `base`. */
function isFrom(r: RegState, value: bigint, base: bigint): boolean {
  return isMemberBig(r.s, BigInt.asUintN(64, value - base - BigInt(r.off)));
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

/** A frame of the interpreter, its registers also as pairs of 32 bits. */
export class Seen {
  readonly lanes: Int32Array;
  constructor(readonly frame: Frame) {
    this.lanes = new Int32Array(frame.regs.buffer);
  }
}

/** Elements that a value pointer is tried against when its offset is not constant. */
const MAX_CANDIDATES = 64n;

export class ClaimReading {
  readonly #view: DataView;
  /** ids of what is read: which value goes with them */
  readonly #ids = new Map<number, bigint>();
  /** frame pointers, and which of them belongs to the verifier's outermost frame */
  fps: readonly bigint[] = [];
  base = 0;

  constructor(
    world: World,
    readonly maps: readonly MapBinding[],
    readonly places: Places,
    /** table index of the program: callbacks follow it */
    readonly tableIndex: number,
  ) {
    this.#view = world.view;
  }

  /** Ids stand for other values from here on. */
  restart(): void {
    this.#ids.clear();
  }

  holds(claim: Claim, seen: Seen): boolean {
    for (let regno = 0; regno < 11; regno++)
      if (!this.#regHolds(claim.regs[regno] as RegState, seen, regno)) return false;
    return this.#stackHolds(claim, seen);
  }

  /** The registers and slots that do not hold, each by itself. */
  failing(claim: Claim, seen: Seen): string[] {
    const bad: string[] = [];
    this.restart();
    for (let i = 0; i < 11; i++) if (!this.#regHolds(claim.regs[i] as RegState, seen, i)) bad.push(`r${i}`);
    claim.stack.forEach((slot, spi) => {
      if (slot !== undefined && !this.#slotHolds(slot, seen.frame, spi)) bad.push(`fp-${8 * (spi + 1)}`);
    });
    return bad;
  }

  #regHolds(r: RegState, { frame, lanes }: Seen, regno: number): boolean {
    if (r.kind === "?") return true;
    const lo = lanes[2 * regno] as number;
    const hi = lanes[2 * regno + 1] as number;
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
    switch (r.kind) {
      case "ctx":
        return isFrom(r, value, BigInt(this.places.ctx));
      case "fp":
        return isFrom(r, value, this.fps[this.base + r.aux] ?? 0n);
      case "map_ptr":
        return this.maps[r.aux] === undefined || isFrom(r, value, BigInt(this.maps[r.aux]?.address ?? 0));
      case "map_value":
        return this.#mapValueHolds(r, value) && this.#agrees(r, value);
      case "pkt":
        return isFrom(r, value, this.#word(this.places.data)) && this.#rangeHolds(r, value, this.places.end);
      case "pkt_meta":
        return isFrom(r, value, this.#word(this.places.meta)) && this.#rangeHolds(r, value, this.places.data);
      case "pkt_end":
        return isFrom(r, value, this.#word(this.places.end));
      case "func":
        return value === BigInt(this.tableIndex + r.aux);
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
    const map = this.maps[r.aux];
    if (map === undefined) return value >= BigInt(L.WORLD_BASE); // of a map that was looked up
    const stride = BigInt(map.elemStride);
    const first = BigInt(map.address + map.elemsOff + map.valueOff);
    const elems = BigInt(Math.floor((map.totalSize - map.elemsOff) / map.elemStride));
    const dist = s64(value) - BigInt(r.off) - first;
    if (r.s.isZero) return dist >= 0n && dist % stride === 0n && dist / stride < elems;
    const lowest = (dist - r.s.smax) / stride - 1n;
    const low = lowest < 0n ? 0n : lowest;
    const high = (dist - r.s.smin) / stride + 1n;
    if (high - low > MAX_CANDIDATES) return true;
    for (let k = low; k <= high && k < elems; k++)
      if (isMemberBig(r.s, BigInt.asUintN(64, dist - k * stride))) return true;
    return false;
  }

  #stackHolds({ stack }: Claim, { frame }: Seen): boolean {
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
}

/** The registers as they are. */
export function showSeen({ frame }: Seen): string {
  return [...frame.regs].map((value, i) => `r${i}=0x${value.toString(16)}`).join(" ");
}

/** The claim in the log's words. */
export function showClaim(claim: Claim, verified: VerifiedProg, frame: Frame): string {
  const call = new Call(frame.depth, frame.subprogno, -1, "call", 0);
  const as = new ClaimedFrame(call, claim.regs.slice(), claim.stack.slice(), 0);
  return fmtFrame(as, verified.prog.maps, -1, -1, -1).trim();
}
