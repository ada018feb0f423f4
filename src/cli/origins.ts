// How a register came to be what it is at the end of a path: the insns that made it so, followed through copies and
// through the program's own calls.
import { type Step, valueOf } from "./path_log.ts";

export interface Origin {
  readonly step: Step;
  readonly value: string;
}

const MAX_STEPS = 6;
const OWN_CALL = /^call pc[+-]/;

/** What the insn does to the register: nothing, a plain copy of another, something made of its old value, or anew. */
type Effect =
  | { readonly kind: "none" | "changed" | "made" | "emptied" }
  | { readonly kind: "copied"; readonly from: number };

function effectOn(insn: string, wanted: number): Effect {
  if (insn.startsWith("call ")) {
    if (wanted > 5) return { kind: "none" };
    return { kind: wanted === 0 ? "made" : "emptied" };
  }
  const [, dst] = /^[rw](\d+) /.exec(insn) ?? [];
  if (dst === undefined || Number(dst) !== wanted) return { kind: "none" };
  const [, src] = /^[rw]\d+ = [rw](\d+)$/.exec(insn) ?? [];
  if (src !== undefined) return { kind: "copied", from: Number(src) };
  const operation = insn.replace(/\*\(.*\)/, "").replace(/^[rw]\d+ = /, "");
  return { kind: /[-+*/%&|^]|<<|>>/.test(operation) ? "changed" : "made" };
}

/** One step back where the path changes frames; undefined where it stays in the one that is followed. */
function acrossFrames(step: Step, frame: number, wanted: number): "skip" | "follow" | "entry" | undefined {
  if (step.frame > frame) return wanted === 0 && step.insn === "exit" && !step.callback ? "follow" : "skip";
  if (step.frame < frame) return OWN_CALL.test(step.insn) && wanted >= 1 && wanted <= 5 ? "follow" : "entry";
  return step.insn === "" ? "entry" : undefined;
}

/** Newest first. */
export function originsOf(steps: readonly Step[], regno: number, from: number): Origin[] {
  const out: Origin[] = [];
  let wanted = regno;
  let frame = from;
  for (const step of steps.toReversed()) {
    if (out.length === MAX_STEPS) break;
    const across = acrossFrames(step, frame, wanted);
    if (across === "follow") frame = step.frame;
    if (across === "skip" || across === "follow") continue;
    const value = valueOf(step.state, wanted);
    if (across === "entry") {
      if (step.insn === "" && value !== undefined) out.push({ step, value });
      break;
    }
    const effect = effectOn(step.insn, wanted);
    if (effect.kind === "none") continue;
    out.push({ step, value: effect.kind === "emptied" ? `R${wanted} is empty` : (value ?? `R${wanted}`) });
    if (effect.kind === "emptied" || effect.kind === "made") break;
    if (effect.kind === "copied") wanted = effect.from;
  }
  return out;
}
