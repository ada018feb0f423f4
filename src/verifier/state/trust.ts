// Which pointers into the kernel are known to be valid now, and where. Reads registers and regions; changes nothing.
import type { Btf } from "../../btf/btf.ts";
import type { Env } from "../env.ts";
import { ALLOC, NON_OWN_REF, RCU, type RegKind, type RegState, TRUSTED, UNTRUSTED } from "./regs.ts";

/** Kinds that stand for a struct of the kernel, by its name: always valid while they are what they are. */
const STRUCT_OF: Partial<Record<RegKind, string>> = {
  sock: "sock",
  sock_common: "sock_common",
  tcp_sock: "tcp_sock",
  map_ptr: "bpf_map",
};

export function structOf(kind: RegKind): string | undefined {
  return STRUCT_OF[kind];
}

/** The kernel's struct a pointer points to, if it points to one. */
export function pointedType(r: RegState, kernel: Btf | undefined): { btf: Btf; id: number } | undefined {
  if (r.kind === "ptr_") return r.btf === undefined ? undefined : { btf: r.btf, id: r.aux };
  const name = STRUCT_OF[r.kind];
  const id = name === undefined ? undefined : kernel?.find(name, "struct")?.id;
  return kernel === undefined || id === undefined ? undefined : { btf: kernel, id };
}

/** Flags that make a pointer valid. */
export const TRUSTED_FLAGS: number = ALLOC | TRUSTED | NON_OWN_REF;

/** It carries a flag that takes something away: maybe null, untrusted, of user space, … */
export function hasUnsafeFlags(r: RegState): boolean {
  return (r.flags & ~TRUSTED_FLAGS) !== 0;
}

export function isTrusted(r: RegState): boolean {
  if (r.refId !== 0) return true;
  if (STRUCT_OF[r.kind] !== undefined && !hasUnsafeFlags(r)) return true;
  return (r.flags & TRUSTED_FLAGS) !== 0 && !hasUnsafeFlags(r);
}

export function isRcu(r: RegState): boolean {
  return (r.flags & RCU) !== 0;
}

const NEVER_NULL: ReadonlySet<RegKind> = new Set<RegKind>([
  "map_value",
  "map_key",
  "mem",
  "map_ptr",
  "sock",
  "sock_common",
  "tcp_sock",
  "xdp_sock",
]);

/** Certainly not null at run time: nothing was subtracted that could lead to address 0. */
export function isNotNull(r: RegState): boolean {
  if (r.maybeNull || r.is(UNTRUSTED) || r.off < 0 || r.s.sminHi < 0) return false;
  return NEVER_NULL.has(r.kind) || (r.kind === "ptr_" && isTrusted(r));
}

/** The program may sleep here. */
export function inSleepable(env: Env): boolean {
  return env.state.inSleepable || env.prog.flags.includes("sleepable");
}

/** What RCU protects cannot go away here. */
export function inRcu(env: Env): boolean {
  return env.state.rcuDepth > 0 || env.state.holdsLock || !inSleepable(env);
}
