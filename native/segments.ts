// Named segments as pins need them: found by name in a directory of the user's own, filled before anyone
// can see them. Knows nothing of what a segment holds.
import { lstatSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { BpfError, errnoName } from "../src/spec/errors.ts";
import type { Addon, Mapping, Segment } from "./binding.ts";

export interface AttachOptions {
  readonly path: string;
  readonly view: Uint8Array;
  /** where in the view; page-aligned */
  readonly off: number;
  /** a multiple of the page size */
  readonly size: number;
  /** the world's stop word, raised with `value` when the segment is truncated */
  readonly stop: { off: number; value?: number };
  /** Fills a new segment, in place at `off`; zeros before. Called again if another process was first but went. */
  readonly init: () => void;
}

/** Maps the segment of that name; makes it, when there is none. */
export function attachSegment(addon: Addon, o: AttachOptions): { mapping: Mapping; created: boolean } {
  for (let attempt = 0; attempt < 16; attempt++) {
    const found = openIfThere(addon, o);
    if (found !== undefined) return { mapping: mapAndClose(addon, o, found), created: false };
    const made = createUnlessThere(addon, o);
    if (made !== undefined) return { mapping: made, created: true };
  }
  throw new BpfError("EBUSY", `segment ${o.path} appears and disappears`);
}

/** The user's directory for segments, made if need be; refuses one that others could write to. */
export function segmentDirectory(path = `/dev/shm/softirq-${process.geteuid?.() ?? 0}`): string {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (cause) {
    const code = errnoName((cause as NodeJS.ErrnoException).errno ?? 0) ?? "EIO";
    if (code !== "EEXIST") throw new BpfError(code, `create ${path}`, { cause });
  }
  const st = lstatSync(path);
  if (!st.isDirectory()) throw new BpfError("ENOTDIR", `${path} is not a directory`);
  if (st.uid !== process.geteuid?.()) throw new BpfError("EPERM", `${path} belongs to another user`);
  if ((st.mode & 0o077) !== 0) throw new BpfError("EPERM", `${path} is open to other users`);
  return path;
}

function openIfThere(addon: Addon, { path, size }: AttachOptions): Segment | undefined {
  try {
    return addon.openSegment(path, size);
  } catch (e) {
    if (e instanceof BpfError && e.code === "ENOENT") return undefined;
    throw named(path, e);
  }
}

/** Undefined where another process was first. */
function createUnlessThere(addon: Addon, o: AttachOptions): Mapping | undefined {
  const segment = addon.createSegment(dirname(o.path), o.size);
  let mapping: Mapping | undefined;
  try {
    mapping = addon.map(o.view, o.off, segment, o.stop);
    o.init();
    segment.publish(o.path);
    return mapping;
  } catch (e) {
    mapping?.unmap();
    if (e instanceof BpfError && e.code === "EEXIST") return undefined;
    throw named(o.path, e);
  } finally {
    segment.close();
  }
}

function mapAndClose(addon: Addon, o: AttachOptions, segment: Segment): Mapping {
  try {
    return addon.map(o.view, o.off, segment, o.stop);
  } catch (e) {
    throw named(o.path, e);
  } finally {
    segment.close();
  }
}

function named(path: string, cause: unknown): unknown {
  return cause instanceof BpfError
    ? new BpfError(cause.code, `segment ${path}: ${cause.message}`, { cause })
    : cause;
}
