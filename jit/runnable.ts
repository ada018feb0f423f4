// Whether a program that passed the gate can also run here: the verifier knows more of the kernel than there is
// at run time. Decides nothing about programs that could not be loaded anyway.
import type { ProgTypeName } from "../src/spec/prog_types.ts";
import { BpfError } from "../src/spec/errors.ts";
import { type FrameKind, RUN_TYPES } from "../src/spec/run_types.ts";
import type { AccessKind, VerifiedProg } from "../src/verifier/proof.ts";

/** Objects that lie beside the packet, by the log's words for pointers to them. */
const BESIDE: Readonly<Record<FrameKind, readonly string[]>> = {
  xdp: [],
  skb: ["sock", "sock_common"],
  flow: ["flow_keys"],
};

const OF_CTX: ReadonlySet<AccessKind> = new Set<AccessKind>(["ctx", "pkt", "pkt_meta"]);

/** Who runs them makes their context. */
function hasCtx(type: ProgTypeName): boolean {
  return RUN_TYPES[type] !== undefined || type === "perf_event";
}

/** Throws BpfError where the program looks at what is not there. */
export function checkRunnable({ prog, aux, facts }: VerifiedProg): void {
  const frames = RUN_TYPES[prog.type]?.frames;
  const beside = frames === undefined ? [] : BESIDE[frames];
  const need = facts.needs.find((kind) => !beside.includes(kind));
  if (need !== undefined)
    throw new BpfError(
      "EOPNOTSUPP",
      `${prog.name}: programs that look through a pointer of kind ${need} cannot run here`,
    );
  if (hasCtx(prog.type)) return;
  const pc = aux.findIndex((a) => a?.access?.kinds.some((kind) => OF_CTX.has(kind)) === true);
  if (pc >= 0)
    throw new BpfError(
      "EOPNOTSUPP",
      `${prog.name}: ${pc}: ${prog.type} programs that look at their context cannot run here`,
    );
}
