// What a packet's context says besides the packet: the fields a caller may set, and what the kernel's test run
// supplies where nothing is said.
import { BpfError } from "../../src/spec/errors.ts";
import { RUN_CTX, type RunCtxField } from "../../src/spec/run_ctx.ts";
import { type FrameKind, type RunType, verdictClass } from "../../src/spec/run_types.ts";
import {
  CPU_CTX,
  CPU_FLOW_FLAGS,
  CPU_SKB_TEMPLATE,
  CPU_VERDICT_CLASS,
  SKB_GSO_SIZE,
} from "../memory/layout.ts";
import type { World } from "../memory/world.ts";

export type CtxFields = Readonly<Record<string, number | bigint>>;

/** Each field of the context with what is to be in it. Throws on a field it does not have, or a number that does not fit. */
export function ctxValues(
  frames: FrameKind,
  fields: CtxFields,
): readonly (readonly [field: RunCtxField, value: bigint])[] {
  const rows = RUN_CTX[frames];
  for (const name of Object.keys(fields)) {
    if (!rows.some((row) => row.name === name)) {
      throw new BpfError(
        "EINVAL",
        `the context has no field '${name}' to set; there are: ${rows.map((row) => row.name).join(", ")}`,
      );
    }
  }
  return rows.map((row) => [row, valueOf(row, fields[row.name] ?? row.value)] as const);
}

function valueOf({ name, size, max, value: supplied }: RunCtxField, given: number | bigint): bigint {
  const value = BigInt(given);
  const most = max === undefined ? (1n << BigInt(size * 8)) - 1n : BigInt(max);
  if (value < 0n || value > most)
    throw new BpfError("EINVAL", `the context's field '${name}' is from 0 to ${most}, not ${value}`);
  return value === 0n && name === "ifindex" ? BigInt(supplied) : value;
}

/** Where a field lies in a CPU block before a packet comes. */
function placeOf(frames: FrameKind, off: number): number {
  if (frames === "flow") return CPU_FLOW_FLAGS;
  return frames === "xdp" ? CPU_CTX + off : CPU_SKB_TEMPLATE + off;
}

/** Sets the context of every CPU, and what return values of such programs count as. */
export function setCtx(world: World, run: RunType, fields: CtxFields): void {
  const { frames } = run;
  const values = ctxValues(frames, fields);
  const { view, bytes } = world;
  // the walker of XDP knows its verdicts
  const classes = frames === "xdp" ? undefined : classTable(run);
  for (let i = 0; i < world.ncpus; i++) {
    const cpu = world.cpu(i);
    for (const [{ off, size }, value] of values) {
      const at = cpu + placeOf(frames, off);
      if (size === 8) view.setBigUint64(at, value, true);
      else view.setUint32(at, Number(value), true);
    }
    if (frames === "skb") view.setUint16(cpu + CPU_SKB_TEMPLATE + SKB_GSO_SIZE + 2, 0, true); // 16 bits are kept
    if (classes !== undefined) bytes.set(classes, cpu + CPU_VERDICT_CLASS);
  }
}

/** Return values from -1 on; the last stands for all larger ones. */
function classTable(run: RunType): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, n) => verdictClass(run, (n - 1) >>> 0));
}
