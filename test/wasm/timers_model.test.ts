// A small model of a map's timers against the library: random call sequences, from programs and from callbacks, on the
// virtual clock. SOFTIRQ_MODEL_STEPS sets the number of steps (a million over all rows).
import { describe, expect, it } from "vitest";
import * as L from "../../runtime/memory/layout.ts";
import type { HelperExport } from "../../runtime/wasm/lib.ts";
import { EBUSY, ECANCELED, EDEADLK, EINVAL, EPERM, START, TIMER_OFF, TimerWorld } from "./timer_world.ts";

const STEPS = Number(process.env["SOFTIRQ_MODEL_STEPS"] ?? 1_000_000);
const KEYS = 8;
const ENOENT = -2;

/** What one timer is; undefined = not initialised. */
interface Timer {
  prog: number; // 0 = no callback
  due: number; // after START; -1 = not armed
  seq: number;
}

class Model {
  timers: (Timer | undefined)[] = Array.from({ length: KEYS }, () => undefined);
  present: boolean[];
  running: Timer | undefined;
  now = 0;
  seq = 0;
  userRefs = 1;

  constructor(readonly array: boolean) {
    this.present = Array.from({ length: KEYS }, () => array);
  }

  init(key: number, clock: number): number {
    if (clock !== 0 && clock !== 1 && clock !== 7) return EINVAL;
    if (this.timers[key] !== undefined) return EBUSY;
    if (this.userRefs === 0) return EPERM;
    this.timers[key] = { prog: 0, due: -1, seq: 0 };
    return 0;
  }

  setCallback(key: number, prog: number): number {
    const t = this.timers[key];
    if (t === undefined) return EINVAL;
    if (this.userRefs === 0) return EPERM;
    t.prog = prog;
    return 0;
  }

  start(key: number, ns: number, absolute: boolean): number {
    const t = this.timers[key];
    if (t === undefined || t.prog === 0) return EINVAL;
    t.due = absolute ? ns : this.now + ns;
    t.seq = this.seq++;
    return 0;
  }

  cancel(key: number): number {
    const t = this.timers[key];
    if (t === undefined) return EINVAL;
    if (t === this.running) return EDEADLK;
    t.prog = 0;
    return this.#disarm(t);
  }

  cancelAsync(key: number): number {
    const t = this.timers[key];
    if (t === undefined) return EINVAL;
    return t === this.running ? ECANCELED : this.#disarm(t);
  }

  #disarm(t: Timer): number {
    const armed = Number(t.due !== -1);
    t.due = -1;
    return armed;
  }

  free(key: number): void {
    this.timers[key] = undefined;
  }

  release(): void {
    this.timers.fill(undefined);
  }

  /** The one that fires next at or before `until`. */
  next(until: number): number {
    let best = -1;
    for (const [key, t] of this.timers.entries()) {
      if (t === undefined || t.due < 0 || t.due > Math.max(until, this.now)) continue;
      const b = best < 0 ? undefined : this.timers[best];
      if (b === undefined || t.due < b.due || (t.due === b.due && t.seq < b.seq)) best = key;
    }
    return best;
  }

  refs(prog: number): number {
    return this.timers.filter((t) => t?.prog === prog).length;
  }
}

class Runner {
  readonly w: TimerWorld;
  readonly model: Model;
  readonly map: ReturnType<TimerWorld["timers"]>;
  readonly cpu: number;
  readonly keys: number;
  readonly value: number;
  readonly fns: readonly number[];
  steps = 0;
  fired = 0;
  until = 0;
  #state: number;
  #fn: Record<string, HelperExport>;

  constructor(
    readonly type: "hash" | "lru_hash" | "array",
    seed: number,
    alone: boolean,
  ) {
    this.w = new TimerWorld({ flags: alone ? L.WORLD_F_ALONE : 0 });
    this.cpu = this.w.cpuBlock(0);
    this.#state = seed;
    this.model = new Model(type === "array");
    this.map = this.w.timers({ type, maxEntries: KEYS });
    this.#fn = this.w.lib as unknown as Record<string, HelperExport>;
    this.keys = this.w.alloc(KEYS * 8);
    for (let i = 0; i < KEYS; i++) this.w.view.setUint32(this.keys + i * 8, i, true);
    this.value = this.w.put(new Uint8Array(24).fill(0xee));
    this.fns = [1, 2].map((prog) => this.w.callback(({ key, value }) => this.onFire(prog, key, value), prog));
    this.w.view.setUint32(L.WORLD_TIMER_CAP, 0xffffffff, true);
  }

  random(n: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % n;
  }

