// Random programs on __sk_buff: calls of the helpers that look at packets and change them, with arguments that are mostly
// plausible and sometimes not, writes of the context, direct access and legacy loads. Whatever a call gives is mixed into
// r9, and at the end the context tells what became of the packet. Straight lines, so that every program verifies.
import { assemble } from "../../src/isa/asm.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import type { ProgTypeName } from "../../src/spec/prog_types.ts";
import type { Prog } from "../../src/verifier/proof.ts";
import { Rng } from "./random_builder.ts";

/** Lines of a program; r6 is the context, r9 the sum of all results. */
type Op = (rng: Rng, label: () => string) => readonly string[];

const EDGES = [0, 1, 2, 13, 14, 18, 20, 34, 40, 54, 60, 64, 0xffff, 0x10000, 0x7fffffff, -1] as const;

/** An offset or length: within a small packet, rarely at an edge. */
function near(rng: Rng, most = 70): number {
  return rng.chance(88) ? rng.below(most) : rng.pick(EDGES);
}

function flags(rng: Rng, ...known: readonly number[]): number {
  const some = known.reduce((sum, flag) => (rng.chance(35) ? sum | flag : sum), 0);
  return rng.chance(5) ? rng.u32() | 0 : some;
}

const MIX = ["r9 *= 31", "r9 += r0"];

function call(name: string, ...args: readonly string[]): string[] {
  return ["r1 = r6", ...args.map((arg, i) => `r${i + 2} = ${arg}`), `call bpf_${name}`, ...MIX];
}

/** Bytes on the stack for a helper to read. */
function bytes(rng: Rng, len: number): string[] {
  const words = Math.ceil(len / 8);
  return Array.from({ length: words }, (_, i) => [
    `r1 = ${rng.u32()} ll`,
    `*(u64 *)(r10 -${64 - i * 8}) = r1`,
  ]).flat();
}

const ON_STACK = ["r3 = r10", "r3 += -64"];

/** What a helper has left on the stack. */
function mixBytes(len: number): string[] {
  return Array.from({ length: len }, (_, i) => [
    `r1 = *(u8 *)(r10 -${64 - i})`,
    "r9 *= 31",
    "r9 += r1",
  ]).flat();
}

const READ_WORDS = ["r9 *= 31", "r9 += r1"];

const loadBytes: Op = (rng) => {
  const len = rng.pick([1, 2, 4, 6, 8]);
  return [
    "r1 = r6",
    `r2 = ${near(rng)}`,
    ...ON_STACK,
    `r4 = ${len}`,
    "call bpf_skb_load_bytes",
    ...MIX,
    ...mixBytes(len),
  ];
};

const loadRelative: Op = (rng) => {
  const len = rng.pick([1, 2, 4, 8]);
  return [
    "r1 = r6",
    `r2 = ${near(rng)}`,
    ...ON_STACK,
    `r4 = ${len}`,
    `r5 = ${rng.chance(92) ? rng.below(2) : rng.pick([2, -1])}`,
    "call bpf_skb_load_bytes_relative",
    ...MIX,
    ...mixBytes(len),
  ];
};

const storeBytes: Op = (rng) => {
  const len = rng.pick([1, 2, 4, 6, 8, 20]);
  return [
    ...bytes(rng, len),
    "r1 = r6",
    `r2 = ${near(rng)}`,
    ...ON_STACK,
    `r4 = ${len}`,
    `r5 = ${flags(rng, 1, 2)}`,
    "call bpf_skb_store_bytes",
    ...MIX,
  ];
};

const word = (rng: Rng): string =>
  rng.chance(20) ? "0" : rng.chance(30) ? `${rng.below(0x10000)}` : `${rng.u32()} ll`;

const csumReplace =
  (layer: 3 | 4): Op =>
  (rng) => {
    const field = rng.pick([0, 2, 4, 4, 2, 3]);
    const from = field === 0 && rng.chance(80) ? "0" : word(rng);
    const more = layer === 4 ? flags(rng, 16, 32, 64, 128) : 0;
    return call(
      `l${layer}_csum_replace`,
      `${near(rng, 35) & ~(rng.chance(90) ? 1 : 0)}`,
      from,
      word(rng),
      `${field | more}`,
    );
  };

const ROOMS = [20, -20, 28, -28, 8, -8, 36, 4, -4, 40, -40, 50, -1, 1] as const;

