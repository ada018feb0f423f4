// What the JIT is told: places of stack accesses, constant maps and keys, sides of jumps, what a frame needs.
import { describe, expect, it } from "vitest";
import type { VerifiedProg } from "../../src/verifier/proof.ts";
import { verify } from "../../src/verifier/verify.ts";
import { MAPS, prog } from "./harness.ts";

const ok = (source: string): VerifiedProg => verify(prog(source), { logLevel: 0 });
const mapIndex = (name: string): number => MAPS.findIndex((m) => m.name === name);

describe("facts", () => {
  it("constant stack slots stay in the frame", () => {
    const v = ok("r2 = r10\nr2 += -16\n*(u64 *)(r2 +8) = 1\nr0 = *(u32 *)(r10 -8)\nexit");
    expect(v.aux[2]?.access).toEqual({ kinds: ["stack"], write: true, maps: [], fpOff: -8, fpDepth: 0 });
    expect(v.aux[3]?.access).toEqual({ kinds: ["stack"], write: false, maps: [], fpOff: -8, fpDepth: 0 });
    expect(v.subprogs[0]).toMatchObject({ stackDepth: 8, stackEscapes: false, readsUninitStack: false });
  });

  it("two places on two paths make the frame escape", () => {
    const v = ok(
      "r2 = r10\nr3 = *(u32 *)(r1 +12)\nr2 += -8\nif r3 > 5 goto l\nr2 += -8\nl: *(u64 *)(r2 +0) = 1\nr0 = 0\nexit",
    );
    expect(v.aux[5]?.access?.fpOff).toBeUndefined();
    expect(v.subprogs[0]?.stackEscapes).toBe(true);
  });

  it.each([
    [
      "a helper",
      "*(u32 *)(r10 -8) = 0\nr2 = r10\nr2 += -8\nr1 = map[h]\ncall bpf_map_lookup_elem\nr0 = 0\nexit",
    ],
    [
      "a variable offset",
      "r2 = *(u32 *)(r1 +12)\nr2 &= 7\nr3 = r10\nr3 += -8\nr3 += r2\nr0 = *(u8 *)(r3 +0)\nexit",
    ],
    ["a subprogram", "r1 = r10\ncall sub\nexit\nsub: r0 = 0\nexit"],
    ["a map", "r1 = map[one][0]+0\n*(u64 *)(r1 +0) = r10\nr0 = 0\nexit"],
    ["arithmetic", "r1 = r10\nw1 = w1\nr0 = r1\nexit"],
  ])("the frame escapes into %s", (_, source) => {
    expect(ok(source).subprogs[0]?.stackEscapes).toBe(true);
  });

  it("the frame escapes into what a helper does not look at, on a path that is covered too", () => {
    const source = (r3: string): string =>
      `r6 = *(u32 *)(r1 +0)\nr7 = *(u32 *)(r1 +4)\n*(u64 *)(r10 -8) = 65\nr1 = map[one][0]+0\nr2 = 8\nr3 = 0\nr4 = 0\nr5 = 0\n` +
      `if r6 == r7 goto l\nr4 = 1\ngoto m\nl: r3 = ${r3}\nr4 = 2\nm: r5 = 0\ncall bpf_trace_printk\nr0 = *(u64 *)(r10 -8)\nexit`;
    expect(ok(source("r10")).stats.processed).toBe(ok(source("0")).stats.processed);
    expect(ok(source("r10")).subprogs[0]?.stackEscapes).toBe(true);
    expect(ok(source("0")).subprogs[0]?.stackEscapes).toBe(false);
  });

  it("bytes never written", () => {
    expect(ok("*(u32 *)(r10 -8) = 1\nr0 = *(u32 *)(r10 -8)\nexit").subprogs[0]?.readsUninitStack).toBe(false);
    expect(ok("*(u32 *)(r10 -8) = 1\nr0 = *(u64 *)(r10 -8)\nexit").subprogs[0]?.readsUninitStack).toBe(true);
  });

  it("bytes never written on a pruned path", () => {
    const v = ok(`r6 = r1
      r0 = *(u32 *)(r6 +12)
      if r0 > 5 goto skip
      r7 = *(u32 *)(r6 +16)
      r8 = 0
      r9 = 0
      r5 = 0
      goto join
      skip:
      *(u64 *)(r10 -8) = r6
      lock *(u64 *)(r10 -8) += r0
      r7 = *(u32 *)(r6 +16)
      r8 = 0
      r9 = 0
      r5 = 0
      join:
      if r7 > 3 goto l
      r8 = 0
      l:
      r0 = *(u64 *)(r10 -8)
      exit`);
    expect(v.subprogs[0]?.readsUninitStack).toBe(true);
  });

  it("constant map and key", () => {
    const lookup = (key: string): VerifiedProg =>
      ok(`${key}\nr2 = r10\nr2 += -8\nr1 = map[a]\ncall bpf_map_lookup_elem\nr0 = 0\nexit`);
    const call = (v: VerifiedProg) => v.aux.find((a) => a?.call !== undefined)?.call;
    expect(call(lookup("*(u32 *)(r10 -8) = 3"))).toEqual({ map: mapIndex("a"), constKey: 3 });
    expect(call(lookup("r3 = *(u32 *)(r1 +12)\n*(u32 *)(r10 -8) = r3"))).toEqual({ map: mapIndex("a") });
  });

  it("sides of a jump, and what is never reached", () => {
    const v = ok("r1 = 1\nif r1 == 1 goto l\nr0 = 5\nl: r0 = 2\nexit");
    expect(v.aux[1]?.jump).toEqual({ taken: true, fallthrough: false });
    expect(v.aux[2]).toBeUndefined();
  });

  it("packets and loops", () => {
    const v = ok("r2 = 4\ncall bpf_xdp_adjust_head\nr1 = 0\nl: r1 += 1\nif r1 < 10 goto l\nr0 = 2\nexit");
    expect(v.facts).toMatchObject({ resizesPkt: true, writesPkt: false, loopHeads: [3], helpers: [44] });
  });
});
