// Iterators on the stack: accept and reject twins. Errno and words are those of Linux 6.18.44 for programs of the
// same shape.
import { describe, expect, it } from "vitest";
import { Btf, type BtfType } from "../../src/btf/btf.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";

const INT = 1;
const INT_PTR = 2;
const ITER = 3;
const ITER_PTR = 4;
const NEW = 6;
const NEXT = 8;
const DESTROY = 10;

// biome-ignore format: table
const TYPES: readonly BtfType[] = [
  { kind: "void", id: 0, name: "" },
  { kind: "int", id: INT, name: "int", size: 4, bits: 32, bitOff: 0, signed: true, char: false, bool: false },
  { kind: "ptr", id: INT_PTR, name: "", typeId: INT },
  { kind: "struct", id: ITER, name: "bpf_iter_num", size: 8, members: [] },
  { kind: "ptr", id: ITER_PTR, name: "", typeId: ITER },
  { kind: "func_proto", id: 5, name: "", typeId: INT, params: [{ name: "it", typeId: ITER_PTR }, { name: "start", typeId: INT }, { name: "end", typeId: INT }] },
  { kind: "func", id: NEW, name: "bpf_iter_num_new", typeId: 5, linkage: "global" },
  { kind: "func_proto", id: 7, name: "", typeId: INT_PTR, params: [{ name: "it", typeId: ITER_PTR }] },
  { kind: "func", id: NEXT, name: "bpf_iter_num_next", typeId: 7, linkage: "global" },
  { kind: "func_proto", id: 9, name: "", typeId: 0, params: [{ name: "it", typeId: ITER_PTR }] },
  { kind: "func", id: DESTROY, name: "bpf_iter_num_destroy", typeId: 9, linkage: "global" },
];
const KERNEL = new Btf([...TYPES]);

const call = (id: number, off = -8): string => `r1 = r10\nr1 += ${off}\ncall kfunc#${id}`;
const make = (off = -8): string => `r1 = r10\nr1 += ${off}\nr2 = 0\nr3 = 10\ncall kfunc#${NEW}`;
const END = "r0 = 0\nexit";
const loop = (body: string): string =>
  `${make()}\nagain:\n${call(NEXT)}\nif r0 == 0 goto out\n${body}\ngoto again\nout:\n${call(DESTROY)}\n${END}`;

function outcome(source: string): readonly string[] {
  try {
    verify(prog(source, { kernelBtf: () => KERNEL }));
    return [];
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return [e.code, e.reasons.join("\n")];
  }
}

const NOT_INIT = ["EINVAL", "expected an initialized iter_num as arg #0"];
const LEAK = ["EINVAL", "BPF_EXIT instruction in main prog would lead to reference leak"];

describe("iterators", () => {
  // biome-ignore format: table
  it.each([
    ["a loop that ends",                 loop("r6 = *(u32 *)(r0 +0)"), []],
    ["a sum that grows without bound",   `r6 = 0\n${loop("r7 = *(u32 *)(r0 +0)\nr6 += r7")}`, []],
    ["made and destroyed",               `${make()}\n${call(DESTROY)}\n${END}`, []],
    ["destroyed and made again",         `${make()}\n${call(DESTROY)}\n${make()}\n${call(DESTROY)}\n${END}`, []],
    ["two side by side",                 `${make()}\n${make(-16)}\n${call(DESTROY)}\n${call(DESTROY, -16)}\n${END}`, []],
    ["never destroyed",                  `${make()}\n${END}`, LEAK],
    ["made twice",                       `${make()}\n${make()}\n${END}`, ["EINVAL", "expected uninitialized iter_num as arg #0"]],
    ["destroyed, never made",            `${call(DESTROY)}\n${END}`, NOT_INIT],
    ["destroyed twice",                  `${make()}\n${call(DESTROY)}\n${call(DESTROY)}\n${END}`, NOT_INIT],
    ["asked, never made",                `${call(NEXT)}\n${END}`, NOT_INIT],
    ["asked after its end",              `${make()}\n${call(DESTROY)}\n${call(NEXT)}\n${END}`, NOT_INIT],
    ["written over",                     `${make()}\n*(u64 *)(r10 -8) = 1\n${call(DESTROY)}\n${END}`, NOT_INIT],
    ["written over in part",             `${make()}\n*(u8 *)(r10 -3) = 1\n${call(DESTROY)}\n${END}`, NOT_INIT],
    ["written over and forgotten",       `${make()}\n*(u64 *)(r10 -8) = 1\n${END}`, LEAK],
    ["read",                             `${make()}\nr0 = *(u64 *)(r10 -8)\n${call(DESTROY)}\n${END}`, ["EACCES", "invalid read from stack off -8+0 size 8"]],
    ["read by a helper",                 `${make()}\nr1 = map[h8]\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\n${END}`, ["EACCES", "invalid read from stack R2 off -8+0 size 8"]],
    ["an element without a null check",  `${make()}\n${call(NEXT)}\nr0 = *(u32 *)(r0 +0)\n${END}`, ["EACCES", "R0 invalid mem access 'scalar'"]],
    ["an element is only read",          loop("*(u32 *)(r0 +0) = 1"), ["EACCES", "R0 cannot write into rdonly_mem"]],
    ["a real loop inside is found",      `r7 = *(u32 *)(r1 +12)\n${loop("inner:\nr8 = 1\nif r7 != 5 goto inner")}`, ["EINVAL", "infinite loop detected at insn"]],
    ["not on the stack",                 `r2 = 0\nr3 = 1\ncall kfunc#${NEW}\n${END}`, ["EINVAL", "arg#0 expected pointer to an iterator on stack"]],
    ["off its slot",                     `${make(-12)}\n${END}`, ["EINVAL", "expected uninitialized iter_num as arg #0"]],
    // 6.18 takes what lies above the frame for its first slot
    ["asked above the frame",            `${make()}\n${call(NEXT, 0)}\n${call(DESTROY)}\n${END}`, NOT_INIT],
    ["destroyed above the frame",        `${make()}\n${call(DESTROY, 0)}\n${END}`, NOT_INIT],
    ["what a later round does counts",   `r7 = 0\n${loop("r1 = r10\nr1 += r7\n*(u8 *)(r1 -16) = 1\nr7 = -600")}`, ["EACCES", "invalid"]],
  ] as const)("%s", (_, source, want) => {
    const have = outcome(source);
    expect(have[0]).toBe(want[0]);
    expect(have[1] ?? "").toContain(want[1] ?? "");
  });
});
