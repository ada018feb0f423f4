// bpf_wq, as far as the library decides it: errnos, runs, freeing.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { EBUSY, EINVAL, EPERM, START, TIMER_OFF, TIMER_SHAPE, TimerWorld } from "./timer_world.ts";
import { u32 } from "./world.ts";

describe("bpf_wq", () => {
  const shape = {
    ...TIMER_SHAPE,
    specialFields: [{ kind: "bpf_wq", name: "w", off: TIMER_OFF, size: 16 }] as const,
  };

  it("errnos, one run a start, freed with its element", () => {
    const w = new TimerWorld();
    const map = w.map(shape);
    const slot = w.slot(map, 1);
    const seen: number[] = [];
    const fn = w.callback(({ key, cpu }) => {
      seen.push(w.view.getUint32(key, true), Number(w.view.getBigUint64(cpu + L.CPU_CUR_TIMER, true)));
      if (seen.length === 2) seen.push(w.do("wq_start", [slot, 0]));
    });
    expect(w.do("wq_start", [slot, 0])).toBe(EINVAL);
    expect(w.do("wq_init", [slot, map.addr, 1])).toBe(EINVAL);
    expect(w.do("wq_init", [slot, map.addr, 0])).toBe(0);
    expect(w.do("wq_init", [slot, map.addr, 0])).toBe(EBUSY);
    expect(w.do("wq_start", [slot, 0])).toBe(EINVAL);
    expect(w.do("wq_set_callback_impl", [slot, fn, 1, 0])).toBe(EINVAL);
    expect(w.do("wq_set_callback_impl", [slot, fn, 0, 0])).toBe(0);
    expect(w.do("wq_start", [slot, 1])).toBe(EINVAL);
    expect(w.do("wq_start", [slot, 0])).toBe(0);
    expect(w.do("wq_start", [slot, 0])).toBe(0); // waits already
    expect(w.run(START)).toBe(2);
    expect(seen).toEqual([1, 0, 0, 1, 0]);
    w.do("wq_start", [slot, 0]);
    expect(w.refs(1)).toBe(1);
    map.delete(u32(1));
    expect([w.pending(), w.refs(1), w.objects(map)]).toEqual([0, 0, 0]);
  });

  it("work that waits already keeps its place", () => {
    const w = new TimerWorld();
    const map = w.map(shape);
    const order: number[] = [];
    const fn = w.callback(({ key }) => order.push(w.view.getUint32(key, true)));
    const slots = [1, 2].map((key) => {
      const slot = w.slot(map, key);
      expect(w.do("wq_init", [slot, map.addr, 0])).toBe(0);
      expect(w.do("wq_set_callback_impl", [slot, fn, 0, 0])).toBe(0);
      return slot;
    });
    for (const i of [0, 1, 0]) expect(w.do("wq_start", [slots[i] ?? 0, 0])).toBe(0);
    w.run(START);
    expect(order).toEqual([1, 2]);
  });

  it("without a user reference: EPERM", () => {
    const w = new TimerWorld();
    const map = w.map(shape);
    w.setUserRefs(map, 0);
    expect(w.do("wq_init", [w.slot(map, 1), map.addr, 0])).toBe(EPERM);
    expect(w.objects(map)).toBe(0);
  });
});
