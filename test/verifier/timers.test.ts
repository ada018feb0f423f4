// Rules of timers, locks and kernel functions that no object of the tests can break: licenses, missing types, kernel
// functions that are not there. The rest is in test/objects/timer_rules and timer_wq, beside the kernel's answers.
// The words are those of Linux 6.18.44.
import { describe, expect, it } from "vitest";
import { toProg } from "../../runtime/load/prog.ts";
import type { ObjectSpec, ProgSpec } from "../../src/elf/object_spec.ts";
import { kfuncId } from "../../src/verifier/kfunc/desc.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { MAPS, asm, prog } from "./harness.ts";

function refusal(p: Prog): VerifierError {
  try {
    verify(p);
  } catch (error) {
    if (error instanceof VerifierError) return error;
    throw error;
  }
  throw new Error("accepted");
}

const NO_FUNC = "r2 = func cb ll\nr0 = 0\nexit\ncb: r0 = 0\nexit";

describe("refused", () => {
  // biome-ignore format: table
  it.each([
    ["timers without GPL",          prog("r1 = 0\nr2 = 0\nr3 = 0\ncall bpf_timer_start\nr0 = 0\nexit", { gplCompatible: false }), "EINVAL", "cannot call GPL-restricted function from non-GPL compatible program"],
    ["kernel functions without GPL", prog("call kfunc#1\nr0 = 0\nexit", { gplCompatible: false }), "EINVAL", "cannot call kernel function from non-GPL compatible program"],
    ["kernel functions unknown",    prog("call kfunc#99\nr0 = 0\nexit"), "EINVAL", "kernel btf_id 99 is not a function"],
    ["a lock that is a number",     prog("r1 = 0\ncall bpf_spin_lock\nr0 = 0\nexit", { gplCompatible: false }), "EACCES", "R1 type=scalar expected=map_value, ptr_"],
    ["callbacks without types",     prog(NO_FUNC, { funcs: [] }), "EINVAL", "missing btf func_info"],
    ["callbacks that are global",   prog(NO_FUNC, { subprogs: [{ name: "cb", pc: 4, global: true }] }), "EINVAL", "callback function not static"],
  ] as const)("%s", (_, p, code, reason) => {
    const { code: have, reasons } = refusal(p);
    expect([have, reasons]).toEqual([code, [reason]]);
  });

  it("no global function where no linkage is known", () => {
    const subprogs = [{ name: "half", pc: 2, global: true }];
    const source = "call half\nexit\nhalf: r0 = 1\nexit";
    expect(verify(prog(source, { funcs: [], subprogs })).stats.processed).toBe(4);
    expect(refusal(prog(source, { subprogs })).reasons).toEqual(["Global functions need valid BTF"]);
  });

  it("what a map without a usable timer should be", () => {
    const insns = asm(
      "*(u32 *)(r10 -4) = 0\nr2 = r10\nr2 += -4\nr1 = map[h]\ncall bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = r0\ncall bpf_timer_cancel\nout: r0 = 0\nexit",
    );
    const untyped = refusal(prog("exit", { insns }));
    expect(untyped.reasons).toEqual(["map 'h' has to have BTF in order to use bpf_timer"]);
    expect(untyped.hint).toMatch(/__type\(value, …\)/);
    expect(untyped.message).toContain(untyped.hint);
    const maps: MapDef[] = MAPS.map((m) => ({ ...m, valueTypeId: 1 }));
    const plain = refusal(prog("exit", { insns, maps }));
    expect(plain.reasons).toEqual(["map 'h' has no valid bpf_timer"]);
    expect(plain.hint).toMatch(/one 'struct bpf_timer'/);
  });
});

describe("kernel functions by name", () => {
  const load = (extra: Partial<ProgSpec>): Prog => {
    const p: ProgSpec = {
      name: "p",
      section: "xdp",
      type: "xdp",
      flags: [],
      insns: asm("r6 = 0 ll\nif r6 == 0 goto out\ncall kfunc#0\nout: r0 = 0\nexit"),
      subprogs: [{ name: "p", pc: 0, global: true }],
      lines: [],
      funcs: [],
      coreRelos: [],
      kfuncs: [],
      externs: [],
      ...extra,
    };
    const spec: ObjectSpec = {
      name: "o",
      license: "GPL",
      btf: undefined,
      maps: [],
      progs: [p],
      variables: [],
    };
    return toProg(spec, p);
  };
  const named = (name: string, weak: boolean) =>
    load({ kfuncs: [{ pc: 3, name, weak }], externs: [{ pc: 0, name, weak, kind: "ksym" }] });

  it("are there or not, where they are weak", () => {
    expect(verify(named("bpf_not_there", true)).aux[3]?.seen).toBeUndefined();
    const { insns } = named("bpf_timer_cancel_async", true);
    expect(insns[3]).toMatchObject({
      callee: { kind: "kfunc", btfId: kfuncId("bpf_timer_cancel_async", () => undefined) },
    });
    expect(insns[0]).toMatchObject({ value: { kind: "imm", imm: 1n } });
  });

  it("are refused by name, where they must be there", () => {
    expect(() => named("bpf_not_there", false)).toThrow(
      "prog 'p': extern (strong) 'bpf_not_there': not resolved",
    );
  });

  it.each(["r1 = 7", "r1 = 0"])("take a timer of a map value, not %s", (insn) => {
    const call = `call kfunc#${kfuncId("bpf_timer_cancel_async", () => undefined)}`;
    const refused = refusal({
      ...named("bpf_timer_cancel_async", true),
      insns: asm(`${insn}\n${call}\nr0 = 0\nexit`),
    });
    expect([refused.code, refused.reasons]).toEqual(["EINVAL", ["arg#0 doesn't point to a map value"]]);
  });
});
