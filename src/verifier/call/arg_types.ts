// Which kinds of values fit an argument by their type alone. What is asked of the value besides is said elsewhere.
import type { ArgKind } from "../../spec/helpers.ts";
import type { Env } from "../env.ts";
import {
  ALLOC,
  MAYBE_NULL,
  PERCPU,
  QUALIFIERS,
  RCU,
  RDONLY,
  type RegKind,
  type RegState,
  RINGBUF,
  TRUSTED,
  regTypeStr,
  typeStr,
} from "../state/regs.ts";

interface TypeRow {
  readonly kind: RegKind;
  readonly flags: number;
}

interface ArgRow {
  readonly types: readonly TypeRow[];
  readonly expected: string;
  readonly nullable: boolean;
  /** only read: what may not be written does as well */
  readonly reads: boolean;
}

function type(kind: RegKind, flags = 0): TypeRow {
  return { kind, flags };
}

function row(types: readonly TypeRow[], ...how: ("nullable" | "reads")[]): ArgRow {
  return {
    types,
    expected: types.map(({ kind, flags }) => typeStr(kind, flags)).join(", "),
    nullable: how.includes("nullable"),
    reads: how.includes("reads"),
  };
}

const MEM: readonly TypeRow[] = [
  type("fp"),
  type("pkt"),
  type("pkt_meta"),
  type("map_key"),
  type("map_value"),
  type("mem"),
  type("mem", RINGBUF),
  type("buf"),
  type("ptr_", TRUSTED),
];
const SOCKS: readonly TypeRow[] = [type("sock_common"), type("sock"), type("tcp_sock"), type("xdp_sock")];
const BTF_SOCKS: readonly TypeRow[] = [...SOCKS, type("ptr_"), type("ptr_", TRUSTED)];
const BTF: readonly TypeRow[] = [type("ptr_"), type("ptr_", TRUSTED), type("ptr_", RCU)];
const PERCPU_BTF: readonly TypeRow[] = [
  type("ptr_", PERCPU),
  type("ptr_", PERCPU | RCU),
  type("ptr_", PERCPU | TRUSTED),
];

const ROWS: Readonly<Record<ArgKind, ArgRow | undefined>> = {
  dontcare: undefined,
  anything: undefined,
  ctx: row([type("ctx")]),
  ctx_or_null: row([type("ctx")], "nullable"),
  const_map_ptr: row([type("map_ptr")]),
  map_key: row(MEM),
  map_value: row(MEM),
  map_value_or_null: row(MEM, "nullable"),
  uninit_map_value: row(MEM),
  mem: row(MEM, "reads"),
  mem_or_null: row(MEM, "reads", "nullable"),
  uninit_mem: row(MEM),
  inout_mem: row(MEM),
  inout_mem_or_null: row(MEM, "nullable"),
  fixed_mem: row(MEM),
  const_size: row([type("scalar")]),
  const_size_or_zero: row([type("scalar")]),
  const_alloc_size_or_zero: row([type("scalar")]),
  const_str: row([type("map_value")]),
  func: row([type("func")]),
  stack_or_null: row([type("fp")], "nullable"),
  timer: row([type("map_value")]),
  spin_lock: row([type("map_value"), type("ptr_", ALLOC)]),
  kptr: row([type("map_value"), type("ptr_", ALLOC)]),
  kptr_or_null: row(BTF, "nullable"),
  ringbuf_mem: row([type("mem", RINGBUF)]),
  sock_common: row(SOCKS),
  btf_id_sock_common: row(BTF_SOCKS),
  btf_id_sock_common_or_null: row(BTF_SOCKS, "nullable"),
  socket_or_null: row([type("sock")], "nullable"),
  percpu_btf_id: row(PERCPU_BTF),
  btf_id: row(BTF),
  dynptr: row([type("fp"), type("dynptr_ptr")]),
};

/** Whether an argument of this kind is looked at by type at all. */
export function hasType(kind: ArgKind): boolean {
  return ROWS[kind] !== undefined;
}

/** Any memory will do. */
export function isMemory(kind: ArgKind): boolean {
  return ROWS[kind]?.types === MEM;
}

/** Null instead of a pointer is fine. */
export function isNullable(kind: ArgKind): boolean {
  return ROWS[kind]?.nullable === true;
}

function fits(types: readonly TypeRow[], kind: RegKind, flags: number): boolean {
  for (const type of types) if (type.kind === kind && type.flags === flags) return true;
  return false;
}

export function checkArgType(env: Env, regno: number, kind: ArgKind, nullable: boolean): void {
  const r = ROWS[kind];
  const reg = env.regs[regno] as RegState;
  if (r === undefined) return;
  let flags = reg.flags & QUALIFIERS;
  if (nullable) flags &= ~MAYBE_NULL;
  if (r.reads) flags &= ~RDONLY;
  // objects of the program's own can be given away
  if (kind === "kptr_or_null" && reg.is(ALLOC)) flags &= ~(ALLOC | PERCPU);
  if (!fits(r.types, reg.kind, flags))
    env.reject("EACCES", `R${regno} type=${regTypeStr(reg)} expected=${r.expected}`);
}
