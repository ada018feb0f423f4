// Programs of an object on single packets, in an engine of ours and in the running kernel: what a caller of a test run
// sees of each packet, and what is left in the object's variables. Decides nothing about equality.
import type { EngineName } from "../../runtime/engine/engine.ts";
import { loadKernelObject } from "../../runtime/engine/kernel/kernel_object.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { BpfError, errnoName } from "../../src/spec/errors.ts";

/** One line a packet, then the variables in hex. */
export type Outcome = readonly string[];

export const ENGINES: readonly { readonly engine: EngineName; readonly checked: boolean }[] = [
  { engine: "wasm", checked: false },
  { engine: "wasm", checked: true },
  { engine: "interp", checked: true },
];

/** Frames of an ethertype that nobody parses, of these lengths. */
export function plainFrames(lengths: readonly number[]): Uint8Array[] {
  return lengths.map((length) => {
    const frame = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff);
    frame.set([0x88, 0xb5], 12);
    return frame;
  });
}

interface Packet {
  readonly retval: number;
  readonly data: Uint8Array;
  readonly mark?: unknown;
  readonly priority?: unknown;
  readonly cb?: unknown;
}

function line({ retval, data, mark = 0, priority = 0, cb = [0, 0, 0, 0, 0] }: Packet): string {
  return `${retval} ${String(mark)} ${String(priority)} ${String(cb)} ${Buffer.from(data).toString("hex")}`;
}

const FIRST = new Uint8Array(4);

function variables(lookup: (key: Uint8Array) => unknown): string {
  return Buffer.from(lookup(FIRST) as Uint8Array).toString("hex");
}

export async function oursOn(
  path: string,
  prog: string,
  frames: readonly Uint8Array[],
  options: { readonly engine: EngineName; readonly checked: boolean },
): Promise<Outcome> {
  using object = await loadObject(openObject(path), { ...options, progs: [prog], cache: false });
  const lines = frames.map((frame) => {
    try {
      const { retval, data, ctx } = object.runPacket(prog, frame);
      const { mark, priority, cb } = ctx as Record<string, unknown>;
      return line({ retval, data, mark, priority, cb });
    } catch (error) {
      if (!(error instanceof BpfError)) throw error;
      return error.code;
    }
  });
  return [...lines, variables((key) => object.map(".bss").lookup(key))];
}

export function kernelOn(path: string, prog: string, frames: readonly Uint8Array[]): Outcome {
  using object = loadKernelObject(openObject(path), { progs: [prog] });
  const lines = frames.map((frame) => {
    const { errno, retval, data, skb } = object.runPacket(object.prog(prog), frame);
    return errno === 0 ? line({ retval, data, ...skb }) : (errnoName(errno) ?? String(errno));
  });
  return [...lines, variables((key) => object.map(".bss").lookup(key))];
}
