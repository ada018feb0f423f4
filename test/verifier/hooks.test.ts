// Security hooks and functions that programs are attached to by BTF, held against Linux 6.18.15 (Debian, x86-64), which
// loads such programs: each hook with a few programs, and which helpers are refused where. Kernels without error
// injection, as that one, let no program sleep in a system call; Linux 6.17 and 7.0 with it (Ubuntu) do.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { OWN_BTF, Outside } from "../../runtime/load/outside.ts";
import type { Btf } from "../../src/btf/btf.ts";
import { INJECTION } from "../../src/spec/attach_targets.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import type { AttachTypeName } from "../../src/spec/prog_types.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";

const types = new Outside({ btf: OWN_BTF }).kernelBtf() as Btf;

interface Place {
  readonly target: string;
  readonly attach: AttachTypeName;
  readonly sleepable: boolean;
}

/** "" or the reasons. */
function refusal({ target, attach, sleepable }: Place, source: string, extra = {}): string {
  const found =
    attach === "trace_raw_tp" ? types.find(`btf_trace_${target}`, "typedef") : types.find(target, "func");
  const type = attach.startsWith("lsm") ? "lsm" : "tracing";
  const flags = sleepable ? ["sleepable"] : [];
  const where = {
    type,
    expectedAttachType: attach,
    attachBtfId: found?.id ?? 0,
    kernelBtf: () => types,
    flags,
  } as const;
  try {
    verify(prog(source, { ...where, ...extra }), { logLevel: 0 });
    return "";
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return `${e.code}: ${e.reasons.join("\n")}`;
  }
}

function recorded<T>(file: string): T[] {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

describe("security hooks", () => {
  const rows = recorded<{ accepts: string[]; hooks: string[] }>("hooks_kernel.jsonl");
  const asked = [
    "lsm_mac, r0 = 0",
    "lsm_mac sleepable, r0 = 0",
    "lsm_mac, r0 = 1",
    "lsm_mac, r0 = -1",
    "lsm_mac, exit",
    "lsm_cgroup, r0 = 1",
    "lsm_cgroup, exit",
  ];

  it("each takes the programs it takes in the kernel", () => {
    let n = 0;
    for (const { accepts, hooks } of rows)
      for (const hook of hooks.filter((name) => types.find(`bpf_lsm_${name}`, "func") !== undefined)) {
        const taken = asked.filter((program) => {
          const [place = "", last = ""] = program.split(", ");
          const [attach, sleepable] = place.split(" ") as [AttachTypeName, string?];
          const source = last === "exit" ? last : `${last}\nexit`;
          return (
            refusal({ target: `bpf_lsm_${hook}`, attach, sleepable: sleepable !== undefined }, source) === ""
          );
        });
        expect(taken, hook).toEqual(asked.filter((program) => accepts.includes(program)));
        n++;
      }
    expect(n).toBeGreaterThan(200);
  });
});

describe("helpers where programs are attached", () => {
  const rows = recorded<Place & { asked: number[]; notOfType: number[]; notHere: number[] }>(
    "target_helpers_kernel.jsonl",
  );
  // where a locked-down kernel gives it to nobody
  const PROBE_WRITE_USER = 36;

  const there = rows.filter(
    ({ target, attach }) => attach === "trace_raw_tp" || types.find(target, "func") !== undefined,
  );
  it.each(there)("$target $attach, sleepable: $sleepable", (row) => {
    const [first = 1, last = 1] = row.asked;
    for (let id = first; id <= Math.min(last, HELPERS.length - 1); id++) {
      if (id === PROBE_WRITE_USER) continue;
      const words = refusal(row, `call ${HELPERS[id]?.name}\nr0 = 0\nexit`);
      const kind = /cannot use helper/.test(words)
        ? "type"
        : /not allowed in probe/.test(words)
          ? "here"
          : "";
      expect(kind, `helper ${id}`).toBe(
        row.notOfType.includes(id) ? "type" : row.notHere.includes(id) ? "here" : "",
      );
    }
  });

  it("enough of the targets are among our own types", () => expect(there.length).toBeGreaterThanOrEqual(13));

  it("the address of a function is for those that are attached to one", () => {
    const source = "call get_func_ip\nr0 = 0\nexit";
    for (const attach of ["trace_fentry", "trace_fexit", "modify_return"] as const)
      expect(refusal({ target: "bpf_modify_return_test", attach, sleepable: false }, source)).toBe("");
    expect(refusal({ target: "sys_enter", attach: "trace_raw_tp", sleepable: false }, source)).toMatch(
      /^ENOTSUPP: func bpf_get_func_ip#173 supported only for fentry\/fexit\/fmod_ret programs/,
    );
  });
});

describe("functions", () => {
  const SYSCALL = "__x64_sys_getpgid";
  const ends = ["trace_fentry", "trace_fexit", "modify_return"] as const;
  const zero = "r0 = 0\nexit";

  /** The types of a kernel that can make functions fail. */
  const injecting = new Outside({ btf: OWN_BTF }).kernelBtf() as Btf;
  injecting.find = ((name: string, kind: "func") =>
    types.find(name === INJECTION ? "do_exit" : name, kind)) as Btf["find"];

  it("a system call sleeps, and returns what a program says, only where the kernel can make it fail", () => {
    for (const attach of ends)
      expect(refusal({ target: SYSCALL, attach, sleepable: true }, zero)).toBe(
        `EINVAL: ${SYSCALL} is not sleepable`,
      );
    const modify = { target: SYSCALL, attach: "modify_return", sleepable: false } as const;
    expect(refusal(modify, zero)).toBe(`EINVAL: ${SYSCALL}() is not modifiable`);
    const kernel = { kernelBtf: () => injecting };
    for (const attach of ends)
      expect(refusal({ target: SYSCALL, attach, sleepable: true }, zero, kernel)).toBe("");
    expect(refusal(modify, zero, kernel)).toBe("");
  });

  it("that types know and the kernel's symbols do not", () => {
    const place = { target: SYSCALL, attach: "trace_fentry", sleepable: false } as const;
    expect(refusal(place, zero, { hasSymbol: () => false })).toBe(
      `ENOENT: The address of function ${SYSCALL} cannot be found`,
    );
    for (const known of [true, undefined]) expect(refusal(place, zero, { hasSymbol: () => known })).toBe("");
  });
});
