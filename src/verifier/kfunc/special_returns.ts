// Functions whose prototype does not say what they return.
import { isStructType } from "../../btf/query.ts";
import type { Env } from "../env.ts";
import { RDONLY, RegState, UNTRUSTED } from "../regs.ts";
import { Scalar } from "../scalar.ts";
import type { KfuncMeta } from "./meta.ts";

type Return = (env: Env, meta: KfuncMeta) => RegState;

/** A pointer made from any number: it can be read through, nothing more. */
const rdonlyCast: Return = (env, { kfunc, constant }) => {
  const id = Number(BigInt.asUintN(32, constant ?? 0n));
  const t = kfunc.btf.at(id);
  if (t === undefined)
    return env.reject("EINVAL", `Unknown type ID ${constant} passed to kfunc bpf_rdonly_cast`);
  if (isStructType(t)) return new RegState("ptr_", 0, Scalar.zero, 0, id, UNTRUSTED, 0, kfunc.btf);
  if (t.kind === "void") return new RegState("mem", 0, Scalar.zero, 0, 0, RDONLY | UNTRUSTED);
  return env.reject("EINVAL", "kfunc bpf_rdonly_cast type ID argument must be of a struct or void");
};

export const SPECIAL_RETURNS: Readonly<Record<string, Return>> = {
  bpf_rdonly_cast: rdonlyCast,
};
