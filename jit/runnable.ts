// Whether a program that passed the gate can also run here: the verifier knows more of the kernel than there is
// at run time. Decides nothing about programs that could not be loaded anyway.
import type { ProgTypeName } from "../src/spec/prog_types.ts";
import { BpfError } from "../src/spec/errors.ts";
import type { AccessKind, VerifiedProg } from "../src/verifier/proof.ts";

/** Program types whose context and packet exist at run time. */
const HAVE_CTX: ReadonlySet<ProgTypeName> = new Set<ProgTypeName>(["xdp", "perf_event"]);

const OF_CTX: ReadonlySet<AccessKind> = new Set<AccessKind>(["ctx", "pkt", "pkt_meta"]);

/** Throws BpfError where the program looks at what is not there. */
export function checkRunnable({ prog, aux, facts }: VerifiedProg): void {
  const [need] = facts.needs;
  if (need !== undefined)
    throw new BpfError(
      "EOPNOTSUPP",
      `${prog.name}: programs that look through a ${need} pointer cannot run here`,
    );
  if (HAVE_CTX.has(prog.type)) return;
  const pc = aux.findIndex((a) => a?.access?.kinds.some((kind) => OF_CTX.has(kind)) === true);
  if (pc >= 0)
    throw new BpfError(
      "EOPNOTSUPP",
      `${prog.name}: ${pc}: ${prog.type} programs that look at their context cannot run here`,
    );
}
