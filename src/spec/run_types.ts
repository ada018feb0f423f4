// How programs of each type are run over packets: what a packet is to them, where it begins, what their return values
// mean. Only types that the kernel's test run takes are here; a program of another type can be verified, not run.
import type { ProgTypeName } from "./prog_types.ts";

/** xdp_md; __sk_buff with all that is behind it; __sk_buff of a flow dissector, which fills in keys. */
export type FrameKind = "xdp" | "skb" | "flow";

/** What some return values mean. */
export interface Verdict {
  /** the constant's; absent where the value is a number of its own right */
  readonly name?: string;
  /** the packet goes on: it is among those that leave unless others are asked for */
  readonly leaves: boolean;
}

export interface VerdictRow extends Verdict {
  readonly value: number;
}

export interface RunType {
  readonly frames: FrameKind;
  /** the first byte that the program sees */
  readonly start: "link" | "network";
  readonly verdicts: readonly VerdictRow[];
  /** of a value that has no row */
  readonly other: Verdict;
  /** the return value says how many bytes are kept */
  readonly keeps?: true;
}

function row(value: number, leaves: boolean, name?: string): VerdictRow {
  return { value, leaves, ...(name === undefined ? {} : { name }) };
}

const XDP: RunType = {
  frames: "xdp",
  start: "link",
  verdicts: [
    row(0, false, "XDP_ABORTED"),
    row(1, false, "XDP_DROP"),
    row(2, true, "XDP_PASS"),
    row(3, true, "XDP_TX"),
    row(4, true, "XDP_REDIRECT"),
  ],
  other: { name: "XDP_ABORTED", leaves: false },
};

/** A code that tc does not know means that the next classifier decides. */
const TC: RunType = {
  frames: "skb",
  start: "link",
  verdicts: [
    row(-1, true, "TC_ACT_UNSPEC"),
    row(0, true, "TC_ACT_OK"),
    row(1, true, "TC_ACT_RECLASSIFY"),
    row(2, false, "TC_ACT_SHOT"),
    row(3, true, "TC_ACT_PIPE"),
    row(4, false, "TC_ACT_STOLEN"),
    row(5, false, "TC_ACT_QUEUED"),
    row(6, true, "TC_ACT_REPEAT"),
    row(7, true, "TC_ACT_REDIRECT"),
    row(8, false, "TC_ACT_TRAP"),
  ],
  other: { name: "TC_ACT_UNSPEC", leaves: true },
};

const SOCKET_FILTER: RunType = {
  frames: "skb",
  start: "network",
  verdicts: [row(0, false)],
  other: { leaves: true },
  keeps: true,
};

/** The second bit of an egress program's value is about congestion. */
const CGROUP_SKB: RunType = {
  frames: "skb",
  start: "network",
  verdicts: [row(0, false), row(1, true), row(2, false), row(3, true)],
  other: { leaves: false },
};

const LWT: RunType = {
  frames: "skb",
  start: "network",
  verdicts: [
    row(0, true, "BPF_OK"),
    row(2, false, "BPF_DROP"),
    row(7, true, "BPF_REDIRECT"),
    row(128, true, "BPF_LWT_REROUTE"),
  ],
  other: { name: "BPF_DROP", leaves: false },
};

const FLOW_DISSECTOR: RunType = {
  frames: "flow",
  start: "link",
  verdicts: [
    row(0, true, "BPF_OK"),
    row(2, false, "BPF_DROP"),
    row(129, true, "BPF_FLOW_DISSECTOR_CONTINUE"),
  ],
  other: { name: "BPF_DROP", leaves: false },
};

export const RUN_TYPES: Partial<Record<ProgTypeName, RunType>> = {
  xdp: XDP,
  sched_cls: TC,
  sched_act: TC,
  socket_filter: SOCKET_FILTER,
  cgroup_skb: CGROUP_SKB,
  lwt_in: LWT,
  lwt_out: LWT,
  lwt_xmit: LWT,
  flow_dissector: FLOW_DISSECTOR,
};

/** Number of the counter of a return value, unsigned 32 bits; those without a row share the last. */
export function verdictClass({ verdicts }: RunType, retval: number): number {
  const found = verdicts.findIndex(({ value }) => value >>> 0 === retval);
  return found < 0 ? verdicts.length : found;
}

/** Every class in order. */
export function verdictClasses({ verdicts, other }: RunType): readonly Verdict[] {
  return [...verdicts, other];
}
