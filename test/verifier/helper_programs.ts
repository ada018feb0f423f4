// Helper calls for the recorder and its test: who may call what, and what each argument may be. A call with arguments
// that fit, then the same with one argument after the other taken by values of every other kind.
import { type ArgKind, argKind, helperByName, type HelperProto, HELPERS } from "../../src/spec/helpers.ts";
import type { AttachTypeName, ProgTypeName } from "../../src/spec/prog_types.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { SLEEPABLE, VARIANTS } from "./ctx_programs.ts";
import { assembleFor } from "./kernel_maps.ts";

export interface Caller {
  readonly type: ProgTypeName;
  readonly attach?: AttachTypeName;
  readonly flags?: number;
}

function key({ type, attach, flags = 0 }: Caller): string {
  return `${type} ${attach} ${flags}`;
}

/** Every type by every attach type, and what differs by sleeping. */
export const CALLERS: readonly Caller[] = [
  ...new Map(
    [
      ...VARIANTS.map(({ type, attach }): Caller => {
        const at = attach === undefined ? {} : { attach };
        return type === "syscall" ? { type, ...at, flags: SLEEPABLE } : { type, ...at };
      }),
      { type: "cgroup_sysctl", attach: "cgroup_sysctl" } as const,
      { type: "cgroup_device", attach: "cgroup_device" } as const,
      { type: "sock_ops", attach: "cgroup_sock_ops" } as const,
      { type: "kprobe", attach: "trace_kprobe_multi" } as const,
      { type: "kprobe", attach: "trace_uprobe_multi" } as const,
      { type: "kprobe", attach: "trace_uprobe_session" } as const,
      { type: "kprobe", flags: SLEEPABLE } as const,
    ].map((c) => [key(c), c]),
  ).values(),
];

/** The map a helper is made for, if it is not the array. */
const MAP_FOR: Readonly<Record<string, string>> = {
  tail_call: "prog",
  perf_event_read: "perf",
  perf_event_output: "perf",
  perf_event_read_value: "perf",
  skb_output: "perf",
  xdp_output: "perf",
  ringbuf_output: "ring",
  ringbuf_reserve: "ring",
  ringbuf_query: "ring",
  ringbuf_reserve_dynptr: "ring",
  user_ringbuf_drain: "uring",
  get_stackid: "stack",
  skb_under_cgroup: "cg",
  current_task_under_cgroup: "cg",
  redirect_map: "dev",
  sk_redirect_map: "sockmap",
  msg_redirect_map: "sockmap",
  sock_map_update: "sockmap",
  sk_redirect_hash: "sockhash",
  msg_redirect_hash: "sockhash",
  sock_hash_update: "sockhash",
  sk_select_reuseport: "reuse",
  map_push_elem: "queue",
  map_pop_elem: "queue",
  map_peek_elem: "queue",
  map_lookup_percpu_elem: "pc",
};

/** Where arguments wait until all are ready. */
function slot(regno: number): string {
  return `r10 -${200 + 8 * regno}`;
}

interface Candidate {
  /** leaves the value in r0 */
  readonly setup?: string;
  /** without a setup: how the register is filled */
  readonly load?: (regno: number) => string;
}

function lookup(map: string): string {
  return `*(u32 *)(r10 -8) = 0\nr2 = r10\nr2 += -8\nr1 = map[${map}]\ncall bpf_map_lookup_elem\n`;
}

function packet(data: string, end: string): string {
  return `r0 = *(${data})\nr3 = *(${end})\nr4 = r0\nr4 += 40\nif r4 > r3 goto out\n`;
}

const SKB_PACKET = packet("u32 *)(r6 +76", "u32 *)(r6 +80");
const PACKETS: Partial<Record<ProgTypeName, string>> = {
  xdp: packet("u32 *)(r6 +0", "u32 *)(r6 +4"),
  sched_cls: SKB_PACKET,
  cgroup_skb: SKB_PACKET,
  lwt_xmit: SKB_PACKET,
  lwt_in: SKB_PACKET,
  sk_skb: SKB_PACKET,
  flow_dissector: SKB_PACKET,
  sk_msg: packet("u64 *)(r6 +0", "u64 *)(r6 +8"),
  sk_reuseport: packet("u64 *)(r6 +0", "u64 *)(r6 +8"),
  sock_ops: packet("u64 *)(r6 +192", "u64 *)(r6 +200"),
  cgroup_sockopt: packet("u64 *)(r6 +8", "u64 *)(r6 +16"),
};

