// Brings captures into a world's memory as frame descriptors, chunk by chunk. A capture that is to be repeated
// and fits stays resident; a larger one streams through one chunk. Knows nothing of programs.
import { BpfError } from "../../src/spec/errors.ts";
import {
  type BatchTarget,
  type PacketSource,
  LINKTYPE_ETHERNET,
  MIN_BATCH_BYTES,
  whyNotEthernet,
} from "../../src/pcap/index.ts";
import { ERRNO } from "../../src/spec/errors.ts";
import {
  FRAME_ADDR,
  FRAME_CPU,
  FRAME_DESC_SIZE,
  FRAME_ERRNO,
  FRAME_HASH,
  FRAME_LEN,
  FRAME_TS,
} from "../memory/layout.ts";
import { Loans } from "../memory/loans.ts";
import type { World } from "../memory/world.ts";
import { rssHash } from "../cpu/rss.ts";

/** Frames of a chunk at most. */
export const CHUNK_ROWS = 1 << 15;
const CHUNK_BYTES = 4 << 20;
/** Captures up to this size stay in memory for `repeat`. */
const RESIDENT_BYTES = 512 << 20;

/** Consecutive frames of a capture, ready to be walked. */
export interface Chunk {
  /** address of the first descriptor */
  readonly frames: number;
  readonly count: number;
  /** stays where it is until the run ends: the same address is the same frames */
  readonly resident: boolean;
}

/** A chunk and when it is played: so many rounds, each `roundNs` after the last. */
export interface TimedChunk extends Chunk {
  readonly tsOffset: bigint;
  readonly roundNs: bigint;
  readonly rounds: number;
}

export interface FeedOptions {
  readonly limit: number;
  readonly repeat: number;
}

/** What is known of one pass over the captures once it has ended. */
interface Pass {
  packets: number;
  firstTs: bigint;
  lastTs: bigint;
}

/** A run's frames: chunks of one round after the other, each with the offset of its timestamps. */
export class Feed {
  readonly #world: World;
  readonly #source: PacketSource;
  readonly #options: FeedOptions;
  readonly #resident: Chunk[] | undefined;
  #spare: { bytesAddr: number; bytes: number; rowsAddr: number } | undefined;
  readonly #loans: Loans;
  readonly #pass: Pass = { packets: 0, firstTs: 0n, lastTs: 0n };
  /** said once each: why packets of some link type are not run */
  readonly warnings = new Set<string>();

  constructor(world: World, source: PacketSource, options: FeedOptions) {
    this.#world = world;
    this.#loans = new Loans(world);
    this.#source = source;
    this.#options = options;
    const fits = source.totalBytes !== undefined && source.totalBytes <= RESIDENT_BYTES;
    if (options.repeat > 1 && fits) this.#resident = [];
    if (options.repeat > 1 && !fits && source.totalBytes === undefined)
      throw new BpfError("ESPIPE", "a pipe cannot be repeated");
  }

  /** Chunks in order with the nanoseconds to add to their timestamps; `rounds` chunks at once when one holds a whole pass. */
  *chunks(): Generator<TimedChunk> {
    const { repeat } = this.#options;
    for (const chunk of this.#firstPass()) yield { ...chunk, tsOffset: 0n, roundNs: 0n, rounds: 1 };
    const roundNs = this.#roundNs();
    const [only, ...more] = this.#resident ?? [];
    if (repeat > 1 && only !== undefined && more.length === 0) {
      yield { ...only, tsOffset: roundNs, roundNs, rounds: repeat - 1 };
      return;
    }
    for (let round = 1; round < repeat; round++) {
      const chunks = this.#resident ?? this.#again();
      for (const chunk of chunks)
        yield { ...chunk, tsOffset: BigInt(round) * roundNs, roundNs: 0n, rounds: 1 };
    }
  }

  /** Gives the chunks' memory back; no chunk may be used after it. */
  close(): void {
    this.#loans.end();
  }

  /** From the first packet of one round to the first of the next: the capture's length and one mean gap. */
  #roundNs(): bigint {
    const { packets, firstTs, lastTs } = this.#pass;
    const span = lastTs > firstTs ? lastTs - firstTs : 0n;
    return packets > 1 ? span + span / BigInt(packets - 1) : span;
  }

