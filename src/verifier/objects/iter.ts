// Iterators that a program keeps on its stack: made, asked for the next element, destroyed by kernel functions. Asking
// forks the path: one with an element, one on which the iterator has come to its end. The first goes round the loop
// until a round is covered by an earlier one, which is enough because every iterator ends at some time.
import { checkMayOverwrite, destroyDynptr } from "../stack/dynptr_slots.ts";
import type { Env } from "../env.ts";
import type { PtrArg } from "../kfunc/arg_checks.ts";
import type { IterPlace, KfuncMeta } from "../kfunc/meta.ts";
import { acquireRef, releaseRef } from "../state/refs.ts";
import { MAYBE_NULL, type RegState, withFlags, ZERO } from "../state/regs.ts";
import { checkStackBounds, growStack } from "../stack/bounds.ts";
import { BYTE_ITER, byteAt, EMPTY_SLOT, objectSlot, type StackObject } from "../state/stack.ts";
import { noteSlotRead, noteSlotWrite } from "../stack/live.ts";
import { type Frame, type VerifierState } from "../state/state.ts";
import { objectPlace, type ObjectPlace } from "../stack/place.ts";
import { inRcu, inSleepable } from "../state/trust.ts";
import { widenImprecise } from "../state/widen.ts";

type Iter = Extract<StackObject, { kind: "iter" }>;

/** struct bpf_iter_<name> */
function iterName(arg: PtrArg): string {
  return arg.to.name.replace(/^bpf_iter_/, "");
}

function slotsOf(arg: PtrArg): number {
  return arg.to.kind === "struct" ? arg.to.size / 8 : 0;
}

function iterAt(frame: Frame, spi: number): Iter | undefined {
  const { object } = frame.slot(spi);
  return object?.kind === "iter" ? object : undefined;
}

/** The iterator that lies there whole; "left": its protection ended. */
function wholeIter({ frame, spi }: ObjectPlace, arg: PtrArg): Iter | "left" | undefined {
  const first = iterAt(frame, spi);
  for (let i = 0; i < slotsOf(arg); i++) {
    const part = iterAt(frame, spi - i);
    if (part?.untrusted === true) return "left";
    if (part === undefined || part.name !== iterName(arg) || (part.refId !== 0) !== (i === 0))
      return undefined;
  }
  return first;
}

/** Tasks of a cgroup are walked only where that cannot deadlock. */
function checkPlace(env: Env, name: string): void {
  const { type, expectedAttachType } = env.prog;
  const fine = type === "lsm" || (type === "tracing" && expectedAttachType === "trace_iter");
  if (name === "bpf_iter_css_task_new" && !fine && !inSleepable(env))
    env.reject("EINVAL", "css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs");
}

function checkNew(env: Env, arg: PtrArg, meta: KfuncMeta): void {
  checkPlace(env, meta.kfunc.name);
  const place = objectPlace(env, arg.regno, "iter", slotsOf(arg));
  const isFree = (spi: number): boolean =>
    [0, 1, 2, 3, 4, 5, 6, 7].every((b) => byteAt((place as ObjectPlace).frame.slot(spi), b) !== BYTE_ITER);
  if (place === undefined || !Array.from({ length: slotsOf(arg) }, (_, i) => place.spi - i).every(isFree))
    env.reject("EINVAL", `expected uninitialized iter_${iterName(arg)} as arg #${arg.i}`);
  for (let i = 0; i < slotsOf(arg); i++) checkStackBounds(env, arg.regno, i * 8, 8, true);
  checkMayOverwrite(env, place.frame, place.spi - slotsOf(arg) + 1, place.spi);
  meta.iter = { frameno: place.frame.frameno, spi: place.spi, slots: slotsOf(arg), name: iterName(arg) };
}

