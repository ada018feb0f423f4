// The invariant of a chained map at rest, read from its memory.
import { expect } from "vitest";
import type { BpfMap } from "../../runtime/map/bpf_map.ts";
import * as L from "../../runtime/memory/layout.ts";

/** Every element is either in one chain or free, once. */
export function checkPool(map: BpfMap): void {
  const view = new DataView(map.home.memory.buffer);
  const word = (off: number): number => view.getUint32(map.addr + off, true);
  const seen = new Set<number>();
  const meet = (e: number): void => {
    expect(seen.has(e)).toBe(false);
    seen.add(e);
  };
  let live = 0;
  for (let b = 0; b <= word(L.MAP_BUCKET_MASK); b++) {
    for (let e = word(word(L.MAP_INDEX_OFF) + b * 8); e !== 0; e = word(e)) {
      expect(e & 7).toBe(0);
      meet(e);
      live++;
    }
  }
  for (let e = word(L.MAP_FREE); e !== 0; e = word(e + L.ELEM_HASH)) meet(e);
  expect(live).toBe(word(L.MAP_COUNT));
  expect(seen.size).toBe(Math.min(word(L.MAP_BUMP), word(L.MAP_POOL)));
}
