// Statements that call: helpers and subprograms.
import {
  CTX,
  EVENTS,
  PKT_ARG,
  VALUE_ARG,
  type Gen,
  imm,
  JUMP,
  PORTS,
  RANDOM_MAPS,
  reg,
  UPDATE,
  type Planned,
} from "./random_gen.ts";
import { makePacket } from "./random_access.ts";
import { NONE, SCALAR } from "./random_state.ts";

export function makeNumber(g: Gen): void {
  if (!g.canCall()) return;
  g.call(g.rng.pick(["ktime_get_ns", "get_prandom_u32", "get_smp_processor_id", "ktime_get_boot_ns"]));
}

export function makeUpdate(g: Gen): void {
  const { rng, st } = g;
  if (!g.canCall()) return;
  const map = rng.pick(UPDATE);
  const value = g.buffer(RANDOM_MAPS[map]?.valueSize ?? 8);
  const key = g.key(map);
  const remove = rng.chance(30);
  g.map(1, map);
  g.stackPtr(2, key);
  if (remove) return g.call("map_delete_elem");
  if (!st.isData(value, RANDOM_MAPS[map]?.valueSize ?? 8)) return;
  g.stackPtr(3, value);
  g.mov(4, imm(rng.below(3)));
  g.call("map_update_elem");
}

export function makeCsum(g: Gen): void {
  const { rng } = g;
  if (!g.canCall()) return;
  const from = g.buffer(16);
  const seed = g.scalar(g.writable([5, 0]));
  if (seed !== 5) g.mov(5, reg(seed));
  g.stackPtr(1, from);
  g.mov(2, imm(rng.pick([4, 8, 12, 16])));
  g.mov(3, imm(0));
  g.mov(4, imm(0));
  g.call("csum_diff");
}

export function makeAdjust(g: Gen): void {
  const { rng } = g;
  if (!g.canCall() || !g.hasCtx() || g.loops > 0) return;
  const which = rng.pick(["xdp_adjust_head", "xdp_adjust_tail", "xdp_adjust_meta"]);
  g.mov(1, reg(CTX));
  g.mov(2, imm(which === "xdp_adjust_meta" ? 4 * rng.between(-8, 0) : rng.between(-24, 24)));
  g.call(which);
  g.st.dropPackets();
  // pointers taken anew
  if (rng.chance(60)) makePacket(g);
}

export function makeBytes(g: Gen): void {
  const { rng } = g;
  if (!g.canCall() || !g.hasCtx()) return;
  const size = rng.pick([1, 4, 6, 8, 16]);
  const off = g.buffer(size);
  g.mov(1, reg(CTX));
  g.mov(2, imm(rng.below(64)));
  g.stackPtr(3, off);
  g.mov(4, imm(size));
  g.call(rng.pick(["xdp_load_bytes", "xdp_store_bytes"]));
}

export function makeRedirect(g: Gen): void {
  const { rng } = g;
  if (!g.canCall()) return;
  if (rng.chance(50)) {
    g.mov(1, imm(rng.below(4)));
    g.mov(2, imm(0));
    return g.call("redirect");
  }
  const key = g.index(7);
  if (key !== 2) g.mov(2, reg(key));
  g.map(1, PORTS);
  g.mov(3, imm(rng.below(4)));
  g.call("redirect_map");
}

export function makeContextCall(g: Gen): void {
  const { rng } = g;
  if (!g.canCall() || !g.hasCtx()) return;
  const off = g.buffer(16);
  const tail = g.loops === 0 && g.level === 0 && rng.chance(30);
  if (rng.chance(40) && !tail) {
    g.mov(1, reg(CTX));
    return g.call("xdp_get_buff_len");
  }
  g.map(2, tail ? JUMP : EVENTS);
  if (tail) {
    g.mov(3, imm(rng.below(6)));
    g.mov(1, reg(CTX));
    g.call("tail_call", NONE);
    return g.st.dropPackets();
  }
  g.mov(3, imm(-1), 32);
  g.stackPtr(4, off);
  g.mov(5, imm(rng.between(1, 16)));
  g.mov(1, reg(CTX));
  g.call("perf_event_output");
}

export function makeSubprogCall(g: Gen): void {
  const { rng, b, st } = g;
  if (!g.canCall() || g.level > 2 || g.loops > 1) return;
  const deeper = g.planned.flatMap((plan, i) => (plan.level > g.level ? [{ plan, i }] : []));
  const pkt = st.of("pkt").find((regno) => g.rangeOf(regno) >= PKT_ARG && regno !== 2);
  const end = st.of("end").find((regno) => regno !== 1);
  const value = st.of("value").find((regno) => g.rangeOf(regno) >= VALUE_ARG);
  const can = (takes: Planned["takes"]): boolean =>
    (takes !== "packet" || (pkt !== undefined && end !== undefined && end !== pkt)) &&
    (takes !== "value" || value !== undefined) &&
    (takes !== "ctx" || g.hasCtx());
  const takes = rng.pick(
    (["scalars", "ctx", "memory", "packet", "packet", "value", "value"] as const).filter(can),
  );
  const fresh: Planned = { takes, level: g.level + 1 };
  const reuse = deeper.length > 0 && (g.planned.length >= 3 || rng.chance(30));
  if (!reuse && g.planned.length >= 3) return;
  const { plan, i } = reuse ? rng.pick(deeper) : { plan: fresh, i: g.planned.length };
  if (!can(plan.takes)) return;
  if (!reuse) g.planned.push(fresh);
  if (plan.takes === "memory") g.stackPtr(1, g.buffer(16));
  else if (plan.takes === "ctx") g.mov(1, reg(CTX));
  else if (plan.takes === "value") g.mov(1, reg(value ?? 1));
  else if (plan.takes === "packet") {
    if (end !== 2) g.mov(2, reg(end ?? 2));
    g.mov(1, reg(pkt ?? 1));
  } else if (st.get(1).t !== "scalar") g.constant(1);
  if (plan.takes !== "packet" && st.get(2).t !== "scalar") g.constant(2);
  b.count(`subprog_with_${plan.takes}`);
  b.emit({ kind: "call", callee: { kind: "subprog", target: i + 1 } });
  b.count("subprog_call");
  st.clobber();
  st.set(0, SCALAR);
  // a subprog with the context may move packet data
  if (plan.takes === "ctx") st.dropPackets();
}

/** bpf_loop with a callback that gets some stack. */
export function makeCallbackLoop(g: Gen): void {
  const { rng, b } = g;
  if (!g.canCall() || g.level > 1 || g.loops > 0 || g.planned.length >= 4) return;
  const off = g.buffer(16);
  g.planned.push({ takes: "callback", level: 3 });
  g.stackPtr(3, off);
  b.emit({ kind: "ld_imm64", dst: 2, value: { kind: "func", target: g.planned.length } });
  g.st.set(2, NONE);
  g.mov(1, imm(rng.between(0, 6)));
  g.mov(4, imm(0));
  g.call("loop");
}
