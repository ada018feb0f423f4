// What the CPUs wrote about their packets, put back into the order of the capture: rows, and the pcap records of the
// frames that left. A CPU's buffers may fill several times before all are done; until then what they held is kept.
import { setWalkBuffers } from "../cpu/walk_words.ts";
import {
  CPU_WALK_OUT,
  CPU_WALK_OUT_POS,
  CPU_WALK_ROWS,
  CPU_WALK_ROWS_POS,
  ROW_OUT_ADDR,
  ROW_PACKET,
  ROW_SIZE,
} from "../memory/layout.ts";
import type { Loans } from "../memory/loans.ts";
import type { World } from "../memory/world.ts";
import type { ReplayOptions } from "./replay.ts";
import { type RowContext, decodeResult } from "./result.ts";
import type { Shares } from "./parallel_shares.ts";

/** Rows of one CPU. */
export const ROWS_CAP = 1 << 14;
const OUT_BYTES = 2 << 20;
const RECORD_SIZE = 16;
/** of the bytes there are */
const RECORD_LEN = 8;

/** What a CPU's buffers held at one time. */
interface Batch {
  readonly rows: DataView;
  readonly out: Uint8Array;
  /** address that out[0] had */
  readonly outAddr: number;
}

export class RowMerge {
  readonly #world: World;
  readonly #loans: Loans;
  readonly #options: ReplayOptions;
  readonly #context: RowContext;
  readonly #queues: Batch[][];

  constructor(world: World, loans: Loans, options: ReplayOptions, context: RowContext) {
    this.#world = world;
    this.#loans = loans;
    this.#options = options;
    this.#context = context;
    this.#queues = Array.from({ length: world.ncpus }, () => []);
  }

  /** Is there anything to put in order? Then every CPU writes rows. */
  get wanted(): boolean {
    return this.#options.onPacket !== undefined || this.#options.onFrames !== undefined;
  }

  setUpBuffers(): void {
    if (!this.wanted) return;
    for (let i = 0; i < this.#world.ncpus; i++) {
      const rows = this.#loans.take(ROWS_CAP * ROW_SIZE);
      const out = this.#options.onFrames === undefined ? 0 : this.#loans.take(OUT_BYTES);
      setWalkBuffers(this.#world.view, this.#world.cpu(i), {
        rows,
        rowsCap: ROWS_CAP,
        out,
        outSize: OUT_BYTES,
        outMask: this.#options.outMask ?? 0,
      });
    }
  }

  /** Empties a CPU's buffers. It goes on after that (`more`), so their bytes are copied; else they stay until the merge. */
  take(index: number, more: boolean): void {
    if (!this.wanted) return;
    const { view, bytes } = this.#world;
    const cpu = this.#world.cpu(index);
    const piece = (addr: number, len: number) =>
      more ? bytes.slice(addr, addr + len) : bytes.subarray(addr, addr + len);
    const rows = piece(
      view.getUint32(cpu + CPU_WALK_ROWS, true),
      view.getUint32(cpu + CPU_WALK_ROWS_POS, true) * ROW_SIZE,
    );
    const outAddr = view.getUint32(cpu + CPU_WALK_OUT, true);
    const out = piece(outAddr, view.getUint32(cpu + CPU_WALK_OUT_POS, true));
    this.#queues[index]?.push({
      rows: new DataView(rows.buffer, rows.byteOffset, rows.byteLength),
      out,
      outAddr,
    });
    view.setUint32(cpu + CPU_WALK_ROWS_POS, 0, true);
    view.setUint32(cpu + CPU_WALK_OUT_POS, 0, true);
  }

  /** Hands on everything taken, `rounds` times the chunk, whose first packet is number `first`. Packets a stop kept out are left out. */
  merge(shares: Shares, rounds: number, first: number): void {
    if (!this.wanted) return;
    const cursors = this.#queues.map((batches) => new Cursor(batches));
    const left = this.#options.onFrames === undefined ? undefined : new Uint8Array(this.#outBytes());
    let used = 0;
    for (let n = 0; n < rounds * shares.count; n++) {
      const cursor = cursors[shares.cpuOf[n % shares.count] ?? 0];
      if (cursor?.next() !== true) continue;
      const { rows, at } = cursor;
      const i = first + n;
      rows.setUint32(at + ROW_PACKET, i % 2 ** 32, true);
      rows.setUint32(at + ROW_PACKET + 4, Math.floor(i / 2 ** 32), true);
      this.#options.onPacket?.(decodeResult(rows, at, this.#context));
      if (left !== undefined) used += cursor.copyRecord(left, used);
    }
    if (used > 0 && left !== undefined) this.#options.onFrames?.(left.subarray(0, used));
    for (const queue of this.#queues) queue.length = 0;
  }

  #outBytes(): number {
    let sum = 0;
    for (const queue of this.#queues) for (const { out } of queue) sum += out.length;
    return sum;
  }
}

/** Goes over one CPU's rows. */
class Cursor {
  readonly #batches: readonly Batch[];
  #batch = 0;
  at = -ROW_SIZE;

  constructor(batches: readonly Batch[]) {
    this.#batches = batches;
  }

  /** False when there is no further row. */
  next(): boolean {
    this.at += ROW_SIZE;
    while (this.at >= (this.#batches[this.#batch]?.rows.byteLength ?? Number.POSITIVE_INFINITY)) {
      this.#batch++;
      this.at = 0;
    }
    return this.#batch < this.#batches.length;
  }

  get rows(): DataView {
    return (this.#batches[this.#batch] as Batch).rows;
  }

  /** The pcap record of the packet that the row is of, if it left; how many bytes that were. */
  copyRecord(to: Uint8Array, pos: number): number {
    const { rows, out, outAddr } = this.#batches[this.#batch] as Batch;
    const addr = rows.getUint32(this.at + ROW_OUT_ADDR, true);
    if (addr === 0) return 0;
    const start = addr - RECORD_SIZE - outAddr;
    const len = RECORD_SIZE + new DataView(out.buffer, out.byteOffset + start).getUint32(RECORD_LEN, true);
    to.set(out.subarray(start, start + len), pos);
    return len;
  }
}