const SOCKS: Partial<Record<ProgTypeName, string>> = {
  sched_cls: "r0 = *(u64 *)(r6 +168)\nif r0 == 0 goto out\n",
  cgroup_skb: "r0 = *(u64 *)(r6 +168)\nif r0 == 0 goto out\n",
  sock_ops: "r0 = *(u64 *)(r6 +184)\nif r0 == 0 goto out\n",
  sk_lookup: "r0 = *(u64 *)(r6 +0)\nif r0 == 0 goto out\n",
  sk_reuseport: "r0 = *(u64 *)(r6 +40)\n",
  cgroup_sockopt: "r0 = *(u64 *)(r6 +0)\n",
  cgroup_sock_addr: "r0 = *(u64 *)(r6 +64)\n",
  sk_msg: "r0 = *(u64 *)(r6 +72)\n",
};

function stackAt(off: number): Candidate {
  return { load: (r) => `r${r} = r10\nr${r} += ${off}\n` };
}

function constant(value: number): Candidate {
  return { load: (r) => `r${r} = ${value}\n` };
}

/** What an argument is given; the first 64 bytes of stack are written, those below are not. */
const CANDIDATES: Readonly<Record<string, Candidate>> = {
  zero: constant(0),
  eight: constant(8),
  sixteen: constant(16),
  negative: constant(-1),
  few: { setup: "call bpf_get_prandom_u32\nr0 &= 15\n" },
  unknown: { setup: "call bpf_ktime_get_ns\n" },
  ctx: { load: (r) => `r${r} = r6\n` },
  ctx_moved: { load: (r) => `r${r} = r6\nr${r} += 4\n` },
  stack: stackAt(-64),
  stack_short: stackAt(-4),
  stack_odd: stackAt(-63),
  stack_unset: stackAt(-320),
  value: { setup: lookup("a") },
  value_or_null: { setup: lookup("h") },
  value_ro: { load: (r) => `r${r} = map[ro][0]+0 ll\n` },
  map: { load: (r) => `r${r} = map[a] ll\n` },
};

export const CANDIDATE_NAMES: readonly string[] = [...Object.keys(CANDIDATES), "pkt", "sock"];

function candidate(name: string, type: ProgTypeName): Candidate | undefined {
  const setup = name === "pkt" ? PACKETS[type] : name === "sock" ? SOCKS[type] : undefined;
  return setup === undefined ? CANDIDATES[name] : { setup };
}

/** What fits; nothing where no candidate can. */
const FITTING: Partial<Record<ArgKind, string>> = {
  dontcare: "zero",
  anything: "zero",
  ctx: "ctx",
  ctx_or_null: "ctx",
  const_map_ptr: "map",
  map_key: "stack",
  map_value: "stack",
  map_value_or_null: "stack",
  uninit_map_value: "stack_unset",
  mem: "stack",
  mem_or_null: "stack",
  uninit_mem: "stack_unset",
  inout_mem: "stack",
  inout_mem_or_null: "stack",
  fixed_mem: "stack",
  const_size: "sixteen",
  const_size_or_zero: "sixteen",
  const_alloc_size_or_zero: "sixteen",
  const_str: "value_ro",
  stack_or_null: "zero",
  sock_common: "sock",
  btf_id_sock_common: "sock",
  btf_id_sock_common_or_null: "sock",
  socket_or_null: "sock",
};

/** One letter a candidate: no argument is "". */
export function encodeArgs(args: readonly string[]): string {
  return args.map((name) => String.fromCharCode(97 + CANDIDATE_NAMES.indexOf(name))).join("");
}

export function decodeArgs(text: string): string[] {
  return [...text].map((c) => CANDIDATE_NAMES[c.charCodeAt(0) - 97] as string);
}

