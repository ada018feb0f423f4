// Ends a run from outside the thread that is in it: natively on a signal, where the addon is there.
import { type Stop, loadAddon } from "../../native/binding.ts";
import { WORLD_STOP } from "../memory/layout.ts";
import type { World } from "../memory/world.ts";

/**
 * Makes SIGINT store to the world's stop word at once, also while this thread is inside Wasm. Without the addon
 * the signal is seen between two calls of the walker. Returns what takes the handler away again and says whether it has run.
 */
export function stopWorldOnSignal(world: World): () => boolean {
  const { addon } = loadAddon();
  if (addon === undefined) return () => false;
  const handle: Stop = addon.stopOnSignal(new Uint8Array(world.memory.buffer), WORLD_STOP);
  return () => handle.cancel();
}
