// Which stack slots matter: the lines of the log at level 2, as Linux 6.18 wrote them for these programs, and what it
// means for pruning.
import { describe, expect, it } from "vitest";
import { verify } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";

function liveLines(source: string): string[] {
  const { log } = verify(prog(source, { type: "socket_filter" }), { logLevel: 2 });
  return log.filter((l) => / frame \d insn |live stack/.test(l)).map((l) => l.trimEnd());
}

const CALLEE_WRITES_CALLER = `
  r6 = *(u32 *)(r1 +0)
  r7 = *(u32 *)(r1 +4)
  *(u64 *)(r10 -16) = r6
  if r7 == 0 goto out
  r1 = r6
  r2 = r10
  r2 += -16
  call sub
out:
  r0 = *(u64 *)(r10 -16)
  r0 = 0
  exit
sub:
  r8 = 0
  if r1 == 7 goto store
  r0 = 0
  r0 += 1
  r0 += 2
  r0 += 1
  r0 += 1
  r0 += 1
  r0 += 1
  r0 = 0
  goto join
store:
  r0 = 0
  *(u64 *)(r10 -8) = 5
  *(u64 *)(r2 +0) = 5
join:
  r0 += 0
  r0 = 0
  if r1 == 9 goto end
  r0 = 0
end:
  exit`;

describe("live stack slots", () => {
  it("are logged where a path ends or leaves a function", () => {
    expect(liveLines(CALLEE_WRITES_CALLER)).toEqual([
      "(0) frame 0 insn 2 +written -16",
      "(0) frame 0 insn 0 +written -16",
      "(0) live stack update done in 2 iterations",
      "(0) frame 0 insn 8 +live -16",
      "(0) frame 0 insn 7 +live -16",
      "(0) frame 0 insn 3 +live -16",
      "(0) live stack update done in 2 iterations",
      "(7,11) frame 0 insn 24 +written -16",
      "(7,11) frame 0 insn 22 +written -16",
      "(7,11) frame 1 insn 23 +written -8",
      "(7,11) frame 1 insn 22 +written -8",
      "(7,11) live stack update done in 2 iterations",
    ]);
  });

  const paths = (tail: string): string => `
  r6 = *(u32 *)(r1 +0)
  *(u64 *)(r10 -8) = 0
  *(u64 *)(r10 -16) = 0
  if r6 > 7 goto one
  *(u64 *)(r10 -16) = r10
  r0 = 0
  r0 = 1
  r0 = 2
  r0 = 3
  goto one
one:
  r0 = 0
  if r6 == 3 goto two
  r0 = 1
two:
  ${tail}
  r0 = 0
  exit`;

  it("that nobody reads do not keep paths apart", () => {
    const dead = verify(prog(paths("r1 = *(u64 *)(r10 -8)"))).stats;
    const live = verify(prog(paths("r1 = *(u64 *)(r10 -16)"))).stats;
    expect(dead.processed).toBeLessThan(live.processed);
  });
});
