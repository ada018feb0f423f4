// A map's life: who refers to it, and what happens when the last user does no more. Open handles and pins are user
// references; programs that use it are not. Its timers live as long as it has a user.
import type { MapDef } from "../../src/verifier/proof.ts";
import { BpfMap, type MapHome } from "../map/bpf_map.ts";
import { MAP_TIMER_POOL, MAP_USER_REFS } from "../memory/layout.ts";

/** An open handle of a map: bytes in and out until it is closed. */
export class MapHandle extends BpfMap {
  readonly live: LiveMap;
  #open = true;

  constructor(live: LiveMap) {
    super(live.home, live.addr, live.def);
    this.live = live;
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
  #users = 0;
  #progs = 0;

  constructor(
    readonly home: MapHome,
    readonly addr: number,
    readonly def: MapDef,
    /** called when nothing refers to it any more */
    readonly onFree: (map: LiveMap) => void,
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
    if (this.#users === 0 && this.hasTimers) this.home.lib.map_release_timers(this.addr);
    if (!this.referenced) this.onFree(this);
  }

  getProg(): void {
    this.#progs++;
  }

  putProg(): void {
    this.#progs--;
    if (!this.referenced) this.onFree(this);
  }

  #publishUsers(): void {
    const words = new Int32Array(this.home.memory.buffer, this.addr + MAP_USER_REFS, 1);
    Atomics.store(words, 0, this.#users);
  }

  get hasTimers(): boolean {
    return new DataView(this.home.memory.buffer).getUint32(this.addr + MAP_TIMER_POOL, true) > 0;
  }
}
