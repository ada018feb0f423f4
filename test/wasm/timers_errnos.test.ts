// What bpf_timer's helpers give and refuse, one call after another: errnos, flags, clocks, what a map must be.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { EBUSY, EINVAL, EPERM, START, TIMER_TYPES, TimerWorld } from "./timer_world.ts";

const NEVER = 2n ** 63n - 1n;

describe.each(TIMER_TYPES)("errnos of the helpers, %s", (type) => {
  const make = (): { w: TimerWorld; map: ReturnType<TimerWorld["timers"]>; slot: number; fn: number } => {
    const w = new TimerWorld();
    const map = w.timers({ type });
    return { w, map, slot: w.slot(map, 1), fn: w.callback(() => {}) };
  };

  it.each([
    [0, 0],
    [1, 0],
    [7, 0],
    [2, EINVAL],
    [3, EINVAL],
    [4, EINVAL],
    [8, EINVAL],
    [9, EINVAL],
    [11, EINVAL],
    [15, EINVAL],
    [16, EINVAL],
    [17, EINVAL],
    [2 ** 32 + 1, EINVAL],
  ])("timer_init with flags %i gives %i", (flags, want) => {
    const { w, map, slot } = make();
    expect(w.do("timer_init", [slot, map.addr, flags])).toBe(want);
    expect(w.initialised(slot)).toBe(want === 0);
  });

  it("timer_init of an initialised timer: EBUSY", () => {
    const { w, map, slot } = make();
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(0);
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(EBUSY);
    expect(w.objects(map)).toBe(1);
  });

  it("without a user reference: EPERM, nothing stays", () => {
    const { w, map, slot, fn } = make();
    w.setUserRefs(map, 0);
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(EPERM);
    expect(w.initialised(slot)).toBe(false);
    expect(w.objects(map)).toBe(0);
    w.setUserRefs(map, 1);
    expect(w.do("timer_init", [slot, map.addr, 1])).toBe(0);
    w.setUserRefs(map, 0);
    expect(w.do("timer_set_callback", [slot, fn])).toBe(EPERM);
    expect(w.refs(1)).toBe(0);
  });

  it("what is not initialised: EINVAL", () => {
    const { w, slot, fn } = make();
    expect(w.do("timer_set_callback", [slot, fn])).toBe(EINVAL);
    expect(w.do("timer_start", [slot, 0, 0])).toBe(EINVAL);
    expect(w.do("timer_cancel", [slot])).toBe(EINVAL);
    expect(w.do("timer_cancel_async", [slot])).toBe(EINVAL);
  });

  it("timer_start: EINVAL without a callback and with unknown flags", () => {
    const { w, map, slot, fn } = make();
    w.do("timer_init", [slot, map.addr, 1]);
    expect(w.do("timer_start", [slot, 0, 0])).toBe(EINVAL);
    w.do("timer_set_callback", [slot, fn]);
    expect(w.do("timer_start", [slot, 0, 4])).toBe(EINVAL);
    expect(w.do("timer_start", [slot, 0, -1])).toBe(EINVAL);
    expect(w.pending()).toBe(0);
    for (const flags of [0, 1, 2, 3]) expect(w.do("timer_start", [slot, 0, flags])).toBe(0);
    expect(w.pending()).toBe(1);
  });

  it("timer_cancel: 1 if it was armed, 0 if not; then it needs a callback again", () => {
    const { w, slot, map, fn } = make();
    w.timer(map, 1, fn);
    expect(w.refs(1)).toBe(1);
    expect(w.do("timer_cancel", [slot])).toBe(0);
    expect(w.refs(1)).toBe(0);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(EINVAL);
    expect(w.do("timer_set_callback", [slot, fn])).toBe(0);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(0);
    expect(w.do("timer_cancel", [slot])).toBe(1);
    expect(w.run(NEVER)).toBe(0);
    expect(w.counter(L.CPU_TIMERS_CANCELLED)).toBe(1n);
  });

  it("timer_cancel_async keeps callback and program", () => {
    const { w, slot, map, fn } = make();
    w.timer(map, 1, fn);
    expect(w.do("timer_cancel_async", [slot])).toBe(0);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(0);
    expect(w.do("timer_cancel_async", [slot])).toBe(1);
    expect(w.pending()).toBe(0);
    expect(w.refs(1)).toBe(1);
    expect(w.do("timer_start", [slot, 5, 0])).toBe(0);
    expect(w.run(START + 5n)).toBe(1);
  });
});

describe("what a map must be", () => {
  it.each(["percpu_hash", "percpu_array", "lru_percpu_hash", "lpm_trie"] as const)(
    "%s: EOPNOTSUPP",
    (type) => {
      const w = new TimerWorld();
      expect(() => w.timers({ type, keySize: type === "lpm_trie" ? 8 : 4 })).toThrow("cannot hold timers");
    },
  );
});
