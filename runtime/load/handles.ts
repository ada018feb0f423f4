// What objects have in common, wherever they are loaded: maps and programs by name, program arrays, a single close.
// Where maps lie and what a program array holds is the business of whoever loads.
import type { ObjectSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";

/** What is needed of a map to put a program into it. */
interface Slots {
  update(key: Uint8Array, value: Uint8Array): void;
}

/** The maps and programs of a loaded object. */
export abstract class Handles<M extends Slots, P> {
  #closed = false;

  constructor(
    readonly spec: ObjectSpec,
    readonly maps: ReadonlyMap<string, M>,
    readonly progs: ReadonlyMap<string, P>,
  ) {}

  get name(): string {
    return this.spec.name;
  }

  prog(name: string): P {
    this.assertOpen();
    const found = this.progs.get(name);
    if (found === undefined)
      throw new BpfError(
        "ENOENT",
        `${this.name}: program '${name}' is not loaded; loaded are: ${[...this.progs.keys()].join(", ")}`,
      );
    return found;
  }

  map(name: string): M {
    this.assertOpen();
    const found = this.maps.get(name);
    if (found === undefined)
      throw new BpfError(
        "ENOENT",
        `${this.name}: no map '${name}'; there are: ${[...this.maps.keys()].join(", ") || "none"}`,
      );
    return found;
  }

  /** The value that stands for a program in a program array. */
  abstract slotOfProg(prog: string): Uint8Array;

  /** Puts a program into a slot of a program array. */
  setTailCall(map: string, index: number, prog: string): void {
    this.map(map).update(u32Bytes(index), this.slotOfProg(prog));
  }

  /** The slots that the object itself names. @internal */
  fillProgArrays(): void {
    for (const map of this.spec.maps) {
      for (const value of map.values ?? []) {
        if (value.kind !== "prog" || !this.maps.has(map.name) || !this.progs.has(value.target)) continue;
        this.setTailCall(map.name, value.key, value.target);
      }
    }
  }

  protected assertOpen(): void {
    if (this.#closed) throw new BpfError("EBADF", `${this.name} is closed`);
  }

  /** Gives back what the object holds; called once. */
  protected abstract release(): void;

  /** Closes every handle. Again is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.release();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export function u32Bytes(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** The number in a map's value of four bytes. */
export function u32Of(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}
