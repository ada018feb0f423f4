// What the tests of the real clock share: the test object on a host, commands to its timers, what became of them.
import { join } from "node:path";
import { type BpfObject, Host, type HostOptions, loadObject, openObject } from "../../runtime/index.ts";

export const OBJECTS = join(import.meta.dirname, "../objects");
export const START = 0;
export const CANCEL = 1;
export const SAY = 2;
export const MS = 1_000_000n;

/** A frame that tells the program `command` what to do. */
export function order(what: number, index: number, ns = 0n, period = 0n): Uint8Array {
  const frame = new Uint8Array(64);
  const view = new DataView(frame.buffer);
  view.setUint32(14, what, true);
  view.setUint32(18, index, true);
  view.setBigUint64(22, ns, true);
  view.setBigUint64(30, period, true);
  return frame;
}

export class TimerHost {
  private constructor(
    readonly host: Host,
    readonly object: BpfObject,
  ) {}

  static async open(options: HostOptions = {}): Promise<TimerHost> {
    const host = new Host({ clock: "real", ...options });
    try {
      return new TimerHost(host, await loadObject(openObject(join(OBJECTS, "clock_timer.o")), { host }));
    } catch (error) {
      await host.close();
      throw error;
    }
  }

  /** What the program returned, signed. */
  command(what: number, index: number, ns = 0n, period = 0n): number {
    return this.object.runPacket("command", order(what, index, ns, period)).retval | 0;
  }

  elem(index: number): { fired: number; due: bigint; order: number; result: bigint } {
    const key = new Uint8Array(new Uint32Array([index]).buffer);
    const value = this.object.map("elems").lookup(key) as Uint8Array;
    const words = new BigInt64Array(value.slice().buffer, 0, 7);
    return { fired: Number(words[0]), due: words[1] ?? 0n, order: Number(words[5]), result: words[6] ?? 0n };
  }

  fired(index: number): number {
    return this.elem(index).fired;
  }

  /** A global u64 of the object. */
  count(name: string): number {
    return Number(this.object.globals()[name]);
  }

  async close(): Promise<void> {
    this.object.close();
    await this.host.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Turns the event loop until it holds. Throws where it does not within `ms`. */
export async function until(what: string, holds: () => boolean, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(2);
  }
}

export const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
