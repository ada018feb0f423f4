// The only loader of the addon, and its face in TypeScript. Gives the addon or the reason why there is none;
// never throws for its absence. Names errors; decides nothing else.
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { BpfError, errnoName } from "../src/spec/errors.ts";
import type { RawBpf } from "./bpf.ts";
import {
  type CpuLocks,
  type RawHrtimer,
  RawWaiter,
  type Spin,
  type TimerWords,
  type Waiter,
  wrapCpuLocks,
} from "./hrtimer.ts";

/** What softirq.node exports: checked values in, handles out. Errors carry `errno`. */
interface Raw extends RawBpf, RawHrtimer {
  readonly abi: number;
  clockNs(): bigint;
  stopOnSignal(view: Uint8Array, off: number, value: number, chain: boolean): number;
  stopAt(view: Uint8Array, off: number, value: number, deadlineNs: bigint): number;
  fired(stop: number): boolean;
  cancel(stop: number): boolean;
  segmentCreate(directory: string, size: number): number;
  segmentAnonymous(size: number): number;
  segmentOpen(path: string, size: number): number;
  segmentPublish(segment: number, path: string): void;
  segmentClose(segment: number): void;
  map(view: Uint8Array, off: number, segment: number, stopOff: number, value: number): number;
  faulted(mapping: number): boolean;
  unmap(mapping: number): void;
}

/** Something that raises a stop word later. */
export interface Stop {
  /** has it raised its word? */
  readonly fired: boolean;
  /** Afterwards it will not touch the memory; the answer is `fired`. Again is harmless. */
  cancel(): boolean;
}

/** Shared memory by itself. */
export interface Segment {
  readonly size: number;
  /** Gives a created segment its name; `EEXIST` where there is one. */
  publish(path: string): void;
  /** Mappings stay. Again is harmless. */
  close(): void;
}

/** A segment in the world's memory. Belongs to the thread that made it and ends with that. */
export interface Mapping {
  /** the segment was truncated under us: the stop word is raised, what is read there is zeros */
  readonly faulted: boolean;
  /** The range reads as zeros afterwards. Again is harmless. */
  unmap(): void;
}

export interface Addon extends CpuLocks {
  /** CLOCK_MONOTONIC */
  clockNs(): bigint;
  /**
   * On SIGINT stores `value` (default 1) in the u32 at `off` unless it is set already, also while JavaScript
   * or Wasm runs. `chain` (default: there are "SIGINT" listeners) calls the handler of before as well; without
   * it the first SIGINT only raises the word and a second one ends the process as before.
   */
  stopOnSignal(view: Uint8Array, off: number, options?: { value?: number; chain?: boolean }): Stop;
  /** The same at a time of `clockNs`. */
  stopAt(view: Uint8Array, off: number, deadlineNs: bigint, options?: { value?: number }): Stop;
  /** A segment of zeros in a directory of the same file system as its later path. */
  createSegment(directory: string, size: number): Segment;
  /** Nameless and sealed against truncation. */
  anonymousSegment(size: number): Segment;
  /** `ENOENT` where there is none; refuses links, other owners, other modes than 0600, other sizes. */
  openSegment(path: string, size: number): Segment;
  /** Lays the segment over the view's bytes at `off`; `view` is of a whole Wasm memory. */
  map(view: Uint8Array, off: number, segment: Segment, stop: { off: number; value?: number }): Mapping;
  /** Waits for the deadlines in these words, or publishes to who does. `spin`: "adaptive". */
  waiter(view: Uint8Array, words: TimerWords, options?: { spin?: Spin }): Waiter;
  /** The calling thread runs before all ordinary ones, or as one of them; `EPERM` where the process may not. */
  threadRealtime(realtime: boolean): void;
  /** the kernel's own BPF, for whoever may use it */
  readonly bpf: RawBpf;
}

export type LoadedAddon = { readonly addon: Addon } | { readonly addon: undefined; readonly reason: string };

const ABI = 4;
const require = createRequire(import.meta.url);

let loaded: LoadedAddon | undefined;

/** The addon, looked for once in a process. */
export function loadAddon(): LoadedAddon {
  loaded ??= load();
  return loaded;
}

