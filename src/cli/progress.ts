// One line on standard error that says how far a run is, only where that is a terminal.
import type { WriteStream } from "node:tty";

interface Done {
  readonly packets: number;
  readonly bytesRead: number;
  readonly totalBytes: number | undefined;
  readonly elapsedNs: bigint;
}

const INTERVAL_MS = 200;

export class Progress {
  readonly #out: WriteStream;
  readonly #live: boolean;
  readonly #started = performance.now();
  #shown = 0;
  #dirty = false;

  constructor(out: WriteStream) {
    this.#out = out;
    this.#live = out.isTTY;
  }

  show(done: Done): void {
    const now = performance.now();
    if (!this.#live || now - this.#shown < INTERVAL_MS) return;
    this.#shown = now;
    const seconds = (now - this.#started) / 1000;
    const share =
      done.totalBytes === undefined || done.totalBytes === 0
        ? undefined
        : Math.min(1, done.bytesRead / done.totalBytes);
    const left =
      share === undefined || share === 0 ? "" : `, ${Math.ceil((seconds / share) * (1 - share))} s left`;
    const rate = seconds > 0 ? fmtRate(done.packets / seconds) : "";
    this.#out.write(`\r\x1b[K${done.packets} packets, ${rate}${left}`);
    this.#dirty = true;
  }

  /** A line that stays, above the moving one. */
  print(line: string): void {
    this.end();
    this.#out.write(`${line}\n`);
  }

  end(): void {
    if (this.#dirty) this.#out.write("\r\x1b[K");
    this.#dirty = false;
  }
}

export function fmtRate(perSecond: number): string {
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)} M packets/s`;
  if (perSecond >= 1e3) return `${(perSecond / 1e3).toFixed(1)} k packets/s`;
  return `${perSecond.toFixed(0)} packets/s`;
}
