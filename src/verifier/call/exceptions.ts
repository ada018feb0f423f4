// bpf_throw: the path ends at once, whatever frames it is in, and the exception callback that the main program's BTF
// names runs in its place; without one the thrown value is what the program returns.
// Follows Linux 6.18 (bpf_find_exception_callback_insn_off, check_resource_leak in kernel/bpf/verifier.c).
import { THROW } from "../../spec/kfuncs/index.ts";
import type { Env } from "../env.ts";
import { checkReturned } from "../prog/prog_type.ts";
import { checkNothingHeld } from "../state/refs.ts";
import { calleesOf } from "../passes/subprogs.ts";

const TAG = "exception_callback:";

/** Where the exception callback begins; undefined where the program names none. Refuses more than one. */
export function exceptionCallbackPc(env: Env): number | undefined {
  const { btf, funcs, subprogs } = env.prog;
  const main = funcs.find((f) => f.pc === 0);
  if (btf === undefined || main === undefined) return undefined;
  const tags = btf.declTags(main.typeId).filter((t) => t.startsWith(TAG));
  const [tag] = tags;
  if (tag === undefined) return undefined;
  if (tags.length > 1) env.rejectAt(-1, "EEXIST", "multiple exception callback tags for main subprog");
  const name = tag.slice(TAG.length);
  const func = btf.find(name, "func");
  if (func === undefined)
    env.rejectAt(-1, "ENOENT", `exception callback '${name}' could not be found in BTF`);
  if (func.linkage !== "global")
    env.rejectAt(-1, "EINVAL", `exception callback '${name}' must have global linkage`);
  return subprogs.find((s) => s.name === name)?.pc;
}

export function markExceptionCallback(env: Env, pc: number | undefined): void {
  const idx = pc === undefined ? 0 : (env.subprogStarts.get(pc) ?? 0);
  const sub = env.subprogs[idx];
  if (idx === 0 || sub === undefined) return;
  env.exceptionCb = idx;
  sub.isCallback = true;
  sub.isAsyncCallback = true;
  sub.called = true;
}

/** One integer is all it is given. */
export function checkExceptionArgs(env: Env, args: readonly { readonly kind: string }[]): void {
  if (args.length !== 1 || args[0]?.kind !== "scalar")
    env.rejectAt(-1, "EINVAL", "exception cb only supports single integer argument");
}

/** The path ends here: what is held is lost, and where nobody catches, r1 is what the program returns. */
export function checkThrow(env: Env): void {
  if (env.exceptionCb === 0) checkReturned(env, 1);
  checkNothingHeld(env, THROW);
}

/** Callbacks may not throw, nor what they call: the kernel's own frames below could not be unwound. */
export function checkThrowsInCallbacks(env: Env): void {
  const seen = new Set<number>();
  const visit = (idx: number): void => {
    if (seen.has(idx)) return;
    seen.add(idx);
    const sub = env.subprogs[idx];
    if (sub === undefined) return;
    for (let pc = sub.start; pc < sub.end; pc++) {
      const insn = env.insns[pc];
      if (insn?.kind !== "call") continue;
      if (insn.callee.kind === "kfunc" && env.kfuncs.get(insn.callee.btfId)?.name === THROW)
        env.rejectAt(
          -1,
          "EINVAL",
          `bpf_throw kfunc (insn ${pc}) cannot be called from callback subprog ${idx}`,
        );
    }
    calleesOf(env, sub).forEach(visit);
  };
  env.subprogs.forEach((sub, idx) => {
    if (sub.isCallback || idx === env.exceptionCb) if (idx !== 0) visit(idx);
  });
}

/** Nobody calls the exception callback but the kernel. */
export function checkNotCalledDirectly(env: Env): void {
  if (env.exceptionCb === 0) return;
  for (const insn of env.insns)
    if (
      insn?.kind === "call" &&
      insn.callee.kind === "subprog" &&
      env.subprogStarts.get(insn.callee.target) === env.exceptionCb
    )
      env.rejectAt(-1, "EINVAL", `insn ${insn.pc} cannot call exception cb directly`);
  if (env.subprogs[env.exceptionCb]?.hasTailCall === true)
    env.rejectAt(-1, "EINVAL", "cannot tail call within exception cb");
}
