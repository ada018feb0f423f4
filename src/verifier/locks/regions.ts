// Regions that kernel functions open and close: RCU reading, preemption disabled. What may not be called inside.
import type { Env } from "../env.ts";
import { MAYBE_NULL, RCU, type RegState, UNTRUSTED, withFlags } from "../state/regs.ts";
import { objectSlot } from "../state/stack.ts";
import { mapRegs } from "../state/state.ts";
import type { Kfunc } from "../kfunc/desc.ts";

/** Outside of the region nothing keeps what RCU protected: such pointers may still be followed, not trusted. */
function distrust(r: RegState): RegState {
  if ((r.flags & RCU) === 0 || r.kind === "scalar") return r;
  return withFlags(r, (r.flags & ~(RCU | MAYBE_NULL)) | UNTRUSTED);
}

function leaveRcu(env: Env, name: string): void {
  if (env.state.rcuDepth === 0) env.reject("EINVAL", `unmatched rcu read unlock (kernel function ${name})`);
  if (--env.state.rcuDepth > 0) return;
  mapRegs(env.state, distrust);
  for (const frame of env.state.frames)
    frame.stack.forEach((slot, spi) => {
      const { object } = slot ?? {};
      if (object?.kind === "iter" && object.rcu)
        frame.setSlot(spi, objectSlot({ ...object, rcu: false, untrusted: true }));
    });
}

function enterRcu(env: Env, name: string): void {
  if (env.state.rcuDepth > 0) env.reject("EINVAL", `nested rcu read lock (kernel function ${name})`);
  env.state.rcuDepth++;
}

function enablePreemption(env: Env, name: string): void {
  if (env.state.preemptDepth === 0)
    env.reject("EINVAL", `unmatched attempt to enable preemption (kernel function ${name})`);
  env.state.preemptDepth--;
}

const REGION_CALLS: Readonly<Record<string, (env: Env, name: string) => void>> = {
  bpf_rcu_read_lock: enterRcu,
  bpf_rcu_read_unlock: leaveRcu,
  bpf_preempt_disable: (env) => {
    env.state.preemptDepth++;
  },
  bpf_preempt_enable: enablePreemption,
};

/** What this path holds that forbids sleeping, in words; undefined: nothing. */
export function sleeplessRegion(env: Env): string | undefined {
  const { state } = env;
  if (state.rcuDepth > 0) return "rcu_read_lock";
  if (state.preemptDepth > 0) return "non-preemptible";
  if (state.refs.some((r) => r.kind === "irq")) return "IRQ-disabled";
  return undefined;
}

export function execRegion(env: Env, kfunc: Kfunc): void {
  const act = REGION_CALLS[kfunc.name];
  if (act !== undefined) return act(env, kfunc.name);
  const region = kfunc.is("sleepable") ? sleeplessRegion(env) : undefined;
  if (region !== undefined)
    env.reject("EACCES", `kernel func ${kfunc.name} is sleepable within ${region} region`);
}