export function checkIter(env: Env, arg: PtrArg, meta: KfuncMeta): void {
  if (arg.reg.kind !== "fp") env.reject("EINVAL", `arg#${arg.i} expected pointer to an iterator on stack`);
  if (slotsOf(arg) < 1 || slotsOf(arg) % 1 !== 0)
    env.reject("EINVAL", `expected valid iter pointer as arg #${arg.i}`);
  if (meta.kfunc.is("iter_new")) return checkNew(env, arg, meta);
  const place = objectPlace(env, arg.regno, "iter", slotsOf(arg));
  const found = place === undefined ? undefined : wholeIter(place, arg);
  if (found === "left") env.reject("EPROTO", `expected an RCU CS when using ${meta.kfunc.name}`);
  if (found === undefined || place === undefined)
    env.reject("EINVAL", `expected an initialized iter_${iterName(arg)} as arg #${arg.i}`);
  meta.refId = found.refId;
  meta.iter = { frameno: place.frame.frameno, spi: place.spi, slots: slotsOf(arg), name: iterName(arg) };
}

/** Makes the iterator, or destroys it; notes that it is looked at. */
export function stepIter(env: Env, { kfunc, iter }: KfuncMeta): void {
  if (iter === undefined) return;
  const frame = env.state.frames[iter.frameno] as Frame;
  const all = Array.from({ length: iter.slots }, (_, i) => iter.spi - i);
  if (kfunc.is("iter_new")) {
    growStack(env, frame, -(iter.spi + 1) * 8);
    const rcu = kfunc.is("rcu_protected");
    const id = acquireRef(env);
    env.stackObjects = true;
    all.forEach((spi, i) => {
      destroyDynptr(env, frame, spi);
      const part: Iter = {
        kind: "iter",
        name: iter.name,
        state: "active",
        depth: 0,
        refId: i === 0 ? id : 0,
        rcu: rcu && inRcu(env),
        untrusted: rcu && !inRcu(env),
      };
      frame.setSlot(spi, objectSlot(part));
    });
  } else
    for (const spi of all) {
      noteSlotRead(env, frame.frameno, spi);
      env.scratchSlot(spi);
    }
  if (kfunc.is("iter_destroy")) {
    releaseRef(env, (iterAt(frame, iter.spi) as Iter).refId);
    for (const spi of all) frame.setSlot(spi, EMPTY_SLOT);
  }
  if (kfunc.is("iter_next")) return;
  for (const spi of all) {
    noteSlotWrite(env, frame.frameno, spi);
    env.scratchSlot(spi);
  }
}

function setIter(st: VerifierState, at: IterPlace, change: Partial<Iter>): void {
  const frame = st.frames[at.frameno] as Frame;
  frame.setSlot(at.spi, objectSlot({ ...(iterAt(frame, at.spi) as Iter), ...change }));
}

/** R0 holds what the call may return: the queued path has it, this one has null and an iterator at its end. */
export function forkNext(env: Env, { iter }: KfuncMeta): void {
  if (iter === undefined) throw new Error("an iterator was not looked at");
  const now = iterAt(env.state.frames[iter.frameno] as Frame, iter.spi) as Iter;
  if (now.state === "active") {
    const queued = env.push(env.pc + 1, env.pc, "ENOMEM");
    setIter(queued, iter, { depth: now.depth + 1 });
    widenImprecise(env, env.pc, queued, env.state.parent?.parent); // the parent is this very insn
    const r0 = queued.cur.regs[0] as RegState;
    queued.cur.regs[0] = withFlags(r0, r0.flags & ~MAYBE_NULL);
  }
  setIter(env.state, iter, { state: "drained" });
  env.setReg(0, ZERO);
}

/** At a call that asks for the next element: the iterator has not come to its end. */
export function isActive(st: VerifierState): boolean {
  const r1 = st.cur.regs[1] as RegState;
  if (r1.kind !== "fp" || !r1.s.isConst) return false;
  const spi = (-(r1.off + r1.s.constNum) - 1) >> 3;
  return iterAt(st.frames[r1.aux] as Frame, spi)?.state === "active";
}

/** Some iterator went another round between the two: what looks like a loop without an end is not. */
export function activeDepthsDiffer(old: VerifierState, cur: VerifierState): boolean {
  return old.frames.some((frame, f) =>
    frame.stack.some((slot, spi) => {
      if (slot?.object?.kind !== "iter" || slot.object.state !== "active") return false;
      const now = cur.frames[f]?.slot(spi).object;
      return now?.kind !== "iter" || now.depth !== slot.object.depth;
    }),
  );
}