/** The addon, or the error that says what needs it: `pin flows: no native addon: …`. */
export function requireAddon(what: string): Addon {
  const found = loadAddon();
  if (found.addon === undefined)
    throw new BpfError("EOPNOTSUPP", `${what}: no native addon: ${found.reason}`);
  return found.addon;
}

function load(): LoadedAddon {
  if (process.env["SOFTIRQ_ADDON"] === "off") return without("switched off by SOFTIRQ_ADDON=off");
  // resolves to the package's root from the source tree and from dist alike
  const root = dirname(require.resolve("#package.json"));
  const platform = `${process.platform}-${process.arch}`;
  const paths = [
    join(root, "prebuilds", platform, "softirq.node"),
    join(root, "build", "Release", "softirq.node"),
  ];
  const path = paths.find((p) => existsSync(p));
  if (path === undefined) return without(`none for ${platform}`);
  try {
    const raw = require(path) as Raw;
    if (raw.abi !== ABI) return without(`${path} has version ${raw.abi}, expected ${ABI}`);
    return { addon: wrap(raw) };
  } catch (e) {
    return without((e as Error).message.split("\n")[0] ?? `${path} does not load`);
  }
}

function without(reason: string): LoadedAddon {
  return { addon: undefined, reason };
}

/** Names the errno of an error from the addon; what has none is our own bug and passes. */
function named<T>(call: () => T): T {
  try {
    return call();
  } catch (cause) {
    const { errno, message } = cause as NodeJS.ErrnoException;
    const code = errno === undefined ? undefined : errnoName(errno);
    if (code === undefined) throw cause;
    throw new BpfError(code, message.charAt(0).toLowerCase() + message.slice(1), { cause });
  }
}

class RawSegment implements Segment {
  readonly size: number;
  readonly #raw: Raw;
  readonly #id: number;
  #open = true;

  constructor(raw: Raw, id: number, size: number) {
    this.#raw = raw;
    this.#id = id;
    this.size = size;
  }

  publish(path: string): void {
    named(() => this.#raw.segmentPublish(this.#id, path));
  }

  map(view: Uint8Array, off: number, stopOff: number, value: number): number {
    return named(() => this.#raw.map(view, off, this.#id, stopOff, value));
  }

  close(): void {
    if (this.#open) this.#raw.segmentClose(this.#id);
    this.#open = false;
  }
}

function wrap(raw: Raw): Addon {
  return {
    clockNs: () => raw.clockNs(),
    stopOnSignal(view, off, { value = 1, chain = process.listenerCount("SIGINT") > 0 } = {}) {
      return wrapStop(
        raw,
        named(() => raw.stopOnSignal(view, off, value, chain)),
      );
    },
    stopAt(view, off, deadlineNs, { value = 1 } = {}) {
      return wrapStop(
        raw,
        named(() => raw.stopAt(view, off, value, deadlineNs)),
      );
    },
    createSegment(directory, size) {
      return new RawSegment(
        raw,
        named(() => raw.segmentCreate(directory, size)),
        size,
      );
    },
    anonymousSegment(size) {
      return new RawSegment(
        raw,
        named(() => raw.segmentAnonymous(size)),
        size,
      );
    },
    openSegment(path, size) {
      return new RawSegment(
        raw,
        named(() => raw.segmentOpen(path, size)),
        size,
      );
    },
    map(view, off, segment, { off: stopOff, value = 1 }) {
      if (!(segment instanceof RawSegment)) throw new Error("a segment of another origin");
      return wrapMapping(raw, segment.map(view, off, stopOff, value));
    },
    waiter: (view, words, { spin = "adaptive" } = {}) => new RawWaiter(raw, named, view, words, spin),
    ...wrapCpuLocks(raw, named),
    threadRealtime: (realtime) => named(() => raw.threadRealtime(realtime)),
    bpf: raw,
  };
}

function wrapStop(raw: Raw, id: number): Stop {
  let ended: boolean | undefined;
  return {
    get fired() {
      return ended ?? raw.fired(id);
    },
    cancel() {
      ended ??= raw.cancel(id);
      return ended;
    },
  };
}

function wrapMapping(raw: Raw, id: number): Mapping {
  let ended: boolean | undefined;
  return {
    get faulted() {
      return ended ?? raw.faulted(id);
    },
    unmap() {
      if (ended !== undefined) return;
      ended = raw.faulted(id);
      raw.unmap(id);
    },
  };
}
