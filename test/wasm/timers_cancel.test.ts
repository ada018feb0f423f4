// Cancelling from callbacks: the deadlock rule on one CPU. Over several: timers_stress.test.ts.
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import { ECANCELED, EDEADLK, EINVAL, START, TIMER_OFF, TimerWorld } from "./timer_world.ts";

describe("cancelling from callbacks", () => {
  it("its own: EDEADLK, nothing dropped", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const results: number[] = [];
    const fn = w.callback(({ value }) => {
      const slot = value + TIMER_OFF;
      results.push(w.do("timer_cancel", [slot]), w.do("timer_cancel_async", [slot]), w.refs(1));
      results.push(w.do("timer_start", [slot, 5, 0]), w.do("timer_cancel", [slot]));
    });
    const slot = w.timer(map, 1, fn);
    w.do("timer_start", [slot, 0, 0]);
    expect(w.run(START)).toBe(1);
    expect(results).toEqual([EDEADLK, ECANCELED, 1, 0, EDEADLK]);
    expect(w.do("timer_cancel", [slot])).toBe(1);
  });

  it("another: 1", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const results: number[] = [];
    const other = w.timer(
      map,
      2,
      w.callback(() => results.push(99), 2),
    );
    const fn = w.callback(() => {
      results.push(w.refs(2), w.do("timer_cancel", [other]), w.do("timer_cancel", [other]));
      results.push(w.refs(2), w.do("timer_start", [other, 0, 0]));
    });
    w.do("timer_start", [other, 10, 0]);
    w.do("timer_start", [w.timer(map, 1, fn), 5, 0]);
    w.run(START + 100n);
    expect(results).toEqual([1, 1, 0, 0, EINVAL]); // program and callback went with it
    const cancelling = w.view.getUint16(
      Number(w.view.getBigUint64(other, true) & 0xffffffffn) + L.TIMER_CANCELLING,
      true,
    );
    expect(cancelling).toBe(0);
  });

  it("another while someone is cancelling this one: EDEADLK, counted back, nothing dropped", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const results: number[] = [];
    const other = w.timer(
      map,
      2,
      w.callback(() => results.push(99)),
    );
    const object = (slot: number): number => w.view.getUint32(slot, true);
    const fn = w.callback(({ value }) => {
      const own = object(value + TIMER_OFF) + L.TIMER_CANCELLING;
      w.view.setUint16(own, 1, true); // what a callback on another CPU does first
      results.push(w.do("timer_cancel", [other]), w.refs(1));
      w.view.setUint16(own, 0, true);
    });
    const slot = w.timer(map, 1, fn);
    w.do("timer_start", [slot, 0, 0]);
    w.do("timer_start", [other, 1, 0]);
    expect(w.run(START + 1n)).toBe(2);
    expect(results).toEqual([EDEADLK, 2, 99]);
    expect(w.view.getUint16(object(other) + L.TIMER_CANCELLING, true)).toBe(0);
  });

  it("what is freed while someone is cancelling it is kept for him", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const fn = w.callback(() => {});
    const slot = w.timer(map, 1, fn);
    const object = w.view.getUint32(slot, true);
    w.view.setUint16(object + L.TIMER_CANCELLING, 1, true); // what a callback on another CPU does first
    expect(w.do("map_delete_elem", [map.addr, w.key(1)])).toBe(0);
    expect([w.initialised(slot), w.refs(1), w.objects(map)]).toEqual([false, 0, 1]);
    const again = w.timer(map, 1, fn);
    expect([w.view.getUint32(again, true) === object, w.objects(map)]).toEqual([false, 2]);
  });

  it("from outside the counter is not touched", () => {
    const w = new TimerWorld();
    const map = w.timers();
    const slot = w.timer(
      map,
      1,
      w.callback(() => {}),
    );
    const at = w.view.getUint32(slot, true) + L.TIMER_CANCELLING;
    w.view.setUint16(at, 3, true);
    expect(w.do("timer_cancel", [slot])).toBe(0);
    expect(w.view.getUint16(at, true)).toBe(3);
  });
});
