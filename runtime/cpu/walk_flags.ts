// What the walker must do for a program and for what is asked for: decided once for a run, from what verification found.
import { HELPERS, helperByName } from "../../src/spec/helpers.ts";
import { RUN_TYPES, type RunType } from "../../src/spec/run_types.ts";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { BpfError } from "../../src/spec/errors.ts";
import {
  SKB_DATA_META,
  SKB_FAMILY,
  SKB_SK,
  WALK_CLOCK,
  WALK_COPY,
  WALK_CRC,
  WALK_EVENTS,
  WALK_FRESH,
  WALK_HEADROOM,
  WALK_KEPT,
  WALK_NETWORK,
  WALK_OUT,
  WALK_OUT_NS,
  WALK_ROWS,
  WALK_SOCKET,
} from "../memory/layout.ts";

/** How a program is run over packets. Throws where its type is only verified. */
export function runTypeOf({ prog }: Pick<VerifiedProg, "prog">): RunType {
  const run = RUN_TYPES[prog.type];
  if (run === undefined) throw notRun(prog);
  return run;
}

export function notRun({ name, type }: { readonly name: string; readonly type: string }): BpfError {
  return new BpfError(
    "EOPNOTSUPP",
    `program '${name}': programs of type ${type} can be verified here, but not run: they take no packets`,
  );
}

/** Helpers with a context that change nothing of it but what the walker sets for every packet. */
const LEAVE_CTX: ReadonlySet<string> = new Set([
  "tail_call",
  "perf_event_output",
  "skb_load_bytes",
  "skb_load_bytes_relative",
  "get_socket_cookie",
  "get_socket_uid",
  "get_netns_cookie",
  "get_cgroup_classid",
  "get_route_realm",
  "skb_cgroup_id",
  "skb_cgroup_classid",
  "skb_ancestor_cgroup_id",
]);

/** Does it change the context, or might a program that it jumps to? */
function changesCtx({ aux, facts }: VerifiedProg): boolean {
  if (facts.usesTailCall) return true;
  if (aux.some((a) => a?.access?.write === true && a.access.kinds.includes("ctx"))) return true;
  return facts.helpers.some((id) => {
    const row = HELPERS[id];
    if (row?.name === "dynptr_write") return true; // as skb_store_bytes: the hash may go
    return row?.proto?.args.includes("ctx") === true && !LEAVE_CTX.has(row.name);
  });
}

/** Does it look at the packet's socket? */
function looksAtSocket({ prog, aux, facts }: VerifiedProg): boolean {
  if (facts.usesTailCall) return true;
  return prog.insns.some((insn) => {
    if (insn?.kind !== "ldx" || aux[insn.pc]?.access?.kinds.includes("ctx") !== true) return false;
    return (insn.off >= SKB_FAMILY && insn.off < SKB_DATA_META) || insn.off === SKB_SK;
  });
}

function skbFlags(verified: VerifiedProg, run: RunType): number {
  if (run.frames !== "skb") return 0;
  return (
    (run.start === "network" ? WALK_NETWORK : 0) |
    (changesCtx(verified) ? WALK_FRESH : 0) |
    (looksAtSocket(verified) ? WALK_SOCKET : 0)
  );
}

/** What the program's frames need, whatever it does to them. */
export function safestFlags(verified: VerifiedProg): number {
  const run = runTypeOf(verified);
  if (run.frames !== "skb") return WALK_COPY | WALK_HEADROOM;
  return WALK_COPY | WALK_HEADROOM | WALK_FRESH | WALK_SOCKET | (run.start === "network" ? WALK_NETWORK : 0);
}

/** Helpers that send something to user space. */
const SENDS: ReadonlySet<number> = new Set(
  [
    "trace_printk",
    "trace_vprintk",
    "perf_event_output",
    "ringbuf_output",
    "ringbuf_reserve",
    "ringbuf_reserve_dynptr",
  ].flatMap((name) => helperByName(name)?.id ?? []),
);
const sendsEvents = (helpers: readonly number[]) => helpers.some((id) => SENDS.has(id));

/** What is asked for: rows, frames that left, how they are written; on the real clock somebody else keeps the time. */
export interface WalkWishes {
  readonly onPacket?: unknown;
  readonly onFrames?: unknown;
  readonly outNanoseconds?: boolean;
  readonly outWhole?: boolean;
  readonly pace?: unknown;
}

export function walkFlags(
  verified: VerifiedProg,
  { onPacket, onFrames, outNanoseconds, outWhole, pace }: WalkWishes,
): number {
  const run = runTypeOf(verified);
  const { facts } = verified;
  const rewrites = facts.writesPkt || facts.resizesPkt || facts.usesTailCall;
  const out = WALK_OUT | (outNanoseconds === true ? WALK_OUT_NS : 0);
  const kept = run.keeps === true && outWhole !== true ? WALK_KEPT : 0;
  return (
    (pace === undefined ? WALK_CLOCK : 0) |
    (rewrites ? WALK_COPY : 0) |
    (facts.resizesPkt || facts.usesTailCall ? WALK_HEADROOM : 0) |
    skbFlags(verified, run) |
    (onPacket === undefined ? 0 : WALK_ROWS | WALK_CRC) |
    (onFrames === undefined ? 0 : out | kept) |
    (sendsEvents(facts.helpers) || facts.usesTailCall ? WALK_EVENTS : 0)
  );
}
