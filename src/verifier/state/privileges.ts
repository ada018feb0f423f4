// What a process without some capability is refused before its program is looked at, and the words for what it may not
// do with pointers. Which right takes which capability is in src/spec/privileges.ts.
import { BpfError } from "../../spec/errors.ts";
import { type HelperProto, helperProto } from "../../spec/helpers.ts";
import { type Capability, mayCallHelper, missingForProg, rightsOf } from "../../spec/privileges.ts";
import type { Env } from "../env.ts";
import type { Prog } from "../proof.ts";
import { NOT_INIT, type RegState, UNKNOWN } from "./regs.ts";

const MAX_INSNS = 1_000_000;
/** BPF_MAXINSNS */
const MAX_INSNS_WITHOUT = 4096;

/** What bpf(2) refuses without a log. */
export function checkLoadable({ type, insns }: Prog, caps: readonly Capability[]): void {
  const max = rightsOf(caps).longProgs ? MAX_INSNS : MAX_INSNS_WITHOUT;
  if (insns.length === 0 || insns.length > max)
    throw new BpfError("E2BIG", `a program has 1 to ${max} insns, this one ${insns.length}`);
  const missing = missingForProg(type, caps);
  if (missing.length > 0)
    throw new BpfError(
      "EPERM",
      `programs of type ${type} need ${missing.map((cap) => `CAP_${cap.toUpperCase()}`).join(" and ")}`,
    );
}

/** The helper as this program may call it; undefined where it may not. */
export function helperOf(env: Env, id: number): HelperProto | undefined {
  const known = env.helpers[id];
  if (known !== undefined) return known;
  const { prog, caps, target } = env;
  const proto = helperProto(id, prog.type, prog.expectedAttachType, target?.name);
  if (proto === undefined || !mayCallHelper(proto.name, prog.type, caps)) return undefined;
  env.helpers[id] = proto;
  return proto;
}

/** The register is a pointer whose address the program must not come to know. */
export function isSecret(env: Env, reg: RegState): boolean {
  return reg.kind !== "scalar" && !env.may.pointerLeaks;
}

/** What is left of a pointer to something that is gone. */
export function afterwards(env: Env): RegState {
  return env.may.pointerLeaks ? UNKNOWN : NOT_INIT;
}

export type Leak =
  | "leaks addr into map"
  | "leaks addr into mem"
  | "leaks addr into ctx"
  | "leaks addr into packet"
  | "leaks addr into flow keys"
  | "leaks addr into helper function"
  | "leaks addr as return value"
  | "pointer arithmetic prohibited"
  | "pointer comparison prohibited"
  | "partial copy of pointer"
  | "sign-extension part of pointer";

export function checkSecret(env: Env, regno: number, reg: RegState, leak: Leak): void {
  if (isSecret(env, reg)) env.reject("EACCES", `R${regno} ${leak}`);
}
