// Pointers into an arena: memory that a program shares with user space, behind 32-bit addresses. No access through one
// can go wrong, since what lies behind its pages is empty: such a pointer may be computed in any way, and nothing is
// known of where it points. A program has one arena at most.
import type { InsnOf } from "../../isa/insn.ts";
import type { Env } from "../env.ts";
import { checkRegRead, checkRegWrite } from "../state/reg_checks.ts";
import { RegState, UNKNOWN } from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { noteEscape } from "../stack/bounds.ts";

const PAGE = 4096;

const ARENA = new RegState("arena", 0, Scalar.unknown, 0, 0, 0);

/** What `addr_space_cast(r, to, from)` holds: to a pointer the program can use, or to the address user space knows. */
const TO_KERNEL = 1;
const TO_USER = 1 << 16;

export function execCast(env: Env, insn: InsnOf<"addr_space_cast">): void {
  if (insn.imm !== TO_KERNEL && insn.imm !== TO_USER)
    env.reject("EINVAL", "addr_space_cast insn can only convert between address space 1 and 0");
  if (!env.hasArena)
    env.reject("EINVAL", "addr_space_cast insn can only be used in a program that has an associated arena");
  const src = checkRegRead(env, insn.src);
  checkRegWrite(env, insn.dst);
  noteEscape(env, src);
  env.facts.needs.add("arena");
  env.setReg(insn.dst, insn.imm === TO_KERNEL ? ARENA : UNKNOWN);
}

/** Any arithmetic with a pointer to an arena gives one; what else went in is lost. */
export function arenaAlu(env: Env, dst: RegState, src: RegState): RegState | undefined {
  if (dst.kind !== "arena" && src.kind !== "arena") return undefined;
  noteEscape(env, dst);
  noteEscape(env, src);
  return dst.kind === "arena" ? dst : src;
}

/** The address of a variable in the arena, for user space and for casts. */
export function arenaAddress(env: Env, map: number, off: number): RegState {
  const { valueSize, maxEntries } = env.mapAt(map);
  if (off >>> 0 > maxEntries * PAGE)
    env.reject("ERANGE", `invalid access to map value pointer, value_size=${valueSize} off=${off >>> 0}`);
  return UNKNOWN;
}

/** Atomics that the kernel's JIT for x86 has no insn for are not done in an arena. */
export function isAtomicInArena(insn: InsnOf<"atomic">): boolean {
  return !insn.fetch || insn.op === "add" || insn.op === "xchg" || insn.op === "cmpxchg";
}