  /** Bytes of all rounds, for progress; undefined for a pipe. */
  get totalBytes(): number | undefined {
    const { totalBytes } = this.#source;
    return totalBytes === undefined ? undefined : totalBytes * this.#options.repeat;
  }

  get bytesRead(): number {
    return this.#source.bytesRead;
  }

  *#firstPass(): Generator<Chunk> {
    for (const chunk of this.#read(this.#pass)) {
      this.#resident?.push(chunk);
      yield chunk;
    }
  }

  *#again(): Generator<Chunk> {
    this.#source.rewind();
    yield* this.#read({ packets: 0, firstTs: 0n, lastTs: 0n });
  }

  *#read(pass: Pass): Generator<Chunk> {
    while (pass.packets < this.#options.limit) {
      const { target, frames } = this.#target();
      const read = this.#source.nextBatch(target);
      const count = Math.min(read, this.#options.limit - pass.packets);
      if (count === 0) return;
      this.#prepare(target.rows, count);
      if (pass.packets === 0) pass.firstTs = target.rows.getBigUint64(FRAME_TS, true);
      const last = target.rows.getBigUint64((count - 1) * FRAME_DESC_SIZE + FRAME_TS, true);
      if (last > pass.lastTs) pass.lastTs = last;
      pass.packets += count;
      yield { frames, count, resident: this.#resident !== undefined };
    }
  }

  /** Room for one batch: the same again while streaming, new ground for each when resident. */
  #target(): { target: BatchTarget; frames: number } {
    let spare = this.#spare;
    if (spare === undefined || this.#resident !== undefined) {
      // A small resident capture takes what it needs, and not a whole chunk.
      const known = this.#resident === undefined ? CHUNK_BYTES : (this.#source.totalBytes ?? CHUNK_BYTES);
      const bytes = Math.max(MIN_BATCH_BYTES, Math.min(CHUNK_BYTES, known));
      spare = {
        bytesAddr: this.#loans.take(bytes),
        bytes,
        rowsAddr: this.#loans.take(CHUNK_ROWS * FRAME_DESC_SIZE),
      };
      this.#spare = spare;
    }
    const { memory } = this.#world;
    return {
      frames: spare.rowsAddr,
      target: {
        bytes: new Uint8Array(memory.buffer, spare.bytesAddr, spare.bytes),
        addr: spare.bytesAddr,
        rows: new DataView(memory.buffer, spare.rowsAddr, CHUNK_ROWS * FRAME_DESC_SIZE),
      },
    };
  }

  /** Fills in what the reader left: frames that cannot be run, and on which CPU the others are. */
  #prepare(rows: DataView, count: number): void {
    const { ncpus, bytes } = this.#world;
    for (let at = 0; at < count * FRAME_DESC_SIZE; at += FRAME_DESC_SIZE) {
      const linkType = rows.getUint16(at + FRAME_HASH, true); // the reader's word, until the hash takes its place
      const runs = linkType === LINKTYPE_ETHERNET;
      if (!runs) this.#refuse(linkType, rows.getUint16(at + FRAME_HASH + 2, true));
      rows.setUint32(at + FRAME_ERRNO, runs ? 0 : ERRNO.EINVAL, true);
      if (ncpus === 1) continue;
      const addr = rows.getUint32(at + FRAME_ADDR, true);
      const hash = rssHash(bytes, addr, addr + rows.getUint32(at + FRAME_LEN, true));
      rows.setUint32(at + FRAME_HASH, hash, true);
      rows.setUint32(at + FRAME_CPU, (hash & 0x7f) % ncpus, true);
    }
  }

  #refuse(linkType: number, source: number): void {
    this.warnings.add(`${this.#source.names[source] ?? "capture"}: ${whyNotEthernet(linkType) ?? ""}`);
  }
}