const adjustRoom: Op = (rng) =>
  call(
    "skb_adjust_room",
    `${rng.chance(90) ? rng.pick(ROOMS) : rng.pick([0xfff, 0x1000, -0xfff, -0x1000])}`,
    `${rng.chance(95) ? rng.below(2) : 2}`,
    rng.chance(15)
      ? `${(BigInt(rng.pick([14, 13, 8, 60])) << 56n) | BigInt(rng.pick([0x42, 0x44, 2]))} ll`
      : `${flags(rng, 1, 2, 4, 8, 16, 32, 128, 256)}`,
  );

const PROTOCOLS = [0x0008, 0xdd86, 0x0008, 0xdd86, 0x0081, 0] as const;
const TAGS = [0x0081, 0xa888, 0x0008] as const;

const setTunnelKey: Op = (rng) => [
  ...bytes(rng, 48),
  // neither label nor flags, most of the time: those are bytes 22 to 27
  ...(rng.chance(80) ? ["r1 = 0", "*(u16 *)(r10 -42) = r1", "*(u32 *)(r10 -40) = r1"] : []),
  "r1 = r6",
  "r2 = r10",
  "r2 += -64",
  `r3 = ${rng.pick([44, 44, 44, 28, 24, 22, 8, 12])}`,
  `r4 = ${flags(rng, 1, 2, 4, 8, 16)}`,
  "call bpf_skb_set_tunnel_key",
  ...MIX,
];

const getTunnelKey: Op = (rng) => {
  const size = rng.pick([44, 44, 44, 28, 24, 22, 8, 12]);
  return [
    "r1 = r6",
    "r2 = r10",
    "r2 += -64",
    `r3 = ${size}`,
    `r4 = ${flags(rng, 1, 16)}`,
    "call bpf_skb_get_tunnel_key",
    ...MIX,
    ...mixBytes(size),
  ];
};

const tunnelOpt =
  (verb: "get" | "set"): Op =>
  (rng) => {
    const size = rng.pick([4, 8, 12, 3]);
    return [
      ...bytes(rng, 16),
      "r1 = r6",
      "r2 = r10",
      "r2 += -64",
      `r3 = ${size}`,
      `call bpf_skb_${verb}_tunnel_opt`,
      ...MIX,
      ...mixBytes(size),
    ];
  };

/** Writable fields of tc, by offset, with their widths. */
const WRITABLE = [8, 12, 32, 44, 48, 52, 56, 60, 64, 72] as const;
const READABLE = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 64, 72, 84, 160, 164, 176] as const;

const writeCtx: Op = (rng) => {
  const off = rng.pick(WRITABLE);
  const value = rng.pick([rng.u32(), rng.below(0x10000), 0xffff, 0xfffe, 0x10000]);
  if (rng.chance(30)) return [`*(u32 *)(r6 +${off}) = ${value | 0}`];
  return [`r1 = ${value} ll`, `*(u32 *)(r6 +${off}) = r1`];
};

const readCtx: Op = (rng) => {
  const off = rng.pick(READABLE);
  const size = rng.pick([1, 2, 4]);
  return [`r1 = *(u${size * 8} *)(r6 +${off + rng.below(4 / size) * size})`, ...READ_WORDS];
};

const direct: Op = (rng, label) => {
  const off = rng.below(64);
  const size = rng.pick([1, 2, 4, 8]);
  const out = label();
  return [
    "r2 = *(u32 *)(r6 +76)",
    "r3 = *(u32 *)(r6 +80)",
    "r4 = r2",
    `r4 += ${off + size}`,
    `if r4 > r3 goto ${out}`,
    `r1 = *(u${size * 8} *)(r2 +${off})`,
    ...READ_WORDS,
    ...(rng.chance(40) ? [`*(u${size * 8} *)(r2 +${off}) = r9`] : []),
    `${out}:`,
  ];
};

/** Ends the program where the packet is too short, so only now and then with a bold offset. */
const ldAbs: Op = (rng) => {
  const base = rng.pick([0, 0, -0x100000, -0x200000]);
  const size = rng.pick([8, 16, 32]);
  const off = base + (rng.chance(90) ? rng.below(14) : near(rng));
  if (rng.chance(60)) return [`r0 = *(u${size} *)skb[${off}]`, ...MIX];
  return [`r7 = ${off - 5}`, `r0 = *(u${size} *)skb[r7 + 5]`, ...MIX];
};