  call(name: string, ...args: number[]): number {
    return Number(this.#fn[name]!(this.cpu, ...args.map(BigInt)));
  }

  slot(key: number): number {
    return this.call("map_lookup_elem", this.map.addr, this.keys + key * 8);
  }

  same(what: string, got: number, want: number): void {
    if (got !== want) expect.fail(`step ${this.steps}: ${what} gave ${got}, the model says ${want}`);
  }

  onFire(prog: number, keyAt: number, value: number): void {
    const { model, w } = this;
    const key = w.view.getUint32(keyAt, true);
    const want = model.next(this.until);
    this.same("fired", key, want);
    const t = model.timers[key]!;
    this.same("program", prog, t.prog);
    model.now = Math.max(model.now, t.due);
    t.due = -1;
    this.same("clock", Number(w.now() - START), model.now);
    this.same("value", value, this.slot(key));
    this.fired++;
    model.running = t;
    for (let n = this.random(3); n > 0; n--) this.step(true);
    model.running = undefined;
  }

  delay(): number {
    return [() => 0, () => this.random(4), () => this.random(300), () => this.random(1 << 30)][
      this.random(4)
    ]!();
  }

  step(inside: boolean): void {
    this.steps++;
    const { model, map } = this;
    const key = this.random(KEYS);
    const what = this.random(24);
    if (what < 2) {
      if (!inside) this.advance();
    } else if (what === 4) this.remove(key);
    else if (what === 5) this.update(key);
    else if (what === 6 && (model.userRefs === 0 || this.random(100) === 0)) this.users(inside);
    else {
      if (!model.present[key]) this.update(key);
      const slot = this.slot(key) + TIMER_OFF;
      if (what < 10) {
        const clock = this.random(20) === 0 ? this.random(20) : [0, 1, 7][this.random(3)]!;
        // CLOCK_REALTIME has its own distance: absolute starts are for the others, see below
        this.same(
          "init",
          this.call("timer_init", slot, map.addr, clock === 0 ? 1 : clock),
          model.init(key, clock === 0 ? 1 : clock),
        );
      } else if (what < 14) {
        const prog = 1 + this.random(2);
        this.same(
          "set_callback",
          this.call("timer_set_callback", slot, this.fns[prog - 1]!),
          model.setCallback(key, prog),
        );
      } else if (what < 20) {
        const absolute = this.random(3) === 0;
        const ns = absolute ? Math.max(0, model.now - 500 + this.random(1000)) : this.delay();
        const arg = absolute ? Number(START) + ns : ns;
        this.same(
          "start",
          this.call("timer_start", slot, arg, Number(absolute)),
          model.start(key, ns, absolute),
        );
      } else if (what < 22) this.same("cancel", this.call("timer_cancel", slot), model.cancel(key));
      else this.same("cancel_async", this.call("timer_cancel_async", slot), model.cancelAsync(key));
    }
  }

  remove(key: number): void {
    const { model, map } = this;
    const want = model.array ? EINVAL : model.present[key] ? 0 : ENOENT;
    this.same("delete", this.call("map_delete_elem", map.addr, this.keys + key * 8), want);
    if (want !== 0) return;
    model.free(key);
    model.present[key] = false;
  }

  update(key: number): void {
    this.same("update", this.call("map_update_elem", this.map.addr, this.keys + key * 8, this.value, 0), 0);
    this.model.free(key);
    this.model.present[key] = true;
  }

  /** The last handle goes, or one comes back. */
  users(inside: boolean): void {
    const { model, w, map } = this;
    if (inside) return;
    model.userRefs ^= 1;
    w.setUserRefs(map, model.userRefs);
    if (model.userRefs !== 0) return;
    w.lib.map_release_timers(map.addr);
    model.release();
  }

  advance(): void {
    const { model, w } = this;
    this.until = model.now + this.delay();
    w.run(START + BigInt(this.until));
    expect(w.reason()).toBe(L.WALK_DONE);
    this.same("left", model.next(this.until), -1);
    this.check();
  }

  check(): void {
    const { model, w } = this;
    for (const prog of [1, 2]) this.same(`references of program ${prog}`, w.refs(prog), model.refs(prog));
    const armed = model.timers.filter((t) => t !== undefined && t.due >= 0);
    this.same("armed", w.pending(), armed.length);
    const first = armed.length === 0 ? -1n : START + BigInt(Math.min(...armed.map((t) => t?.due ?? 0)));
    this.same("next due", Number(w.lib.timer_next_due(this.cpu)), Number(first));
    this.same("objects", w.objects(this.map), model.timers.filter((t) => t !== undefined).length);
  }
}

const ROWS = (["hash", "lru_hash", "array"] as const).flatMap((type) =>
  [false, true].map((alone, seed) => ({ type, seed, alone })),
);

describe("one map's timers and the model", () => {
  it.each(ROWS)("$type, alone: $alone", { timeout: 600_000 }, ({ type, seed, alone }) => {
    const runner = new Runner(type, (seed + 1) * 7919, alone);
    while (runner.steps < STEPS / ROWS.length) runner.step(false);
    runner.check();
    expect(runner.fired).toBeGreaterThan(STEPS / 200);
  });
});
