// Programs attached by BTF: which targets they may have, what their arguments are, what they may return. The words are
// those of kernel/bpf/verifier.c and bpf_lsm.c of Linux 6.12: a kernel that loads none of these has nothing to compare.
import { describe, expect, it } from "vitest";
import { OWN_BTF, Outside } from "../../runtime/load/outside.ts";
import type { AttachTypeName, ProgTypeName } from "../../src/spec/prog_types.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";

const { kernelBtf } = new Outside({ btf: OWN_BTF });

/** "" or the reasons. */
function attach(
  [type, expectedAttachType]: readonly [ProgTypeName, AttachTypeName],
  target: string,
  source: string,
  flags: readonly string[] = [],
): string {
  const attachBtfId = kernelBtf()?.find(target, "func")?.id;
  expect(attachBtfId, target).toBeDefined();
  const one = prog(source, { type, expectedAttachType, attachBtfId: attachBtfId ?? 0, kernelBtf, flags });
  try {
    verify(one, { logLevel: 0 });
    return "";
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return `${e.code}: ${e.reasons.join("\n")}`;
  }
}

const ret = (value: number): string => `r0 = ${value}\nexit`;
const FENTRY = ["tracing", "trace_fentry"] as const;
const FEXIT = ["tracing", "trace_fexit"] as const;
const MODIFY = ["tracing", "modify_return"] as const;
const LSM = ["lsm", "lsm_mac"] as const;
const LSM_CGROUP = ["lsm", "lsm_cgroup"] as const;

function refusal(value: number, range: string): string {
  return `EINVAL: At program exit the register R0 has smin=${value} smax=${value} should have been in ${range}`;
}

describe("security hooks", () => {
  // an int: 0 or an errno; a bool; void: whatever they like
  it.each([
    ["bpf_lsm_file_mprotect", [-4095, -1, 0], [-4096, 1, 4096], "[-4095, 0]"],
    ["bpf_lsm_audit_rule_known", [0, 1], [-1, 2], "[0, 1]"],
    ["bpf_lsm_file_free_security", [-5000, 0, 7], [], ""],
  ])("%s", (hook, good, bad, range) => {
    for (const value of good) expect(attach(LSM, hook, ret(value))).toBe("");
    for (const value of bad) expect(attach(LSM, hook, ret(value))).toBe(refusal(value, range));
  });

  it("of an int only the lower half counts", () => {
    expect(attach(LSM, "bpf_lsm_file_mprotect", "w0 = -1\nexit")).toBe("");
    expect(attach(LSM, "bpf_lsm_file_mprotect", "r0 = 7\nr0 <<= 32\nexit")).toBe("");
  });

  it("what the hook returned before may be returned again", () => {
    expect(attach(LSM, "bpf_lsm_file_mprotect", "r0 = *(u64 *)(r1 +24)\nexit")).toBe("");
    expect(attach(LSM, "bpf_lsm_file_mprotect", "r0 = *(u64 *)(r1 +16)\nexit")).toMatch(
      /should have been in/,
    );
  });

  it("of a cgroup: yes or no, of void hooks yes", () => {
    expect(attach(LSM_CGROUP, "bpf_lsm_socket_bind", ret(1))).toBe("");
    expect(attach(LSM_CGROUP, "bpf_lsm_socket_bind", ret(2))).toBe(refusal(2, "[0, 1]"));
    expect(attach(LSM_CGROUP, "bpf_lsm_sk_free_security", ret(1))).toBe("");
    expect(attach(LSM_CGROUP, "bpf_lsm_sk_free_security", ret(0))).toBe(
      `${refusal(0, "[1, 1]")}\nNote, BPF_LSM_CGROUP that attach to void LSM hooks can't modify return value!`,
    );
  });

  it("those that are closed, and those that may not sleep", () => {
    expect(attach(LSM, "bpf_lsm_vm_enough_memory", ret(0))).toMatch(
      /points to disabled hook bpf_lsm_vm_enough_memory/,
    );
    expect(attach(LSM, "bpf_lsm_file_open", ret(0), ["sleepable"])).toBe("");
    expect(attach(LSM, "bpf_lsm_file_mprotect", ret(0), ["sleepable"])).toBe(
      "EINVAL: bpf_lsm_file_mprotect is not sleepable",
    );
  });
});

describe("functions", () => {
  it("fentry and fexit return 0, what replaces a return value returns anything", () => {
    expect([ret(0), ret(1)].map((p) => attach(FENTRY, "bpf_fentry_test1", p))).toEqual([
      "",
      refusal(1, "[0, 0]"),
    ]);
    expect([ret(0), ret(1)].map((p) => attach(FEXIT, "bpf_fentry_test1", p))).toEqual([
      "",
      refusal(1, "[0, 0]"),
    ]);
    expect(attach(MODIFY, "bpf_modify_return_test", ret(77))).toBe("");
  });

  it("their arguments are read by 8 bytes, the returned value behind them where it is there", () => {
    const load = (off: number) => `r2 = *(u64 *)(r1 +${off})\nr0 = 0\nexit`;
    expect(attach(FENTRY, "bpf_fentry_test1", load(0))).toBe("");
    expect(attach(FENTRY, "bpf_fentry_test1", load(8))).toMatch(
      /func 'bpf_fentry_test1' doesn't have 2-th argument/,
    );
    expect(attach(FEXIT, "bpf_fentry_test1", load(8))).toBe("");
    expect(attach(FEXIT, "bpf_fentry_test1", load(16))).toMatch(/doesn't have 3-th argument/);
    expect(attach(FENTRY, "bpf_fentry_test1", load(4))).toMatch(/invalid bpf_context access off=4 size=8/);
  });

  it("those that are refused", () => {
    expect(attach(FEXIT, "do_exit", ret(0))).toMatch(
      /Attaching fexit\/fmod_ret to __noreturn function 'do_exit' is rejected\./,
    );
    expect(attach(MODIFY, "bpf_fentry_test2", ret(0))).toMatch(/bpf_fentry_test2\(\) is not modifiable/);
  });
});