/** The kernel's answers to the calls of one helper by one kind of program. */
export interface Recorded {
  readonly caller: Caller;
  readonly helper: string;
  /** errno and words, and the arguments that were answered so */
  readonly answers: Record<string, string>;
}

interface HelperCase {
  readonly caller: Caller;
  readonly proto: HelperProto;
  /** a candidate for each argument */
  readonly args: readonly string[];
}

export function argCode(helper: string, type: ProgTypeName, args: readonly string[]): string {
  const protos = helperByName(helper)?.protos ?? [];
  let setups = "";
  let loads = "";
  args.forEach((name, i) => {
    const regno = i + 1;
    const c = candidate(name, type);
    if (c?.setup !== undefined) {
      setups += `${c.setup}*(u64 *)(${slot(regno)}) = r0\n`;
      loads += `r${regno} = *(u64 *)(${slot(regno)})\n`;
    } else if (name === "map" && protos.some((p) => p.args[i] === "const_map_ptr"))
      loads += `r${regno} = map[${MAP_FOR[helper] ?? "a"}] ll\n`;
    else loads += c?.load?.(regno) ?? "";
  });
  return setups + loads;
}

export function helperInsns(caller: Caller, helper: string, args: readonly string[]): Prog["insns"] {
  const zero = Array.from({ length: 8 }, (_, i) => `*(u64 *)(r10 -${8 * (i + 1)}) = 0\n`).join("");
  const source = `r6 = r1\n${zero}${argCode(helper, caller.type, args)}call bpf_${helper}\nout: r0 = 1\nexit`;
  return assembleFor(source);
}

/** Callers whose programs are tried in full: those with packets first. */
const PREFERRED: readonly ProgTypeName[] = [
  "sched_cls",
  "cgroup_skb",
  "xdp",
  "sk_msg",
  "sock_ops",
  "sk_lookup",
];

function rank({ type }: Caller): number {
  const i = PREFERRED.indexOf(type);
  return i < 0 ? PREFERRED.length : i;
}

/** Arguments that fit a helper's first prototype; undefined where there is none that could. */
export function fittingArgs(helper: string, type: ProgTypeName): readonly string[] | undefined {
  const args = helperByName(helper)?.protos[0]?.args.map((arg) => FITTING[argKind(arg)]);
  const fits = args?.every((name) => name !== undefined && candidate(name, type) !== undefined) === true;
  return fits ? (args as readonly string[]) : undefined;
}

/** Code that leaves a pointer to a packet or socket of the context in r0. */
export function pointersOf(type: ProgTypeName): readonly string[] {
  return [PACKETS[type], SOCKS[type]].filter((code) => code !== undefined);
}

/** Cases of one prototype for one caller. */
function casesOf(proto: HelperProto, caller: Caller): HelperCase[] {
  const fitting: string[] = [];
  for (const arg of proto.args) {
    const name = FITTING[argKind(arg)];
    if (name === undefined || candidate(name, caller.type) === undefined) break;
    fitting.push(name);
  }
  const cases: HelperCase[] = fitting.length === proto.args.length ? [{ caller, proto, args: fitting }] : [];
  for (let i = 0; i < Math.min(fitting.length + 1, proto.args.length); i++) {
    for (const name of CANDIDATE_NAMES) {
      if (name === fitting[i] || candidate(name, caller.type) === undefined) continue;
      cases.push({ caller, proto, args: [...fitting.slice(0, i), name, ...fitting.slice(i + 1)] });
    }
  }
  return cases;
}

/** Every prototype, tried in one kind of program. */
export function helperCases(protoFor: (id: number, caller: Caller) => HelperProto | undefined): HelperCase[] {
  const callers = CALLERS.toSorted((a, b) => rank(a) - rank(b));
  return HELPERS.flatMap((row) => {
    if (row === undefined) return [];
    return row.protos.flatMap((proto) =>
      callers
        .filter((c) => protoFor(row.id, c) === proto)
        .filter((c) => proto.effects.mightSleep !== true || c.flags === SLEEPABLE)
        .slice(0, 1)
        .flatMap((c) => casesOf(proto, c)),
    );
  });
}
