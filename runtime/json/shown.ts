// What an object must be able to do so that its maps can be shown and filled: ours and the running kernel's can
// both. Types only.
import type { ObjectSpec } from "../../src/elf/object_spec.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import type { EventRecord } from "../events/events.ts";
import type { MapValue } from "../map/bpf_map.ts";
import type { MapShape } from "../map/map_layout.ts";

export interface ShownMap {
  readonly name: string;
  /** tells the maps of one object apart */
  readonly addr: number;
  readonly shape: MapShape;
  lookup(key: Uint8Array): MapValue | undefined;
  update(key: Uint8Array, value: MapValue): void;
  /** of a map without keys */
  push?(value: Uint8Array): void;
  values?(): readonly Uint8Array[];
  entries(): Iterable<readonly [key: Uint8Array, value: MapValue]>;
}

export interface ShownObject {
  readonly spec: ObjectSpec;
  /** values of a per-CPU map */
  readonly ncpus: number;
  readonly maps: ReadonlyMap<string, ShownMap>;
  map(name: string): ShownMap;
  mapDef(name: string): MapDef;
  /** the map that a value of a map of maps stands for, and its definition; the kernel's engine has none */
  innerMap?(value: Uint8Array): { readonly map: ShownMap; readonly def: MapDef } | undefined;
  /** the program a program array's value stands for */
  progInSlot(value: Uint8Array): string | undefined;
  /** the value that stands for a program */
  slotOfProg(name: string): Uint8Array;
}

export interface Kept<T> {
  readonly items: readonly T[];
  readonly lost: number;
  /** of a ring buffer: records there was no room for when they were sent, which their programs were told */
  readonly refused?: number;
}

/** What programs sent to user space. */
export interface ShownEvents {
  readonly printk: Kept<string>;
  /** by ShownMap.addr */
  recordsOf(map: number): Kept<EventRecord>;
}
