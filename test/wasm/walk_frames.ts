// Frame descriptors for the walker, and one call of it on CPU 0.
import * as L from "../../runtime/memory/layout.ts";
import type { TestWorld } from "./world.ts";

export function walkFrames(
  world: TestWorld,
  frames: readonly { at: number; len: number; ts?: bigint; cpu?: number; errno?: number }[],
  flags: number,
  budget = 1000,
): number {
  const descs = world.alloc(Math.max(frames.length, 1) * L.FRAME_DESC_SIZE);
  const { view } = world;
  for (const [i, f] of frames.entries()) {
    const d = descs + i * L.FRAME_DESC_SIZE;
    view.setUint32(d + L.FRAME_ADDR, f.at, true);
    view.setUint32(d + L.FRAME_LEN, f.len, true);
    view.setBigUint64(d + L.FRAME_TS, f.ts ?? 0n, true);
    view.setUint32(d + L.FRAME_ORIG_LEN, f.len, true);
    view.setUint32(d + L.FRAME_CPU, f.cpu ?? 0, true);
    view.setUint32(d + L.FRAME_ERRNO, f.errno ?? 0, true);
  }
  const cpu = world.cpuBlock(0);
  view.setUint32(cpu + L.CPU_WALK_FRAMES, descs, true);
  view.setUint32(cpu + L.CPU_WALK_COUNT, frames.length, true);
  view.setUint32(cpu + L.CPU_WALK_POS, 0, true);
  return world.lib.walk(cpu, flags, budget);
}
