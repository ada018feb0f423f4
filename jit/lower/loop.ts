// What can run for long: polls of the stop word, and bpf_loop, whose callback is called directly.
import { WORLD_STOP, WORLD_STOPPED } from "../../runtime/memory/layout.ts";
import { ERRNO } from "../../src/spec/errors.ts";
import type { CallAux } from "../../src/verifier/proof.ts";
import type { Expr, Fn } from "./fn.ts";
import { MAX_LOOPS } from "./jump.ts";

/** Ends the run if the stop word is set. */
export function pollStop(fn: Fn, pc: number): Expr {
  const { m, env } = fn;
  const stop = m.i32.atomic.load(0, m.i32.const(WORLD_STOP));
  const flag = m.i32.atomic.store(0, m.i32.const(WORLD_STOPPED), m.i32.const(1));
  return m.if(stop, m.block(null, [flag, fn.mark(m.unreachable(), pc)], env.b.none));
}

/** bpf_loop(nr, callback, ctx, flags): passes made, the one that asked for the end included. */
export function lowerLoopHelper(fn: Fn, pc: number, aux: CallAux | undefined): void {
  const { m, env } = fn;
  const { i32, i64 } = m;
  const [next, done] = [`next${pc}`, `done${pc}`];
  const index = (): Expr => fn.getTemp("pass", "i32");
  const count = (): Expr => fn.get32(1);

  const body = m.block(
    null,
    [
      m.br_if(done, i32.ge_u(index(), count())),
      pollStop(fn, pc),
      fn.setTemp("pass", "i32", i32.add(index(), i32.const(1))),
      m.br_if(next, i64.eqz(callBack(fn, pc, aux, i64.extend_u(i32.sub(index(), i32.const(1)))))),
    ],
    env.b.none,
  );
  const run = m.block(done, [fn.setTemp("pass", "i32", i32.const(0)), m.loop(next, body)], env.b.none);
  const passes = m.block(null, [run, i64.extend_u(index())], env.b.i64);
  const tooMany = aux?.inlined === true ? fn.u32(-ERRNO.E2BIG) : fn.imm64(-ERRNO.E2BIG);
  const bounded = m.if(i32.gt_u(count(), i32.const(MAX_LOOPS)), tooMany, passes);
  fn.set(0, m.if(i64.ne(fn.get(4), fn.imm64(0)), fn.imm64(-ERRNO.EINVAL), bounded));
}

function callBack(fn: Fn, pc: number, aux: CallAux | undefined, index: Expr): Expr {
  const { m, env } = fn;
  const { i32, i64, createType } = env.b;
  const zero = (): Expr => fn.imm64(0);
  const args = [fn.cpu(), fn.calleeFp(), index, fn.get(3), zero(), zero(), zero()];
  if (aux?.callback !== undefined) return m.call(env.subprogName(aux.callback), args, i64);
  const params = createType([i32, i32, i64, i64, i64, i64, i64]);
  return fn.mark(m.call_indirect(env.table, fn.get32(2), args, params, i64), pc);
}
