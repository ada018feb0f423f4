// Loads and stores through what the kernel hands out beside memory: the context, sockets, flow keys, the buffer of a
// writable tracepoint. Which bytes there are is in the rows of src/spec/ctx.
import { type CtxField, type CtxValue, findField } from "../../spec/ctx/field.ts";
import { FLOW_KEYS_SIZE, SOCK_LAYOUTS, type SockKind } from "../../spec/ctx/layouts.ts";
import { checkBtfCtx, stepBtfCtxLoad } from "../btf/ctx.ts";
import type { Env } from "../env.ts";
import { checkPtrOff } from "../state/reg_checks.ts";
import {
  MAYBE_NULL,
  ptrReg,
  RDONLY,
  type RegKind,
  RegState,
  TRUSTED,
  UNKNOWN,
  regTypeStr,
  withId,
} from "../state/regs.ts";
import { Scalar } from "../scalar/scalar.ts";
import { fmtTnum } from "../scalar/fmt.ts";

/** One access; `off` counts from the pointer as it was given. */
export interface ObjectAccess {
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  /** sign-extending load */
  readonly signed: boolean;
}

/** By offset, width and direction: looked up once. */
function findCtxField(env: Env, a: ObjectAccess): CtxField | undefined {
  const key = (a.off * 16 + a.size) * 4 + (a.write ? 2 : 0) + (a.signed ? 1 : 0);
  let found = env.ctxFields.get(key);
  if (found === undefined) {
    found = findField(env.ctx.fields, { ...a, attachType: env.prog.expectedAttachType });
    if (found !== undefined && isKept(env, found, a)) return undefined;
    if (found !== undefined) env.ctxFields.set(key, found);
  }
  return found;
}

/** The field is for processes with a capability. */
function isKept(env: Env, { privileged }: CtxField, a: ObjectAccess): boolean {
  return !env.may.privilegedFields && (privileged === "load" || (privileged === "store" && a.write));
}

function structId(env: Env, gives: CtxValue): number | undefined {
  return env.kernelBtf?.find(gives.struct ?? "", "struct")?.id;
}

function checkCtx(env: Env, regno: number, a: ObjectAccess): void {
  checkPtrOff(env, env.regs[regno] as RegState, regno);
  if (env.target !== undefined) return checkBtfCtx(env, a);
  const f = findCtxField(env, a);
  if (f === undefined) env.reject("EACCES", `invalid bpf_context access off=${a.off} size=${a.size}`);
  if (f.gives.kind === "ptr_" && structId(env, f.gives) === undefined)
    env.reject("EOPNOTSUPP", `the kernel's struct ${f.gives.struct} is known only with the kernel's BTF`);
}

function checkSock(env: Env, regno: number, kind: SockKind, a: ObjectAccess): void {
  const reg = env.regs[regno] as RegState;
  if (a.write) env.reject("EACCES", `R${regno} cannot write into ${regTypeStr(reg)}`);
  if (reg.s.sminNum < 0)
    env.reject(
      "EACCES",
      `R${regno} min value is negative, either use unsigned index or do a if (index >=0) check.`,
    );
  if (findField(SOCK_LAYOUTS[kind].fields, { ...a, signed: false, attachType: undefined }) === undefined)
    env.reject("EACCES", `R${regno} invalid ${regTypeStr(reg)} access off=${a.off} size=${a.size}`);
}

function checkFlowKeys(env: Env, a: ObjectAccess): void {
  if (a.off < 0 || a.off + a.size > FLOW_KEYS_SIZE)
    env.reject("EACCES", `invalid access to flow keys off=${a.off} size=${a.size}`);
}

/** How long the buffer is only the tracepoint or iterator knows: it is asked when the program is attached. */
function checkBuffer(env: Env, regno: number, a: ObjectAccess, what: string): void {
  const reg = env.regs[regno] as RegState;
  if (a.off < 0)
    env.reject("EACCES", `R${regno} invalid ${what} buffer access: off=${a.off}, size=${a.size}`);
  if (!reg.s.isZero)
    env.reject("EACCES", `R${regno} invalid variable buffer offset: off=${a.off}, var_off=${fmtTnum(reg.s)}`);
}

/** The buffer of an iterator; also as a helper's argument. */
export function checkIterBuffer(env: Env, regno: number, a: ObjectAccess): void {
  const reg = env.regs[regno] as RegState;
  if (a.write && reg.is(RDONLY)) env.reject("EACCES", `R${regno} cannot write into ${regTypeStr(reg)}`);
  checkBuffer(env, regno, a, reg.is(RDONLY) ? "rdonly" : "rdwr");
}

const CHECKS = {
  ctx: checkCtx,
  sock: (env, regno, a) => checkSock(env, regno, "sock", a),
  sock_common: (env, regno, a) => checkSock(env, regno, "sock_common", a),
  tcp_sock: (env, regno, a) => checkSock(env, regno, "tcp_sock", a),
  xdp_sock: (env, regno, a) => checkSock(env, regno, "xdp_sock", a),
  flow_keys: (env, _regno, a) => checkFlowKeys(env, a),
  tp_buffer: (env, regno, a) => checkBuffer(env, regno, a, "tracepoint"),
  buf: checkIterBuffer,
} as const satisfies Partial<Record<RegKind, (env: Env, regno: number, a: ObjectAccess) => void>>;

export type ObjectKind = keyof typeof CHECKS;

export function isObjectKind(kind: RegKind): kind is ObjectKind {
  return kind in CHECKS;
}

export function checkObject(env: Env, regno: number, kind: ObjectKind, a: ObjectAccess): void {
  CHECKS[kind](env, regno, a);
}

/** What the context's field gives: a number, or a pointer of a kind of its own. */
function loadCtx(env: Env, a: ObjectAccess): RegState {
  if (env.target !== undefined) return stepBtfCtxLoad(env, a);
  const gives = findCtxField(env, a)?.gives;
  if (gives === undefined || gives.kind === "scalar") return UNKNOWN;
  if (gives.kind === "ptr_")
    return new RegState("ptr_", 0, Scalar.zero, 0, structId(env, gives) ?? 0, TRUSTED, 0, env.kernelBtf);
  const value = ptrReg(gives.kind, 0, 0, gives.nullable === true ? MAYBE_NULL : 0);
  return gives.nullable === true ? withId(value, env.newId()) : value;
}

export function stepObjectLoad(env: Env, kind: ObjectKind, a: ObjectAccess): RegState {
  if (kind !== "ctx") {
    env.facts.needs.add(kind);
    return UNKNOWN;
  }
  env.facts.access(env.pc, "ctx", false);
  return loadCtx(env, a);
}

export function stepObjectStore(env: Env, kind: ObjectKind): void {
  if (kind === "ctx") env.facts.access(env.pc, "ctx", true);
  else env.facts.needs.add(kind);
}
