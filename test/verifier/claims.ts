// What the verifier claimed of every insn, held against what the interpreter really has there: registers, spilled
// values, zeroed bytes. One of the claims recorded for the insn must cover all of it together.
import type { Frame as Machine } from "../../runtime/engine/interp_insn.ts";
import { CPU_CTX, CPU_CTX_DATA, CPU_CTX_DATA_END, CPU_CTX_DATA_META } from "../../runtime/memory/layout.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { BEYOND_PKT_END, type RegState } from "../../src/verifier/state/regs.ts";
import type { Scalar } from "../../src/verifier/scalar/scalar.ts";
import { byteAt, BYTE_ZERO, type StackSlot, spillSize } from "../../src/verifier/state/stack.ts";
import type { ClaimRecorder } from "../../src/verifier/verify.ts";

interface Claim {
  readonly depth: number;
  readonly subprogno: number;
  readonly regs: readonly RegState[];
  readonly stack: readonly (StackSlot | undefined)[];
}

const s64 = (v: bigint): bigint => BigInt.asIntN(64, v);
const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);

/** Is the value a member of the set that the Scalar stands for? */
export function contains(s: Scalar, value: bigint): boolean {
  const v = u64(value);
  const low = Number(BigInt.asUintN(32, v));
  const slow = low | 0;
  return (
    (v & ~u64(s.mask)) === u64(s.value) &&
    v >= s.umin &&
    v <= s.umax &&
    s64(v) >= s.smin &&
    s64(v) <= s.smax &&
    low >= s.u32min &&
    low <= s.u32max &&
    slow >= s.s32min &&
    slow <= s.s32max
  );
}

/** The machine at one step. */
class Moment {
  constructor(
    readonly machine: Machine,
    readonly view: DataView,
    readonly cpu: number,
    /** frame pointers by depth */
    readonly fps: readonly bigint[],
  ) {}

  word(off: number): bigint {
    return BigInt(this.view.getUint32(this.cpu + off, true));
  }

  reg(r: RegState, value: bigint): boolean {
    switch (r.kind) {
      case "?":
      case "func":
      case "map_ptr":
        return true;
      case "scalar":
        return contains(r.s, value);
      case "ctx":
        return contains(r.s, value - BigInt(this.cpu + CPU_CTX + r.off));
      case "fp":
        return contains(r.s, value - (this.fps[r.aux] ?? 0n) - BigInt(r.off));
      case "pkt":
        return this.pkt(r, value, this.word(CPU_CTX_DATA), this.word(CPU_CTX_DATA_END));
      case "pkt_meta":
        return this.pkt(r, value, this.word(CPU_CTX_DATA_META), this.word(CPU_CTX_DATA));
      case "pkt_end":
        return value === this.word(CPU_CTX_DATA_END);
      case "map_value":
      case "map_key":
      case "mem":
        return value !== 0n || r.maybeNull;
      default:
        throw new Error(`nothing is known of how a ${r.kind} looks at run time`);
    }
  }

  private pkt(r: RegState, value: bigint, start: bigint, end: bigint): boolean {
    const moved = value - start - BigInt(r.off);
    if (!contains(r.s, moved)) return false;
    if (r.aux < 0) return r.aux === BEYOND_PKT_END ? value > end : value >= end;
    return r.aux === 0 || start + s64(moved) + BigInt(r.aux) <= end;
  }

  slot(slot: StackSlot | undefined, spi: number): boolean {
    if (slot === undefined) return true;
    const at = Number(this.machine.regs[10]) - 8 * (spi + 1);
    for (let i = 0; i < 8; i++)
      if (byteAt(slot, i) === BYTE_ZERO && this.view.getUint8(at + 7 - i) !== 0) return false;
    const spilled = slot.spilled;
    if (spilled === undefined) return true;
    const n = spillSize(slot);
    const value = this.view.getBigUint64(at, true);
    if (n === 8) return this.reg(spilled, value);
    // the upper part of the spilled value is not in memory: compare where it is known
    if (spilled.kind !== "scalar" || spilled.s.umax >= 1n << BigInt(8 * n)) return true;
    return contains(spilled.s, BigInt.asUintN(8 * n, value));
  }

  covers(c: Claim): boolean {
    const { machine } = this;
    if (c.depth !== machine.depth || c.subprogno !== machine.subprogno) return false;
    return (
      c.regs.every((r, i) => this.reg(r, machine.regs[i] ?? 0n)) &&
      c.stack.every((slot, spi) => this.slot(slot, spi))
    );
  }
}

const MAX_CLAIMS = 4000;

export class Claims {
  private readonly byPc = new Map<number, Claim[]>();
  private readonly fps: bigint[] = [];
  checked = 0;

  readonly record: ClaimRecorder = (pc, regs, stack, frames) => {
    let list = this.byPc.get(pc);
    if (list === undefined) {
      list = [];
      this.byPc.set(pc, list);
    }
    const inner = frames.at(-1);
    if (inner === undefined) throw new Error("a claim without a frame");
    if (list.length >= MAX_CLAIMS) throw new RangeError("too many claims");
    list.push({
      depth: inner.frameno,
      subprogno: inner.subprogno,
      regs: regs.slice(),
      stack: stack.slice(),
    });
  };

  /** What of the machine no claim covers, or undefined. Global functions are claimed at depth 0: not compared. */
  check(insn: Insn, machine: Machine, buffer: ArrayBufferLike, cpu: number): string | undefined {
    this.fps[machine.depth] = machine.regs[10] ?? 0n;
    const moment = new Moment(machine, new DataView(buffer), cpu, this.fps);
    this.checked++;
    const list = this.byPc.get(insn.pc) ?? [];
    for (let i = list.length - 1; i >= 0; i--) if (moment.covers(list[i] as Claim)) return undefined;
    const values = Array.from(machine.regs, (v, i) => `r${i}=0x${v.toString(16)}`).join(" ");
    return `insn ${insn.pc}: none of ${list.length} claims covers ${values}`;
  }
}
