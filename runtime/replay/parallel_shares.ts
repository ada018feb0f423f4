// Deals frames out to the CPUs: descriptors of one CPU side by side, in the order of the capture, and where each was.
// The bytes of small frames that are walked again and again are brought side by side too; others stay. Chunks that stay too are dealt together: the fewer parts of a run, the less
// CPUs wait for each other.
import { FRAME_ADDR, FRAME_CPU, FRAME_DESC_SIZE, FRAME_LEN } from "../memory/layout.ts";
import type { Loans } from "../memory/loans.ts";
import type { World } from "../memory/world.ts";
import { CHUNK_ROWS, type Chunk, type TimedChunk } from "./feed.ts";

const DESC_WORDS = FRAME_DESC_SIZE / 4;

/** Frames dealt together at most, when they come from several chunks. */
const GROUP_ROWS = 1 << 19;
/** A core reads ahead in a stream of frames up to about this size; with gaps a parse-only program took 2.5 times as long. */
const STREAM_LEN = 256;

/** Chunks that are played one after the other at the same offset. */
export interface Group extends Pick<TimedChunk, "tsOffset" | "roundNs" | "rounds"> {
  readonly chunks: readonly Chunk[];
  readonly count: number;
}

/** The run's chunks in groups: of one, or of several that stay resident. */
export function* grouped(chunks: Iterable<TimedChunk>, mayJoin: boolean): Generator<Group> {
  let group:
    | { chunks: Chunk[]; count: number; tsOffset: bigint; roundNs: bigint; rounds: number }
    | undefined;
  for (const chunk of chunks) {
    const joins = mayJoin && chunk.resident && chunk.rounds === 1;
    if (
      group !== undefined &&
      joins &&
      group.tsOffset === chunk.tsOffset &&
      group.count + chunk.count <= GROUP_ROWS
    ) {
      group.chunks.push(chunk);
      group.count += chunk.count;
      continue;
    }
    if (group !== undefined) yield group;
    const { count, tsOffset, roundNs, rounds } = chunk;
    group = { chunks: [chunk], count, tsOffset, roundNs, rounds };
    if (joins) continue;
    yield group;
    group = undefined;
  }
  if (group !== undefined) yield group;
}

export interface Shares {
  readonly count: number;
  /** address of the descriptors, CPU by CPU */
  readonly frames: number;
  /** CPU n has the descriptors [start[n], start[n + 1]) */
  readonly start: Uint32Array;
  /** of each of them, its place in the chunk */
  readonly place: Uint32Array;
  /** by place in the chunk, the CPU */
  readonly cpuOf: Uint8Array;
}

export class Dealer {
  readonly #world: World;
  readonly #loans: Loans;
  readonly #resident = new Map<number, Shares>();
  #spare: number | undefined;

  constructor(world: World, loans: Loans) {
    this.#world = world;
    this.#loans = loans;
  }

  /** The shares are good until the next call, those of resident chunks for good. */
  deal(group: Group): Shares {
    const [first] = group.chunks as [Chunk];
    if (!first.resident)
      return this.#deal(group, (this.#spare ??= this.#loans.take(CHUNK_ROWS * FRAME_DESC_SIZE)));
    const known = this.#resident.get(first.frames);
    if (known?.count === group.count) return known; // a round is grouped like the one before
    const shares = this.#deal(group, this.#loans.take(group.count * FRAME_DESC_SIZE));
    this.#gather(shares);
    this.#resident.set(first.frames, shares);
    return shares;
  }

  #deal({ chunks, count }: Group, frames: number): Shares {
    const { ncpus, memory } = this.#world;
    const words = new Uint32Array(memory.buffer);
    const cpuOf = new Uint8Array(count);
    const start = new Uint32Array(ncpus + 1);
    let k = 0;
    for (const chunk of chunks) {
      for (let at = chunk.frames / 4; at < chunk.frames / 4 + chunk.count * DESC_WORDS; at += DESC_WORDS) {
        const cpu = words[at + FRAME_CPU / 4] ?? 0;
        cpuOf[k++] = cpu;
        start[cpu + 1] = (start[cpu + 1] ?? 0) + 1;
      }
    }
    for (let cpu = 0; cpu < ncpus; cpu++) start[cpu + 1] = (start[cpu + 1] ?? 0) + (start[cpu] ?? 0);
    const next = start.slice();
    const place = new Uint32Array(count);
    k = 0;
    for (const chunk of chunks) {
      for (
        let from = chunk.frames / 4;
        from < chunk.frames / 4 + chunk.count * DESC_WORDS;
        from += DESC_WORDS
      ) {
        const cpu = cpuOf[k] ?? 0;
        const at = next[cpu] ?? 0;
        next[cpu] = at + 1;
        place[at] = k++;
        for (let w = 0; w < DESC_WORDS; w++) words[frames / 4 + at * DESC_WORDS + w] = words[from + w] ?? 0;
      }
    }
    return { count, frames, start, place, cpuOf };
  }

  /** Small frames of one CPU side by side: copied once, as the chunks stay. */
  #gather({ frames, count }: Shares): void {
    let total = 0;
    for (let n = 0; n < count; n++)
      total += this.#world.view.getUint32(frames + n * FRAME_DESC_SIZE + FRAME_LEN, true);
    if (total > count * STREAM_LEN) return;
    let to = this.#loans.take(total);
    const { view, bytes } = this.#world; // after the loan: memory may have grown
    for (let desc = frames; desc < frames + count * FRAME_DESC_SIZE; desc += FRAME_DESC_SIZE) {
      const addr = view.getUint32(desc + FRAME_ADDR, true);
      const len = view.getUint32(desc + FRAME_LEN, true);
      bytes.copyWithin(to, addr, addr + len);
      view.setUint32(desc + FRAME_ADDR, to, true);
      to += len;
    }
  }
}
