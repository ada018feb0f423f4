// What the main thread and the clock's worker tell each other. Commands are counted in shared memory (CTL, ACK), so
// that either side can wait for the other without an event loop.
import type { MessagePort } from "node:worker_threads";
import type { LinkedModule } from "../engine/engine.ts";
import type { ClockPlace } from "./real_words.ts";
import type { Spin } from "./real_sleep.ts";

export interface WorkerData {
  readonly place: ClockPlace;
  readonly spin: Spin;
  /** run before ordinary threads */
  readonly realtime: boolean;
  /** the addon's waits, or those of Atomics */
  readonly native: boolean;
  readonly port: MessagePort;
}

/** "look": nothing but to look at the words again, say after the stop word has been cleared. */
export type ToWorker =
  | ({ readonly kind: "link" } & LinkedModule)
  | { readonly kind: "unlink"; readonly first: number; readonly count: number }
  | { readonly kind: "look" }
  | { readonly kind: "close" };

export type FromWorker =
  | { readonly kind: "events"; readonly bytes: Uint8Array; readonly lostPrintk: number }
  | {
      readonly kind: "failed";
      readonly prog: number;
      readonly trap: boolean;
      readonly message: string;
      readonly stack: string;
    };
