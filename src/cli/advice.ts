// What usually mends a rejection, by the verifier's reasons. Where the last of them has no row, the one before it is
// asked: the kernel often says what is wrong first, and last what that was part of.
import { ADVICE, LAST_RESORT } from "./advice_rows.ts";

/** A sentence, or undefined where nothing general can be said. `reasons` as the log has them, the last one last. */
export function adviceFor(reasons: readonly string[]): string | undefined {
  for (const rows of [ADVICE, LAST_RESORT])
    for (const reason of reasons.toReversed()) {
      const row = rows.find((a) => a.when.test(reason));
      if (row !== undefined) return row.say;
    }
  return undefined;
}
