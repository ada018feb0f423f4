// The words by which a CPU's walker is told what to walk and where to write, and what it counted. Written before a
// walk by whoever starts it; what they mean is in runtime/memory/layout.ts.
import {
  CPU_STAT_BYTES,
  CPU_STAT_ERRORS,
  CPU_STAT_PACKETS,
  CPU_STAT_VERDICTS,
  CPU_WALK_COUNT,
  CPU_WALK_FRAMES,
  CPU_WALK_OUT,
  CPU_WALK_OUT_MASK,
  CPU_WALK_OUT_POS,
  CPU_WALK_OUT_SIZE,
  CPU_WALK_POS,
  CPU_WALK_ROUND,
  CPU_WALK_ROUNDS,
  CPU_WALK_ROUND_NS,
  CPU_WALK_ROWS,
  CPU_WALK_ROWS_CAP,
  CPU_WALK_ROWS_POS,
  CPU_WALK_TS_OFFSET,
} from "../memory/layout.ts";

/** Frames to be walked from the first one on: so many rounds, each `roundNs` after the last. */
export interface WalkFrames {
  /** address of the first descriptor */
  readonly frames: number;
  readonly count: number;
  readonly rounds: number;
  readonly roundNs: bigint;
  readonly tsOffset: bigint;
}

export function setWalkFrames(view: DataView, cpu: number, walk: WalkFrames): void {
  view.setUint32(cpu + CPU_WALK_FRAMES, walk.frames, true);
  view.setUint32(cpu + CPU_WALK_COUNT, walk.count, true);
  view.setUint32(cpu + CPU_WALK_POS, 0, true);
  view.setUint32(cpu + CPU_WALK_ROUND, 0, true);
  view.setUint32(cpu + CPU_WALK_ROUNDS, walk.rounds, true);
  view.setBigUint64(cpu + CPU_WALK_ROUND_NS, walk.roundNs, true);
  view.setBigUint64(cpu + CPU_WALK_TS_OFFSET, walk.tsOffset, true);
}

/** Empty buffers for rows and for frames that left. */
export interface WalkBuffers {
  readonly rows: number;
  readonly rowsCap: number;
  readonly out: number;
  readonly outSize: number;
  /** bit n: frames of verdict class n */
  readonly outMask: number;
}

export function setWalkBuffers(view: DataView, cpu: number, buffers: WalkBuffers): void {
  view.setUint32(cpu + CPU_WALK_ROWS, buffers.rows, true);
  view.setUint32(cpu + CPU_WALK_ROWS_CAP, buffers.rowsCap, true);
  view.setUint32(cpu + CPU_WALK_ROWS_POS, 0, true);
  view.setUint32(cpu + CPU_WALK_OUT, buffers.out, true);
  view.setUint32(cpu + CPU_WALK_OUT_SIZE, buffers.outSize, true);
  view.setUint32(cpu + CPU_WALK_OUT_POS, 0, true);
  view.setUint32(cpu + CPU_WALK_OUT_MASK, buffers.outMask, true);
}

/** What was counted; `read` gives the counter at an offset in the CPU block, of one CPU or of all together. */
export function walkStats(
  classes: number,
  read: (off: number) => bigint,
): {
  packets: number;
  errors: number;
  bytes: bigint;
  verdicts: number[];
} {
  return {
    packets: Number(read(CPU_STAT_PACKETS)),
    errors: Number(read(CPU_STAT_ERRORS)),
    bytes: read(CPU_STAT_BYTES),
    verdicts: Array.from({ length: classes }, (_, n) => Number(read(CPU_STAT_VERDICTS + n * 8))),
  };
}
