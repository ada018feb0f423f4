// The failing path, read back from the verifier's log at level 1: its insns with the registers they touched, the frame
// each ran in, and the reasons at its end. Knows the log's format and nothing of the verifier.

/** An insn of the path, or the entry of a callback, which has no insn of its own. */
export interface Step {
  readonly pc: number;
  /** empty: a callback was entered here */
  readonly insn: string;
  /** registers the insn changed or looked at, as the log shows them after it */
  readonly state: string;
  /** "text @ file:line" of the C line, if the log says */
  readonly source: string;
  /** how many of the program's own calls it lies in */
  readonly frame: number;
  /** inside a callback */
  readonly callback: boolean;
}

export interface PathLog {
  readonly steps: readonly Step[];
  /** the kernel's words, the last one last */
  readonly reasons: readonly string[];
}

const INSN = /^(\d+): \([0-9a-f]{2}\) (.*)$/;
const SOURCE = /^; (.*)$/;
const STATE = /^(?:(\d+): |from \d+ to (\d+).*?: | )((?:frame\d+: )?R\d+=.*)$/;
const OTHER =
  /^$|^processed |^(func#\d|Live regs|Validating|caller:|callee:|returning from|to caller|mark_precise|cur state:|old state:)/;

export function readPath(log: readonly string[]): PathLog {
  const steps: Step[] = [];
  let reasons: string[] = [];
  let source = "";
  let frame = 0;
  let callback = false;
  const enter = (state: string): void => {
    if (state === "") return;
    frame = Number(/^frame(\d+): /.exec(state)?.[1] ?? 0);
    callback = / (async_)?cb$/.test(state);
  };
  for (const line of log) {
    const [, pc, rest] = INSN.exec(line) ?? [];
    const [, at, , shown] = STATE.exec(line) ?? [];
    if (pc !== undefined && rest !== undefined) {
      const [insn = "", state = ""] = rest.split(/\s+; /, 2);
      enter(state);
      steps.push({ pc: Number(pc), insn, state, source, frame, callback });
      reasons = [];
    } else if (shown !== undefined) {
      enter(shown);
      if (callback && at !== undefined)
        steps.push({ pc: Number(at), insn: "", state: shown, source, frame, callback });
    } else if (SOURCE.test(line)) source = SOURCE.exec(line)?.[1] ?? "";
    else if (!OTHER.test(line)) reasons.push(line);
  }
  return { steps, reasons };
}

/** `Rn=…` in a state; values hold brackets, so a space inside them does not end one. */
export function valueOf(state: string, regno: number): string | undefined {
  const at = state.search(new RegExp(`\\bR${regno}=`));
  if (at < 0) return undefined;
  let depth = 0;
  let end = at;
  while (end < state.length && (depth > 0 || state[end] !== " ")) {
    if (state[end] === "(") depth++;
    if (state[end] === ")") depth--;
    end++;
  }
  return state.slice(at, end);
}
