// lib.wasm as a module: what it imports, what it must not carry, and that binaryen can put a program into it.
import binaryen from "binaryen";
import { describe, expect, it } from "vitest";
import { HELPERS } from "../../src/spec/helpers.ts";
import * as L from "../../runtime/memory/layout.ts";
import { libBytes } from "../../runtime/wasm/lib.ts";
import { checkModule } from "../../runtime/wasm/build.mjs";
import { TestWorld } from "./world.ts";
import { walkFrames } from "./walk_frames.ts";

const module = new WebAssembly.Module(libBytes() as BufferSource);

// biome-ignore format: table
const HERE = [
  "map_lookup_elem", "map_update_elem", "map_delete_elem", "ktime_get_ns", "trace_printk", "get_prandom_u32",
  "get_smp_processor_id", "skb_store_bytes", "l3_csum_replace", "l4_csum_replace", "clone_redirect",
  "get_cgroup_classid", "skb_vlan_push", "skb_vlan_pop", "skb_get_tunnel_key", "skb_set_tunnel_key", "redirect",
  "get_route_realm", "perf_event_output", "skb_load_bytes", "csum_diff", "skb_get_tunnel_opt",
  "skb_set_tunnel_opt", "skb_change_proto", "skb_change_type", "get_hash_recalc", "skb_change_tail",
  "skb_pull_data", "csum_update", "set_hash_invalid", "get_numa_node_id", "skb_change_head", "xdp_adjust_head",
  "get_socket_cookie", "get_socket_uid", "set_hash", "skb_adjust_room", "redirect_map", "xdp_adjust_meta",
  "xdp_adjust_tail", "skb_load_bytes_relative", "skb_cgroup_id", "skb_ancestor_cgroup_id", "map_push_elem",
  "map_pop_elem", "map_peek_elem", "spin_lock", "spin_unlock", "skb_ecn_set_ce", "jiffies64",
  "get_netns_cookie", "ktime_get_boot_ns", "ringbuf_output", "ringbuf_reserve", "ringbuf_submit",
  "ringbuf_discard", "ringbuf_query", "csum_level", "skb_cgroup_classid", "redirect_neigh", "redirect_peer",
  "ktime_get_coarse_ns", "timer_init", "timer_set_callback", "timer_start", "timer_cancel", "trace_vprintk",
  "strncmp", "xdp_get_buff_len", "xdp_load_bytes", "xdp_store_bytes", "skb_set_tstamp",
  "map_lookup_percpu_elem", "dynptr_from_mem", "ringbuf_reserve_dynptr", "ringbuf_submit_dynptr", "ringbuf_discard_dynptr",
  "dynptr_read", "dynptr_write", "dynptr_data", "ktime_get_tai_ns",
];

describe("lib.wasm", () => {
  it("imports memory, table, program and the sleep, and has no state of its own", () => {
    expect(checkModule(libBytes())).toEqual([]);
    expect(
      WebAssembly.Module.imports(module)
        .map((i) => `${i.module}.${i.name}`)
        .sort(),
    ).toEqual(["env.memory", "env.prog", "env.table", "env.wait"]);
  });

  it("the check finds a data section and a foreign import", () => {
    const m = binaryen.parseText(
      '(module (import "env" "log" (func)) (memory 1) (global i32 (i32.const 0)) (data (i32.const 0) "x"))',
    );
    const bytes = m.emitBinary();
    m.dispose();
    expect(checkModule(bytes)).toEqual([
      "has a memory section",
      "has a global section",
      "has a data section",
      "imports env.log",
    ]);
  });

  it("exports these helpers; of others programs are refused", () => {
    const exported = new Set(WebAssembly.Module.exports(module).map((e) => e.name));
    expect(HELPERS.flatMap((h) => (h !== undefined && exported.has(h.name) ? [h.name] : []))).toEqual(HERE);
  });

  it("binaryen puts a program in the place of env.prog", () => {
    const m = binaryen.readBinary(libBytes());
    m.setFeatures(
      binaryen.Features.Atomics |
        binaryen.Features.SIMD128 |
        binaryen.Features.BulkMemory |
        binaryen.Features.BulkMemoryOpt |
        binaryen.Features.SignExt |
        binaryen.Features.NontrappingFPToInt |
        binaryen.Features.MutableGlobals,
    );
    let prog: string | undefined;
    for (let i = 0; i < m.getNumFunctions(); i++) {
      const info = binaryen.getFunctionInfo(m.getFunctionByIndex(i));
      if (info.base === "prog" && info.module === "env") prog = info.name;
    }
    if (prog === undefined) throw new Error("no env.prog");
    const { i32, i64 } = binaryen;
    m.removeFunction(prog);
    m.addFunction(prog, binaryen.createType([i32, i32, i64]), i64, [], m.i64.const(3n));
    m.runPasses(["inlining"]);
    expect(m.validate()).toBeTruthy();
    const bytes = m.emitBinary();
    m.dispose();
    const world = new TestWorld();
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), {
      env: { memory: world.memory, table: world.table, wait: () => 0 },
    });
    Object.assign(world, { lib: exports });
    walkFrames(world, [{ at: world.alloc(60), len: 60 }], 0);
    expect(world.view.getBigUint64(world.cpuBlock(0) + L.CPU_STAT_VERDICTS + 3 * 8, true)).toBe(1n);
  });
});
