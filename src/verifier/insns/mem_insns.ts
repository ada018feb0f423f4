// Load, store and atomic insns: which registers they read and write around the access itself.
import type { InsnOf } from "../../isa/insn.ts";
import { isAtomicInArena } from "../mem/arena.ts";
import type { Env } from "../env.ts";
import {
  checkAlignment,
  checkMem,
  PLAIN_LOAD,
  PLAIN_STORE,
  SIGNED_LOAD,
  STRICT_LOAD,
  STRICT_STORE,
  stepLoad,
  stepStore,
  UNSEEN_LOAD,
} from "../mem/mem_access.ts";
import { isObjectKind } from "../mem/object_access.ts";
import { checkSecret } from "../state/privileges.ts";
import { checkRegRead, checkRegWrite } from "../state/reg_checks.ts";
import {
  immReg,
  isPktAny,
  QUALIFIERS,
  RDONLY,
  type RegKind,
  type RegState,
  type RegType,
  regTypeStr,
  UNTRUSTED,
  UNKNOWN,
} from "../state/regs.ts";
import { fmtTnum } from "../scalar/fmt.ts";
import { IMMEDIATE, OPAQUE_STORED, type Stored } from "../state/stored.ts";

/** Atomics work on memory, not on packets and what the kernel lays out. */
function checkAtomicKind(env: Env, regno: number, what: "loads from" | "stores into"): void {
  const reg = env.regs[regno] as RegState;
  if (
    !reg.maybeNull &&
    (isPktAny(reg) || (isObjectKind(reg.kind) && reg.kind !== "tp_buffer" && reg.kind !== "buf"))
  )
    env.reject("EACCES", `BPF_ATOMIC ${what} R${regno} ${regTypeStr(reg)} is not allowed`);
}

/** The kernel rewrites an access through these by what they are: one insn cannot serve two of them. */
const REWRITTEN: ReadonlySet<RegKind> = new Set<RegKind>([
  "ctx",
  "sock",
  "sock_common",
  "tcp_sock",
  "xdp_sock",
  "ptr_",
  "arena",
]);

function isFaulting(t: RegType): boolean {
  return t.kind === "mem" || t.kind === "ptr_";
}

function isOfType(reg: RegState, type: RegType): boolean {
  return reg.kind === type.kind && (reg.flags & QUALIFIERS) === type.flags;
}

/** `mayMix`: a load through pointers that are trusted on one path only is made as if they never were. */
function checkPtrType(env: Env, reg: RegState, mayMix: boolean): void {
  const seen = env.ptrTypes[env.pc];
  if (seen === undefined || isOfType(reg, seen)) return;
  if (!REWRITTEN.has(seen.kind) && !REWRITTEN.has(reg.kind)) return;
  if (!mayMix || !isFaulting(seen) || !isFaulting(reg))
    env.reject("EINVAL", "same insn cannot be used with different pointers");
}

function stepPtrType(env: Env, reg: RegState): void {
  const seen = env.ptrTypes[env.pc];
  if (seen === undefined) env.ptrTypes[env.pc] = { kind: reg.kind, flags: reg.flags & QUALIFIERS };
  else if (!isOfType(reg, seen) && isFaulting(seen) && isFaulting(reg)) {
    const kind = seen.kind === "mem" || reg.kind === "mem" ? "mem" : "ptr_";
    env.ptrTypes[env.pc] = { kind, flags: (seen.flags | reg.flags) & (UNTRUSTED | RDONLY) };
  }
}

export function execLdx(env: Env, insn: InsnOf<"ldx"> | InsnOf<"load_acquire">): void {
  const base = checkRegRead(env, insn.base);
  checkRegWrite(env, insn.dst);
  const strict = insn.kind === "load_acquire";
  const signed = insn.kind === "ldx" && insn.signed;
  checkMem(env, insn.base, insn.off, insn.size, strict ? STRICT_LOAD : signed ? SIGNED_LOAD : PLAIN_LOAD);
  checkPtrType(env, base, !strict);
  if (strict) checkAtomicKind(env, insn.base, "loads from");
  stepPtrType(env, base);
  env.setReg(insn.dst, stepLoad(env, base, insn.off, insn.size, signed));
}

/** What the insn stores; it may read it. */
function storedBy(env: Env, insn: InsnOf<"st"> | InsnOf<"store_release">): Stored {
  if (insn.kind === "store_release") return env.stored.set(insn.src, checkRegRead(env, insn.src));
  if (insn.src.kind === "imm") return env.stored.set(IMMEDIATE, immReg(insn.src.imm));
  return env.stored.set(insn.src.regno, checkRegRead(env, insn.src.regno));
}

export function execSt(env: Env, insn: InsnOf<"st"> | InsnOf<"store_release">): void {
  const stored = storedBy(env, insn);
  const base = checkRegRead(env, insn.base);
  const strict = insn.kind === "store_release";
  checkMem(env, insn.base, insn.off, insn.size, strict ? STRICT_STORE : PLAIN_STORE, stored);
  checkPtrType(env, base, false);
  if (strict) checkAtomicKind(env, insn.base, "stores into");
  stepPtrType(env, base);
  stepStore(env, base, insn.off, insn.size, stored);
}

/** The register that gets the old value, -1 if none does. */
function loadReg(insn: InsnOf<"atomic">): number {
  if (!insn.fetch) return -1;
  return insn.op === "cmpxchg" ? 0 : insn.src;
}

export function execAtomic(env: Env, insn: InsnOf<"atomic">): void {
  const src = checkRegRead(env, insn.src);
  const base = checkRegRead(env, insn.base);
  if (insn.op === "cmpxchg") checkSecret(env, 0, checkRegRead(env, 0), "leaks addr into mem");
  checkSecret(env, insn.src, src, "leaks addr into mem");
  checkAtomicKind(env, insn.base, "stores into");
  if (base.kind === "arena" && !isAtomicInArena(insn))
    env.reject("EACCES", `BPF_ATOMIC stores into R${insn.base} arena is not allowed`);
  const load = loadReg(insn);
  if (load >= 0) checkRegWrite(env, load);
  // in the kernel's eyes the address is gone by now: nothing is known of it
  if (load === insn.base) checkAlignment(env, UNKNOWN, insn.off, insn.size, true);
  if (base.kind === "fp" && !base.s.isConst)
    env.reject(
      "EACCES",
      `variable offset stack pointer cannot be passed into helper function; var_off=${fmtTnum(base.s)} off=${base.off + insn.off} size=${insn.size}`,
    );
  checkMem(env, insn.base, insn.off, insn.size, UNSEEN_LOAD);
  checkMem(env, insn.base, insn.off, insn.size, STRICT_STORE, OPAQUE_STORED);
  checkPtrType(env, base, false);
  stepPtrType(env, base);
  const old = stepLoad(env, base, insn.off, insn.size, false, load < 0);
  stepStore(env, base, insn.off, insn.size, OPAQUE_STORED);
  if (src.kind === "fp")
    env.facts.stackEscapes[(env.state.frames[src.aux] as { subprogno: number }).subprogno] = true;
  if (load >= 0) env.setReg(load, old);
}