const vlanPush: Op = (rng) => call("skb_vlan_push", `${rng.pick(TAGS)}`, `${rng.below(0x20000)}`);

// biome-ignore format: table
const LOOKS: readonly (readonly [weight: number, op: Op])[] = [
  [6, loadBytes], [6, loadRelative], [3, readCtx], [2, ldAbs],
];

// biome-ignore format: table
const TC_OPS: readonly (readonly [weight: number, op: Op])[] = [
  ...LOOKS,
  [6, storeBytes], [4, csumReplace(3)], [5, csumReplace(4)], [6, direct], [5, writeCtx],
  [1, (rng) => call("csum_update", word(rng))],
  [3, (rng) => call("csum_level", `${rng.below(5)}`)],
  [5, vlanPush],
  [5, () => call("skb_vlan_pop")],
  [5, (rng) => call("skb_change_proto", `${rng.pick(PROTOCOLS)}`, `${rng.chance(95) ? 0 : 1}`)],
  [2, (rng) => call("skb_change_type", `${rng.below(6)}`)],
  [4, (rng) => call("skb_change_tail", `${rng.chance(90) ? rng.between(64, 200) : rng.pick([16064, 16065, 4000, 20])}`, `${rng.chance(95) ? 0 : 1}`)],
  [4, (rng) => call("skb_change_head", `${rng.chance(90) ? rng.below(60) : rng.pick([16000, 16064, -1])}`, `${rng.chance(95) ? 0 : 1}`)],
  [3, (rng) => call("skb_pull_data", `${near(rng, 100)}`)],
  [9, adjustRoom],
  [2, (rng) => [...call("set_hash", `${rng.u32() | 0}`), "r1 = *(u32 *)(r6 +68)", ...READ_WORDS]],
  [2, () => [...call("set_hash_invalid"), "r1 = *(u32 *)(r6 +68)", ...READ_WORDS]],
  [3, setTunnelKey], [3, getTunnelKey], [1, tunnelOpt("get")], [2, tunnelOpt("set")],
  [4, () => call("skb_ecn_set_ce")],
  [2, (rng) => [...call("skb_set_tstamp", word(rng), `${rng.below(4)}`), "r1 = *(u64 *)(r6 +152)", ...READ_WORDS, "r1 = *(u8 *)(r6 +180)", ...READ_WORDS]],
  [1, () => call("get_route_realm")],
  [1, () => call("get_socket_uid")],
];

// biome-ignore format: table
const LWT_XMIT_OPS: readonly (readonly [weight: number, op: Op])[] = [
  [6, loadBytes], [3, readCtxOf([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 64, 84, 164, 176])],
  [6, storeBytes], [4, csumReplace(3)], [5, csumReplace(4)], [6, direct],
  [3, (rng) => call("csum_level", `${rng.below(5)}`)],
  [4, (rng) => call("skb_change_tail", `${rng.below(200)}`, "0")],
  [4, (rng) => call("skb_change_head", `${rng.below(60)}`, "0")],
  [3, (rng) => call("skb_pull_data", `${near(rng, 100)}`)],
  [3, setTunnelKey], [3, getTunnelKey], [1, tunnelOpt("get")], [2, tunnelOpt("set")],
  [1, () => call("set_hash_invalid")],
];

function readCtxOf(offs: readonly number[]): Op {
  return (rng) => [`r1 = *(u32 *)(r6 +${rng.pick(offs)})`, ...READ_WORDS];
}

const OF_SOCKET = [0, 4, 8, 16, 48, 88, 92, 96, 100, 104, 108, 112, 116, 120, 124, 128, 132, 136] as const;

// biome-ignore format: table
const OPS: Partial<Record<ProgTypeName, readonly (readonly [weight: number, op: Op])[]>> = {
  sched_cls: TC_OPS,
  sched_act: TC_OPS,
  socket_filter: LOOKS.map(([weight, op]) => [weight, op === readCtx ? readCtxOf([0, 4, 8, 16, 32, 40, 48]) : op]),
  cgroup_skb: [[5, loadBytes], [5, loadRelative], [6, readCtxOf(OF_SOCKET)], [3, () => call("skb_ecn_set_ce")], [5, readOnly()]],
  lwt_xmit: LWT_XMIT_OPS,
};

