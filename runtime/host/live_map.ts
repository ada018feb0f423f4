// A map's life: who refers to it, and what happens when the last user does no more. Open handles and pins are user
// references; programs that use it are not. Its timers live as long as it has a user.
import { BpfError } from "../../src/spec/errors.ts";
import { MAP_FLAGS } from "../../src/spec/map_types.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { BpfMap, type MapHome } from "../map/bpf_map.ts";
import type { Sink } from "../events/reader.ts";
import { MAP_TIMER_POOL, MAP_USER_REFS } from "../memory/layout.ts";

/** The kernel's bpf_map_meta_equal: what programs verified against the one may be given the other. */
function canBeInner(template: MapDef, map: MapDef): boolean {
  const isArray = map.type === "array" || map.type === "percpu_array";
  const anySize = !isArray || (template.flags & MAP_FLAGS.INNER_MAP) !== 0;
  return (
    template.type === map.type &&
    template.keySize === map.keySize &&
    template.valueSize === map.valueSize &&
    template.flags === map.flags &&
    (anySize || template.maxEntries === map.maxEntries) &&
    template.specialFields.length === map.specialFields.length &&
    template.specialFields.every(
      (f, i) => f.kind === map.specialFields[i]?.kind && f.off === map.specialFields[i]?.off,
    )
  );
}

/** An open handle of a map: bytes in and out until it is closed. */
export class MapHandle extends BpfMap {
  readonly live: LiveMap;
  #open = true;

  constructor(live: LiveMap) {
    super(live.home, live.addr, live.def);
    this.live = live;
  }

  /**
   * Puts a map into a slot of this map of maps. Throws EINVAL unless it is like the definition of the inner maps. Being
   * inside is no user reference: when its handles are closed its timers stop, its elements stay.
   */
  setInner(key: Uint8Array, inner: MapHandle): void {
    const template = this.live.def.inner;
    if (template === undefined || !canBeInner(template, inner.live.def))
      throw new BpfError(
        "EINVAL",
        `map '${this.live.name}': map '${inner.live.name}' is not like its definition of inner maps`,
      );
    const value = new Uint8Array(4);
    new DataView(value.buffer).setUint32(0, inner.live.addr, true);
    inner.live.getProg();
    try {
      this.update(key, value);
    } catch (error) {
      inner.live.putProg();
      throw error;
    }
    this.live.hold(key.join(), inner.live);
  }

  /** Empties a slot of this map of maps; false if nothing was in it. */
  deleteInner(key: Uint8Array): boolean {
    return this.delete(key);
  }

  override delete(key: Uint8Array): boolean {
    const found = super.delete(key);
    this.left(key);
    return found;
  }

  protected override left(key: Uint8Array): void {
    if (this.live.def.inner !== undefined) this.live.hold(key.join(), undefined);
  }

  /** Gives the reference up. With the last one all timers of the map are cancelled. Again is harmless. */
  override close(): void {
    super.close();
    if (!this.#open) return;
    this.#open = false;
    this.live.putUser();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export class LiveMap {
  /** who reads what programs send to it */
  sink: Sink | undefined;
  #users = 0;
  /** programs, and maps of maps it is in */
  #progs = 0;
  /** maps of maps: what each slot refers to */
  readonly #held = new Map<string, LiveMap>();

  constructor(
    readonly home: MapHome,
    readonly addr: number,
    readonly def: MapDef,
    /** called when nothing refers to it any more */
    readonly onFree: (map: LiveMap) => void,
    /** called when its timers were released: they may have been the last to hold a program */
    readonly onTimersReleased: () => void,
  ) {
    this.#publishUsers();
  }

  get name(): string {
    return this.def.name;
  }

  /** Open handles and pins. */
  get users(): number {
    return this.#users;
  }

  /** Programs that use it are left out: a map that only they hold cannot arm timers. */
  get referenced(): boolean {
    return this.#users > 0 || this.#progs > 0;
  }

  open(): MapHandle {
    this.getUser();
    return new MapHandle(this);
  }

  getUser(): void {
    this.#users++;
    this.#publishUsers();
  }

  putUser(): void {
    this.#users--;
    this.#publishUsers();
    const release = this.#users === 0 && this.hasTimers;
    if (release) this.home.lib.map_release_timers(this.addr);
    if (!this.referenced) this.#free();
    if (release) this.onTimersReleased();
  }

  getProg(): void {
    this.#progs++;
  }

  putProg(): void {
    this.#progs--;
    if (!this.referenced) this.#free();
  }

  /** Notes what a slot of a map of maps refers to from now on. */
  hold(slot: string, inner: LiveMap | undefined): void {
    const before = this.#held.get(slot);
    if (inner === undefined) this.#held.delete(slot);
    else this.#held.set(slot, inner);
    before?.putProg();
  }

  #free(): void {
    for (const inner of this.#held.values()) inner.putProg();
    this.#held.clear();
    this.onFree(this);
  }

  #publishUsers(): void {
    const words = new Int32Array(this.home.memory.buffer, this.addr + MAP_USER_REFS, 1);
    Atomics.store(words, 0, this.#users);
  }

  get hasTimers(): boolean {
    return new DataView(this.home.memory.buffer).getUint32(this.addr + MAP_TIMER_POOL, true) > 0;
  }
}
