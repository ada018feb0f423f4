// What the kernel's answers about objects cannot hold: symbols that only some kernels have, where we are stricter, and
// programs too long to write down. Errno and words are those of Linux 6.18.44.
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { RUNNING } from "../../runtime/load/outside.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { ROOT } from "../kernel/recordings.ts";
import { prog } from "./harness.ts";

function refusal(make: () => unknown): readonly [string, string] {
  try {
    make();
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return [e.code, e.reasons.join("\n")];
  }
  return ["", ""];
}

describe("variables of the kernel", () => {
  const kernelBtf = RUNNING.kernelBtf();
  const id = kernelBtf?.find("jiffies", "var")?.id ?? kernelBtf?.types.find((t) => t?.kind === "var")?.id;
  const name = kernelBtf?.types[id ?? 0]?.name;
  const insns = prog(`r1 = 0 ll\nr0 = 0\nexit`).insns.map((insn) =>
    insn?.kind === "ld_imm64" && id !== undefined
      ? { ...insn, value: { kind: "btf_id" as const, btfId: id, btfFd: 0 } }
      : insn,
  );
  const load = (hasSymbol?: boolean): (() => unknown) => {
    const extra = hasSymbol === undefined ? {} : { hasSymbol: () => hasSymbol };
    return () => verify({ ...prog("r0 = 0\nexit"), insns, kernelBtf: () => kernelBtf, ...extra });
  };

  it("that it has no address of are refused before any path is walked", () => {
    expect(name).toBeDefined();
    expect(refusal(load(false))).toEqual([
      "ENOENT",
      `ldimm64 failed to find the address for kernel symbol '${name}'.`,
    ]);
  });

  it("are taken where it has one, or does not say", () => {
    expect(refusal(load(true))).toEqual(["", ""]);
    expect(refusal(load())).toEqual(["", ""]);
  });
});

describe("a dynptr of a packet given to a global function", () => {
  it("takes the packet's pointers away", () => {
    const { spec } = openObject(join(ROOT, "test/verifier/objects/kernel_rules.o"));
    const [v] = verifyEach(
      spec,
      spec.progs.filter((p) => p.name === "stricter_packet_behind_dynptr"),
    );
    expect(v).toMatchObject({ accept: false, errno: "EACCES" });
    expect(v?.accept === false && v.message).toMatch(/^R\d invalid mem access 'scalar'$/);
  });
});

describe("a packet pointer beyond the end that moves down", () => {
  const beyond = "r2 = *(u32 *)(r1 +0)\nr3 = *(u32 *)(r1 +4)\nif r2 > r3 goto moved\nr0 = 0\nexit\n";
  const moved = (by: number): string =>
    `${beyond}moved: r2 += ${by}\nif r3 < r2 goto out\nr0 = *(u8 *)(r2 +0)\nexit\nout: r0 = 0\nexit`;
  it("may lie before it: both sides are walked", () => {
    expect(refusal(() => verify(prog(moved(-8))))[0]).toBe("EACCES");
  });
  it("does not where it moves up", () => {
    expect(refusal(() => verify(prog(moved(8))))).toEqual(["", ""]);
  });
});

describe("the low half of an address", () => {
  const moved = (mask: number): string =>
    `r6 = map[one][0]+0\nr0 = *(u32 *)(r6 +0)\nr0 &= ${mask}\nr6 += r0\nif w6 != 0 goto out\nr0 = *(u8 *)(r10 -600)\nout: r0 = 0\nexit`;
  it("is not 0 in a value", () => {
    expect(refusal(() => verify(prog(moved(15))))).toEqual(["", ""]);
  });
  it("may be 0 beyond it, though Linux 6.18 says no", () => {
    expect(refusal(() => verify(prog(moved(31))))[0]).toBe("EACCES");
  });
  it("may be 0 before it, though Linux 6.18 says no", () => {
    const before =
      "r6 = map[one][0]+0\nr6 += -4096\nif w6 != 0 goto out\nr0 = *(u8 *)(r10 -600)\nout: r0 = 0\nexit";
    expect(refusal(() => verify(prog(before)))[0]).toBe("EACCES");
  });
});

describe("rounds of a loop that are made alike", () => {
  it("keep a number at a distance from others apart from those at none", () => {
    const loop = `r8 = 0
      call bpf_get_prandom_u32
      *(u64 *)(r10 -8) = r0
      r9 = r0
      r9 += 1
      r0 = 0
      more: may_goto out
      r8 += 1
      call bpf_get_prandom_u32
      r9 = r0
      r9 += 1
      r0 = 0
      goto more
      out: r9 += r8
      r1 = *(u64 *)(r10 -8)
      exit`;
    const { log } = verify(prog(loop), { logLevel: 2 });
    const rounds = log.filter((line) => line.startsWith("from 6 to 7: "));
    expect(rounds).toEqual([
      "from 6 to 7: R0=0 R8=0 R9=scalar(id=1+1) R10=fp0 fp-8=scalar(id=1)",
      "from 6 to 7: R0=0 R8=scalar() R9=scalar(id=2+1) R10=fp0 fp-8=scalar(id=1)",
      "from 6 to 7: R0=0 R8=scalar() R9=scalar(id=3+1) R10=fp0 fp-8=scalar(id=1)",
    ]);
  });
});

describe("a register that a helper does not look at", () => {
  it("is not read by it", () => {
    const { log } = verify(
      prog("r1 = map[one][0]+0\nr2 = 8\nr3 = 0\nr4 = 0\nr5 = 0\ncall bpf_trace_printk\nr0 = 0\nexit"),
      { logLevel: 2 },
    );
    expect(log.map((line) => line.trim())).toContain("6: .12....... (85) call bpf_trace_printk#6");
  });
});

describe("branches that are open at once", () => {
  const nested = (n: number): string =>
    `call bpf_get_prandom_u32\n${"if r0 == 7 goto +0\n".repeat(n)}r0 = 0\nexit`;
  it("are too many beyond 8192", () => {
    const [code, words] = refusal(() => verify(prog(nested(8193))));
    expect([code, words]).toEqual(["EFAULT", "The sequence of 8193 jumps is too complex."]);
  });
});
