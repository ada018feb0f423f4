// Reading what programs send while they run: one reader a map, in the shape of other libraries' ring buffer and perf
// readers. Records come when the host has taken them out of the CPUs' buffers: on the virtual clock after each packet that is
// run alone, or a part of a capture; on the real clock as callbacks send them. What nobody reads in time is counted.
import { BpfError } from "../../src/spec/errors.ts";
import type { MapTypeName } from "../../src/spec/map_types.ts";
import type { EventRecord } from "./events.ts";

/** Where records of a map go instead of into the run's result. */
export interface Sink {
  put(record: EventRecord): void;
}

/** What a reader needs of an open map. */
export interface ReadMap {
  readonly name: string;
  readonly shape: { readonly type: MapTypeName };
  readonly live: { sink: Sink | undefined };
}

export interface ReaderOptions {
  /** records kept until they are read; default 100,000 */
  readonly capacity?: number;
}

const DEFAULT_CAPACITY = 100_000;

abstract class Reader implements AsyncIterable<EventRecord> {
  readonly #map: ReadMap;
  readonly #capacity: number;
  readonly #ready: EventRecord[] = [];
  readonly #waiting: ((record: EventRecord | undefined) => void)[] = [];
  #closed = false;
  #lost = 0;

  protected constructor(map: ReadMap, type: MapTypeName, { capacity = DEFAULT_CAPACITY }: ReaderOptions) {
    if (map.shape.type !== type)
      throw new BpfError("EINVAL", `read map '${map.name}': its type is ${map.shape.type}, not ${type}`);
    if (!(capacity >= 1)) throw new BpfError("EINVAL", `read map '${map.name}': a capacity of ${capacity}`);
    if (map.live.sink !== undefined)
      throw new BpfError("EBUSY", `read map '${map.name}': it has a reader already`);
    this.#map = map;
    this.#capacity = capacity;
    map.live.sink = { put: (record) => this.#put(record) };
  }

  #put(record: EventRecord): void {
    const next = this.#waiting.shift();
    if (next !== undefined) next(record);
    else if (this.#ready.length < this.#capacity) this.#ready.push(record);
    else this.#lost++;
  }

  /** Records that came while as many as the capacity were waiting. */
  get lost(): number {
    return this.#lost;
  }

  /** The next record; waits for one. Undefined once the reader is closed. */
  read(): Promise<EventRecord | undefined> {
    const record = this.tryRead();
    if (record !== undefined || this.#closed) return Promise.resolve(record);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The next record if there is one by now. */
  tryRead(): EventRecord | undefined {
    return this.#ready.shift();
  }

  /** Records sent from now on are the run's again; those that wait can still be read. Again is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#map.live.sink = undefined;
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<EventRecord> {
    for (let record = await this.read(); record !== undefined; record = await this.read()) yield record;
  }
}

/** Reads a ring buffer, in the order in which programs took room in it. */
export class RingbufReader extends Reader {
  constructor(map: ReadMap, options: ReaderOptions = {}) {
    super(map, "ringbuf", options);
  }
}

/** Reads the buffers of all CPUs behind a perf event array. */
export class PerfReader extends Reader {
  constructor(map: ReadMap, options: ReaderOptions = {}) {
    super(map, "perf_event_array", options);
  }
}
