// The generator of random programs: the same seed, the same program; whole programs; everything occurs.
import { describe, expect, it } from "vitest";
import { decodeInsns } from "../../src/isa/decode.ts";
import { encodeInsns } from "../../src/isa/encode.ts";
import { randomProg } from "../harness/random_prog.ts";

const SEEDS = Array.from({ length: 500 }, (_, i) => i);

// biome-ignore format: table
const FEATURES = [
  "insn:alu", "insn:movsx", "insn:neg", "insn:end", "insn:ld_imm64", "insn:ldx", "insn:st", "insn:atomic", "insn:load_acquire",
  "insn:store_release", "insn:jmp", "insn:ja", "insn:may_goto", "insn:call", "insn:exit",
  "branch", "loop", "signed_div", "ctx_load", "stack_spill", "stack_fill", "stack_store", "stack_load", "stack_variable",
  "pkt_check", "pkt_load", "pkt_store", "pkt_variable", "pkt_length", "value_load", "value_store", "value_variable", "value_atomic",
  "gamble", "subprog_call",
];

// biome-ignore format: table
const HELPERS = [
  "map_lookup_elem", "map_update_elem", "map_delete_elem", "ktime_get_ns", "ktime_get_boot_ns", "get_prandom_u32", "get_smp_processor_id",
  "csum_diff", "redirect", "redirect_map", "tail_call", "perf_event_output", "xdp_adjust_head", "xdp_adjust_tail", "xdp_adjust_meta",
  "xdp_load_bytes", "xdp_store_bytes", "xdp_get_buff_len",
];

describe("random programs", () => {
  it("depend on the seed alone", () => {
    for (const seed of SEEDS.slice(0, 50)) {
      expect(encodeInsns(randomProg(seed).prog.insns)).toEqual(encodeInsns(randomProg(seed).prog.insns));
    }
    const different = new Set(
      SEEDS.map((seed) => Buffer.from(encodeInsns(randomProg(seed).prog.insns)).toString("hex")),
    );
    expect(different.size).toBeGreaterThan(480);
  });

  it("are whole: every insn is valid and every jump stays inside", () => {
    for (const seed of SEEDS) {
      const { prog } = randomProg(seed);
      expect(decodeInsns(encodeInsns(prog.insns))).toEqual(prog.insns);
      for (const insn of prog.insns) {
        if (insn === undefined) continue;
        expect(insn.kind).not.toBe("invalid");
        if ("target" in insn) expect(prog.insns[insn.target], `seed ${seed}, insn ${insn.pc}`).toBeDefined();
      }
    }
  });

  it("have every feature and helper", () => {
    const total = new Map<string, number>();
    for (const seed of SEEDS)
      for (const [name, n] of randomProg(seed).features) total.set(name, (total.get(name) ?? 0) + n);
    for (const name of [...FEATURES, ...HELPERS.map((h) => `helper:${h}`)])
      expect(total.get(name) ?? 0, name).toBeGreaterThan(4);
  });

  it("call nothing when asked not to", () => {
    for (const seed of SEEDS) {
      const { prog } = randomProg(seed, { helpers: false, statements: 12 });
      expect(prog.insns.some((insn) => insn?.kind === "call" && insn.callee.kind === "helper")).toBe(false);
    }
  });
});
