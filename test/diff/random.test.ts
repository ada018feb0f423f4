// Two thousand random programs through every engine, each step of the interpreter held against the verifier's
// claims. The long run is test/diff/run_random.ts.
import { beforeAll, describe, expect, it } from "vitest";
import { runRandom, type RandomRun } from "./run_random.ts";

const SEED = 77_000;
const COUNT = 2000;

describe("random programs", () => {
  let run: RandomRun;

  beforeAll(async () => {
    run = await runRandom({ seed: SEED, count: COUNT, maxFailures: 3 });
  }, 300_000);

  it("do the same in WebAssembly, plain and checked, as in the interpreter, within what was claimed", () => {
    const failures = run.failures.map(({ seed, where, what }) => `seed ${seed}: ${where}: ${what}`);
    expect(failures).toEqual([]);
    expect(run.stats.generated).toBe(COUNT);
    expect(run.stats.packets).toBe(run.stats.accepted * 5);
  });

  it("are accepted often enough, and not for being trivial", () => {
    const { accepted, nonTrivial, generated } = run.stats;
    expect(accepted).toBeGreaterThan(generated * 0.3);
    expect(nonTrivial).toBeGreaterThan(accepted * 0.5);
  });

  // biome-ignore format: table
  it.each([
    "alu:sdiv64 reg", "alu:smod32 imm", "alu:movsx64 from 32", "alu:movsx32 from 8", "alu:be16", "alu:swap64", "alu:neg32",
    "alu:arsh32 reg", "jmp:jset32 imm", "jmp:jslt64 reg", "jmp:jge32 reg", "jmp:ja32",
    "mem:ldxs8", "mem:ldxs32", "mem:st8 reg", "mem:load_acquire32", "mem:store_release32",
    "atomic:add64", "atomic:fetch_cmpxchg32", "atomic:fetch_xchg64", "atomic:fetch_or32",
    "access:ctx read", "access:pkt read", "access:pkt write", "access:pkt_meta read", "access:map_value read",
    "access:map_value write", "access:stack read", "access:stack write",
    "flow:loop", "flow:may_goto", "flow:subprog",
    "helper:map_lookup_elem", "helper:map_update_elem", "helper:map_delete_elem", "helper:tail_call", "helper:loop",
    "helper:csum_diff", "helper:redirect_map", "helper:xdp_adjust_head", "helper:xdp_adjust_tail", "helper:xdp_adjust_meta",
    "helper:xdp_load_bytes", "helper:xdp_store_bytes", "helper:perf_event_output", "helper:get_prandom_u32", "helper:ktime_get_ns",
  ])("execute %s", (name) => {
    expect(run.stats.executed.get(name) ?? 0).toBeGreaterThan(0);
  });

  it.each([
    "pkt_loop",
    "pkt_variable",
    "value_variable",
    "value_atomic",
    "stack_fill",
    "subprog_with_packet",
    "subprog_with_value",
  ])("have %s", (name) => {
    expect(run.stats.features.get(name) ?? 0).toBeGreaterThan(0);
  });

  it("do so too where a process may not see addresses and guesses are walked", async () => {
    const { stats, failures } = await runRandom({ seed: SEED, count: 150, caps: ["bpf", "net_admin"] });
    expect(failures.map(({ seed, where, what }) => `seed ${seed}: ${where}: ${what}`)).toEqual([]);
    expect(stats.accepted).toBeGreaterThan(30);
    expect(stats.accepted).toBeLessThan(75);
  }, 300_000);

  it("come out the same from the same seed", async () => {
    const again = await runRandom({ seed: SEED, count: 20 });
    const third = await runRandom({ seed: SEED, count: 20 });
    expect(again.stats.text()).toBe(third.stats.text());
  });
});
