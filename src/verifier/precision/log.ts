// What the search for precise scalars says at log level 2, in the kernel's words. Says only; marks nothing.
import type { Env } from "../env.ts";
import { frameText } from "../log/log_state.ts";
import type { Frame, SlotSet, VerifierState } from "../state/state.ts";
import type { Wanted } from "./wanted.ts";

// These lines are written for every insn of every search: nothing is built that is not in them.
function fmtRegs(mask: number): string {
  let out = "";
  for (let i = 0; i < 11; i++) if ((mask & (1 << i)) !== 0) out += out === "" ? `r${i}` : `,r${i}`;
  return out;
}

function fmtSlots(slots: SlotSet): string {
  if (slots.isEmpty) return "";
  let out = "";
  for (let spi = 0; spi < 64; spi++) if (slots.has(spi)) out += `${out === "" ? "" : ","}${-(spi + 1) * 8}`;
  return out;
}

function say(env: Env, frameno: number, text: string): void {
  env.log.line(`mark_precise: frame${frameno}: ${text}`);
}

export function logSearch(env: Env, frameno: number, last: number, first: number, subseq: number): void {
  if (env.log.level === 2) say(env, frameno, `last_idx ${last} first_idx ${first} subseq_idx ${subseq} `);
}

/** Before the insn at `pc` is undone. */
export function logUndo(env: Env, w: Wanted, pc: number): void {
  if (env.log.level !== 2) return;
  const insn = env.insns[pc];
  if (insn === undefined) return;
  const wanted = `regs=${fmtRegs(w.mask)} stack=${fmtSlots(w.slotsOf(w.frame))}`;
  say(env, w.frame, `${wanted} before ${pc}: ${env.textOf(insn)}`);
}

export function logParent(env: Env, st: VerifierState, frame: Frame, regs: number, slots: SlotSet): void {
  if (env.log.level !== 2) return;
  const state = frameText(env, frame, st.refs);
  say(env, frame.frameno, `parent state regs=${fmtRegs(regs)} stack=${fmtSlots(slots)}: ${state}`);
}

export function logLost(env: Env, frameno: number): void {
  if (env.log.level === 2) say(env, frameno, "falling back to forcing all scalars precise");
}

/** What a state that covers the current one depended on, frame by frame. */
export function logPropagated(env: Env, frameno: number, regs: number, slots: SlotSet): void {
  if (env.log.level !== 2) return;
  const all = [
    fmtRegs(regs),
    ...fmtSlots(slots)
      .split(",")
      .map((s) => (s === "" ? "" : `fp${s}`)),
  ];
  const named = all.filter((s) => s !== "");
  if (named.length > 0) env.log.line(`frame ${frameno}: propagating ${named.join(",")}`);
}
