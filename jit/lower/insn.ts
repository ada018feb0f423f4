// The table of lowerings: one row an insn kind. Jumps and exits end blocks and are func.ts's business.
import type { InsnKind, InsnOf } from "../../src/isa/insn.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { firstValue, type MapBinding } from "./abi.ts";
import { lowerAlu, lowerEnd, lowerMovsx, lowerNeg } from "./alu.ts";
import { lowerAtomic, lowerLoadAcquire, lowerStoreRelease } from "./atomic.ts";
import { lowerCall, lowerLdAbs, lowerLdInd } from "./call.ts";
import type { Fn } from "./fn.ts";
import { lowerLdx, lowerSt } from "./mem.ts";

export type Straight = Exclude<InsnKind, "jmp" | "ja" | "may_goto" | "exit">;

// biome-ignore format: table
const LOWER: { readonly [K in Straight]: (fn: Fn, insn: InsnOf<K>) => void } = {
  alu:             lowerAlu,
  neg:             lowerNeg,
  movsx:           lowerMovsx,
  end:             lowerEnd,
  addr_space_cast: (_, insn) => refuse(insn.pc, "arena pointers cannot be compiled"),
  ld_imm64:        lowerLdImm64,
  ldx:             lowerLdx,
  st:              lowerSt,
  ld_abs:          lowerLdAbs,
  ld_ind:          lowerLdInd,
  atomic:          lowerAtomic,
  load_acquire:    lowerLoadAcquire,
  store_release:   lowerStoreRelease,
  call:            lowerCall,
  invalid:         (_, insn) => refuse(insn.pc, insn.message),
};

export function lowerInsn(fn: Fn, insn: InsnOf<Straight>): void {
  // row and insn have the same kind; TypeScript cannot relate the two
  const lower = LOWER[insn.kind] as (fn: Fn, insn: InsnOf<Straight>) => void;
  lower(fn, insn);
}

function refuse(pc: number, why: string): never {
  throw new BpfError("EOPNOTSUPP", `${pc}: ${why}`);
}

function mapOf(fn: Fn, pc: number, index: number): MapBinding {
  return fn.env.maps[index] ?? refuse(pc, `no map #${index}`);
}

function lowerLdImm64(fn: Fn, insn: InsnOf<"ld_imm64">): void {
  const { value, dst, pc } = insn;
  switch (value.kind) {
    case "imm":
      return fn.set(dst, fn.u64(value.imm));
    case "map":
      return fn.set(dst, fn.u32(mapOf(fn, pc, value.map).address));
    case "map_value":
      return fn.set(dst, fn.u32(firstValue(mapOf(fn, pc, value.map)) + value.off));
    case "func":
      return fn.set(dst, fn.u32(callbackSlot(fn, pc, value.target)));
    case "map_fd":
    case "map_value_fd":
    case "btf_id":
      return refuse(pc, `ld_imm64 of kind ${value.kind} was not resolved`);
  }
}

/** The table index of a callback: the program's own, then its subprogs in order. */
function callbackSlot(fn: Fn, pc: number, target: number): number {
  const subprogno = fn.env.subprogs.findIndex((subprog) => subprog.start === target);
  if (subprogno <= 0) return refuse(pc, `no callback starts at ${target}`);
  return fn.env.options.tableBase + subprogno;
}
