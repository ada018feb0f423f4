// Legacy packet loads: what they ask for and what they leave, in the kernel's words; where bpf(2) is allowed the running
// kernel is asked for its own.
import { describe, expect, it } from "vitest";
import { BpfSys } from "../../runtime/engine/kernel/sys.ts";
import { encodeInsns } from "../../src/isa/encode.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { type ProgTypeName, progTypeId } from "../../src/spec/prog_types.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { asm, prog } from "./harness.ts";

interface Case {
  readonly name: string;
  readonly asm: string;
  readonly type?: ProgTypeName;
  readonly msg?: readonly [code: string, reason: string];
}

const BAD_R6 = "at the time of BPF_LD_ABS|IND R6 != pointer to skb";

const CASES: readonly Case[] = [
  {
    name: "byte, half, word",
    asm: "r6 = r1\nr0 = *(u8 *)skb[23]\nr0 = *(u16 *)skb[12]\nr0 = *(u32 *)skb[26]\nexit",
  },
  { name: "by register", asm: "r6 = r1\nr7 = 14\nr0 = *(u8 *)skb[r7 + 9]\nexit" },
  { name: "from the link header", asm: "r6 = r1\nr0 = *(u16 *)skb[-0x200000]\nexit" },
  { name: "in tc", type: "sched_cls", asm: "r6 = r1\nr0 = *(u8 *)skb[0]\nexit" },
  {
    name: "in a cgroup",
    type: "cgroup_skb",
    asm: "r6 = r1\nr0 = *(u8 *)skb[0]\nr0 = 1\nexit",
    msg: ["EINVAL", "BPF_LD_[ABS|IND] instructions not allowed for this program type"],
  },
  {
    name: "in XDP",
    type: "xdp",
    asm: "r6 = r1\nr0 = *(u8 *)skb[0]\nexit",
    msg: ["EINVAL", "BPF_LD_[ABS|IND] instructions not allowed for this program type"],
  },
  { name: "without r6", asm: "r0 = *(u8 *)skb[0]\nexit", msg: ["EACCES", "R6 !read_ok"] },
  { name: "another r6", asm: "r6 = 0\nr0 = *(u8 *)skb[0]\nexit", msg: ["EINVAL", BAD_R6] },
  { name: "the stack in r6", asm: "r6 = r10\nr0 = *(u8 *)skb[0]\nexit", msg: ["EINVAL", BAD_R6] },
  {
    name: "r6 moved on",
    asm: "r6 = r1\nr6 += 4\nr0 = *(u8 *)skb[0]\nexit",
    msg: ["EACCES", "dereference of modified ctx ptr R6 off=4 disallowed"],
  },
  { name: "no offset", asm: "r6 = r1\nr0 = *(u8 *)skb[r7 + 9]\nexit", msg: ["EACCES", "R7 !read_ok"] },
  { name: "r1 is gone", asm: "r6 = r1\nr0 = *(u8 *)skb[0]\nr0 = r1\nexit", msg: ["EACCES", "R1 !read_ok"] },
  {
    name: "r2 is gone",
    asm: "r6 = r1\nr2 = 5\nr0 = *(u8 *)skb[0]\nr0 = r2\nexit",
    msg: ["EACCES", "R2 !read_ok"],
  },
  { name: "r7 stays", asm: "r6 = r1\nr7 = 5\nr0 = *(u8 *)skb[0]\nr0 = r7\nexit" },
  {
    name: "the value is a number of any size",
    asm: "r6 = r1\nr0 = *(u8 *)skb[0]\nr2 = r10\nr2 += -512\nr2 += r0\nr0 = *(u8 *)(r2 +0)\nexit",
    msg: ["EINVAL", "math between fp pointer and register with unbounded min value is not allowed"],
  },
];

function openKernel(): BpfSys | undefined {
  try {
    return new BpfSys("test");
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    console.log(`legacy packet loads: not held against the kernel: ${error.message}`);
    return undefined;
  }
}
const kernel = openKernel();

function ours({
  asm: source,
  type = "socket_filter",
}: Case): readonly [code: string, reasons: readonly string[]] {
  try {
    verify(prog(source, { type }));
    return ["", []];
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    return [error.code, error.reasons];
  }
}

function kernels(
  sys: BpfSys,
  { asm: source, type = "socket_filter" }: Case,
): readonly [code: string, words: string] {
  try {
    const insns = encodeInsns(asm(source));
    sys.close(
      sys.progLoad({
        name: "t",
        type: progTypeId(type),
        expectedAttachType: 0,
        flags: 0,
        license: "GPL",
        insns,
      }),
    );
    return ["", ""];
  } catch (error) {
    if (!(error instanceof BpfError)) throw error;
    return [error.code, error.message.replace("the kernel rejects program 't': ", "")];
  }
}

describe("legacy packet loads", () => {
  it.each(CASES)("$name", (c) => {
    const [code, reasons] = ours(c);
    expect([code, ...(code === "" ? [] : [reasons[0]])]).toEqual(c.msg ?? [""]);
  });

  it.skipIf(kernel === undefined).each(CASES)("$name: as the kernel says", (c) => {
    const [code, reasons] = ours(c);
    expect([code, reasons.at(-1) ?? ""]).toEqual(kernels(kernel as BpfSys, c));
  });

  it("are not for functions without types", () => {
    const source = "call sub\nexit\nsub: r6 = r1\nr0 = *(u8 *)skb[0]\nexit";
    const refused = () => verify(prog(source, { type: "socket_filter", funcs: [] }));
    expect(refused).toThrow(/LD_ABS is not allowed in subprogs without BTF/);
    if (kernel === undefined) return;
    expect(kernels(kernel, { name: "", asm: source })).toEqual([
      "EINVAL",
      "LD_ABS is not allowed in subprogs without BTF",
    ]);
  });

  it("end a called function with 0 where the packet is too short", () => {
    // only that side makes r7 the address that is read
    const source = `
      call sub
      if r0 != 0 goto out
      r1 = *(u8 *)(r0 +0)
      out: exit
      sub: r6 = r1
      r0 = *(u8 *)skb[0]
      r0 = 1
      exit`;
    expect(() => verify(prog(source, { type: "socket_filter" }))).toThrow(/R0 invalid mem access 'scalar'/);
  });
});
