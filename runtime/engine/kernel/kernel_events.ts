// What programs in the kernel send to user space: a perf buffer of CPU 0 in each perf event array, emptied after
// every packet. Records are as the kernel pads them.
import type { EventRecord } from "../../events/events.ts";
import type { KernelMap } from "./kernel_map.ts";
import type { BpfSys, PerfBuffer } from "./sys.ts";

/** 256 KiB of ring: one packet fills no more. */
const RING_PAGES = 64;

interface Kept<T> {
  readonly items: T[];
  lost: number;
}

export class KernelEvents {
  /** trace_printk goes to the machine's trace pipe, which is everyone's: not read */
  readonly printk: Kept<string> = { items: [], lost: 0 };
  readonly #buffers: { readonly kept: Kept<EventRecord>; readonly buffer: PerfBuffer }[] = [];
  readonly #kept = new Map<number, Kept<EventRecord>>();
  readonly #keep: number;

  constructor(sys: BpfSys, maps: readonly KernelMap[], keep: number) {
    this.#keep = keep;
    for (const map of maps) {
      if (map.shape.type !== "perf_event_array") continue;
      const buffer = sys.openPerf(0, RING_PAGES);
      const kept: Kept<EventRecord> = { items: [], lost: 0 };
      this.#buffers.push({ kept, buffer });
      this.#kept.set(map.addr, kept);
      const fd = new Uint8Array(4);
      new DataView(fd.buffer).setUint32(0, buffer.fd, true);
      sys.mapUpdate(map.fd, new Uint8Array(4), fd);
    }
  }

  recordsOf(map: number): Kept<EventRecord> {
    return this.#kept.get(map) ?? { items: [], lost: 0 };
  }

  /** Takes out what packet `i` sent. */
  drain(i: number | null): void {
    for (const { kept, buffer } of this.#buffers) {
      for (let got = buffer.read(); got !== undefined; got = buffer.read()) {
        if (typeof got === "number") kept.lost += got;
        else if (kept.items.length < this.#keep) kept.items.push({ i, cpu: 0, bytes: got });
        else kept.lost++;
      }
    }
  }

  /** Whether there is anything to drain. */
  get any(): boolean {
    return this.#buffers.length > 0;
  }

  close(): void {
    for (const { buffer } of this.#buffers) buffer.close();
    this.#buffers.length = 0;
  }
}
