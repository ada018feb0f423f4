// The maps that states speak of by index: the program's own, then those that lookups in maps of maps gave.
import { INNER_MAP, type MapDef } from "./proof.ts";

export class ProgMaps {
  readonly all: MapDef[];
  /** per map: number of the lookup that gave it, 0 = none or nothing depends on it */
  readonly uids: number[];
  private readonly own: number;
  private readonly inners = new Map<string, number>();

  constructor(maps: readonly MapDef[]) {
    this.all = maps.slice();
    this.uids = maps.map(() => 0);
    this.own = maps.length;
  }

  /** Whether the map is one of the program's own, not one found in another map. */
  isOwn(index: number): boolean {
    return index < this.own;
  }

  /** The map as facts name it. */
  inFacts(index: number): number {
    return this.isOwn(index) ? index : INNER_MAP;
  }

  /** The inner map that the lookup with this id in `outer` gave. Which lookup matters only where timers do. */
  inner(outer: number, id: number): number {
    // the template's contents say nothing of the maps that are there
    const { frozen: _, ...inner } = (this.all[outer] as MapDef).inner as MapDef;
    const uid = inner.specialFields.some((f) => f.kind === "bpf_timer" || f.kind === "bpf_wq") ? id : 0;
    const key = `${outer}:${uid}`;
    const known = this.inners.get(key);
    if (known !== undefined) return known;
    const index = this.all.push({ ...inner, name: "" }) - 1;
    this.uids[index] = uid;
    this.inners.set(key, index);
    return index;
  }
}
