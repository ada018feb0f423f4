// Reads the register states of a level-2 verifier log: after each insn, and on the far side of each jump.
// Ids and precision marks are not the scalar domain's business and are dropped.

export interface LoggedStates {
  /** `pc` -> registers changed by the insn, as first logged */
  readonly after: ReadonlyMap<number, ReadonlyMap<string, string>>;
  /** `from-to` -> all registers when that side of a jump was taken up */
  readonly from: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

function regsOf(text: string): Map<string, string> {
  const regs = new Map<string, string>();
  for (const m of text.matchAll(/R(\d+)(?:_\w+)?=(P?)((?:[\w.-]+)?(?:\((?:[^()]|\([^()]*\))*\))?)/g)) {
    const value = (m[3] ?? "").replace(/\bid=\d+(?:[+-]\d+)?,?/, "");
    regs.set(`r${m[1]}`, value.replace(/^([^(]*)\((.*?),?\)$/, "$1($2)"));
  }
  return regs;
}

export function parseLog(log: string): LoggedStates {
  const after = new Map<number, Map<string, string>>();
  const from = new Map<string, Map<string, string>>();
  for (const line of log.split("\n")) {
    const jump = /^from (\d+) to (\d+): (R.*|safe)$/.exec(line);
    if (jump !== null) from.set(`${jump[1]}-${jump[2]}`, regsOf(jump[3] ?? ""));
    const insn = /^(\d+): \([0-9a-f]{2}\) .*?(?:; (R.*))?$/.exec(line);
    if (insn === null) continue;
    const pc = Number(insn[1]);
    if (!after.has(pc)) after.set(pc, regsOf(insn[2] ?? ""));
  }
  return { after, from };
}