/** Direct access of programs that may not write packets. */
function readOnly(): Op {
  return (rng, label) => direct(rng, label).filter((line) => !line.endsWith("= r9"));
}

export const RANDOM_SKB_TYPES = Object.keys(OPS) as ProgTypeName[];

function pickOp(rng: Rng, ops: readonly (readonly [number, Op])[]): Op {
  let at = rng.below(ops.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, op] of ops) {
    if (at < weight) return op;
    at -= weight;
  }
  throw new Error("no operation");
}

/** What the program has done, where the caller of a test run sees it: mark, priority, cb. */
function tell(type: ProgTypeName): string[] {
  const to = (off: number, from: number) => [`r1 = *(u32 *)(r6 +${from})`, `*(u32 *)(r6 +${off}) = r1`];
  const sum = ["*(u32 *)(r6 +64) = r9", "r9 >>= 32", "*(u32 *)(r6 +60) = r9"];
  if (type !== "sched_cls" && type !== "sched_act")
    return [...sum, ...to(48, 0), ...to(52, 16), ...to(56, 4)];
  return [...sum, ...to(48, 0), ...to(52, 16), ...to(56, 28), ...to(8, 24), ...to(32, 4)];
}

export interface RandomSkb {
  readonly type: ProgTypeName;
  readonly text: string;
  readonly prog: Prog;
}

export function randomSkb(seed: number, type: ProgTypeName): RandomSkb {
  const rng = new Rng(seed);
  const ops = OPS[type];
  if (ops === undefined) throw new Error(`no random programs of type ${type}`);
  let labels = 0;
  const label = () => `l${labels++}`;
  const lines = ["r6 = r1", "r9 = 0"];
  for (let i = rng.between(1, 12); i > 0; i--) lines.push(...pickOp(rng, ops)(rng, label));
  lines.push(...tell(type), type === "cgroup_skb" ? "r0 = 1" : `r0 = ${rng.between(0, 9)}`, "exit");
  const text = lines.join("\n");
  const insns = assemble(text, { helperId: (name) => helperByName(name.replace(/^bpf_/, ""))?.id });
  const prog: Prog = {
    name: "random",
    type,
    flags: [],
    gplCompatible: true,
    insns,
    maps: [],
    subprogs: [],
    lines: [],
    funcs: [],
  };
  return { type, text, prog };
}

/** Headers up to and with the network's, as on the wire; the rest is random. */
const HEADS: readonly (readonly number[])[] = [
  [0x08, 0x00, 0x45],
  [0x08, 0x00, 0x46],
  [0x86, 0xdd, 0x60],
  [0x81, 0x00, 0x01, 0x23, 0x08, 0x00, 0x45],
  [0x88, 0xa8, 0x20, 0x01, 0x81, 0x00, 0x00, 0x02, 0x86, 0xdd, 0x60],
  [0x81, 0x00, 0xff, 0xff],
  [0x81, 0x00, 0x00, 0x05, 0x00, 0x26, 0xff, 0xff],
  [0x08, 0x06, 0x00],
  [0x00, 0x26, 0x42],
  [0x00, 0x26, 0xff, 0xff],
];

const SHORT = [14, 15, 18, 33, 34, 38, 54, 60, 64] as const;
const LONG = [84, 98, 150] as const;

/**
 * Frames for a program. Room in a header that is cut off brings in bytes from behind the packet, which in Linux are
 * whatever was there: programs that make room get whole headers.
 */
export function randomFrames(rng: Rng, { text }: RandomSkb, count: number): Uint8Array[] {
  const lengths = /adjust_room|change_proto/.test(text) ? LONG : [...SHORT, ...LONG];
  return Array.from({ length: count }, () => randomFrame(rng, rng.pick(lengths)));
}

function randomFrame(rng: Rng, length: number): Uint8Array {
  const frame = Uint8Array.from({ length }, () => rng.u32() & (rng.chance(30) ? 3 : 255));
  if (rng.chance(30)) frame.fill(0, 0, 6);
  if (rng.chance(20)) frame.fill(0xff, 0, 6);
  const head = rng.pick(HEADS).slice(0, frame.length - 12);
  frame.set(head, 12);
  return frame;
}
