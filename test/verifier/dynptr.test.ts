// Dynptrs made by helpers: accept and reject twins. Errno and words are those of Linux 6.18.44 for programs of the same
// shape. In place of the map `h8` stands a ring buffer.
import { describe, expect, it } from "vitest";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { mapDef } from "../harness/map_def.ts";
import { MAPS, prog } from "./harness.ts";

const maps = MAPS.map((m) => (m.name === "h8" ? mapDef("rb", "ringbuf", 0, 0, 4096) : m));

function outcome(source: string): readonly [string, string] {
  try {
    verify(prog(source, { maps }));
    return ["", ""];
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return [e.code, e.reasons.join("\n")];
  }
}

const at = (off: number, reg = "r1"): string => `${reg} = r10\n${reg} += ${off}`;
const END = "r0 = 0\nexit";
const reserve = (off = -16): string =>
  `r1 = map[h8]\nr2 = 8\nr3 = 0\n${at(off, "r4")}\ncall bpf_ringbuf_reserve_dynptr`;
const discard = (off = -16): string => `${at(off)}\nr2 = 0\ncall bpf_ringbuf_discard_dynptr`;
const data = (off = -16): string => `${at(off)}\nr2 = 0\nr3 = 8\ncall bpf_dynptr_data`;
const read = (off = -16): string =>
  `${at(-40)}\nr2 = 8\n${at(off, "r3")}\nr4 = 0\nr5 = 0\ncall bpf_dynptr_read`;
const local = `*(u32 *)(r10 -4) = 0\nr1 = map[one]\n${at(-4, "r2")}\ncall bpf_map_lookup_elem\nif r0 == 0 goto end\nr1 = r0\nr2 = 16\nr3 = 0\n${at(-24, "r4")}\ncall bpf_dynptr_from_mem`;
const LEAK = "would lead to reference leak";

describe("dynptrs", () => {
  // biome-ignore format: table
  it.each([
    ["reserved and discarded",        `${reserve()}\n${discard()}\n${END}`, "", ""],
    ["never given back",              `${reserve()}\n${END}`, "EINVAL", LEAK],
    ["given back twice",              `${reserve()}\n${discard()}\n${discard()}\n${END}`, "EINVAL", "arg 1 is an unacquired reference"],
    ["never made",                    `${read()}\n${END}`, "EINVAL", "Expected an initialized dynptr as arg #2"],
    ["data that is written",          `${reserve()}\n${data()}\nif r0 == 0 goto out\n*(u64 *)(r0 +0) = 1\nout:\n${discard()}\n${END}`, "", ""],
    ["data without a null check",     `${reserve()}\n${data()}\n*(u64 *)(r0 +0) = 1\n${discard()}\n${END}`, "EACCES", "R0 invalid mem access 'mem_or_null'"],
    ["data behind its end",           `${reserve()}\n${data()}\nif r0 == 0 goto out\n*(u64 *)(r0 +8) = 1\nout:\n${discard()}\n${END}`, "EACCES", "R0 min value is outside of the allowed memory range"],
    ["data after it is given back",   `${reserve()}\n${data()}\nif r0 == 0 goto out\nr6 = r0\n${discard()}\n*(u64 *)(r6 +0) = 1\n${END}\nout:\n${discard()}\n${END}`, "EACCES", "R6 invalid mem access 'scalar'"],
    ["referenced, written over",      `${reserve()}\n*(u64 *)(r10 -8) = 0\n${discard()}\n${END}`, "EINVAL", "cannot overwrite referenced dynptr"],
    ["read as bytes",                 `${reserve()}\nr0 = *(u64 *)(r10 -16)\n${discard()}\n${END}`, "EACCES", "invalid read from stack off -16+0 size 8"],
    ["the target of its own read",    `${reserve()}\n${at(-16)}\nr2 = 8\n${at(-16, "r3")}\nr4 = 0\nr5 = 0\ncall bpf_dynptr_read\n${discard()}\n${END}`, "EACCES", "potential write to dynptr at off=-16 disallowed"],
    ["half a slot off",               `${reserve(-20)}\n${END}`, "EINVAL", "Dynptr has to be an uninitialized dynptr"],
    ["out of a map's value",          `${local}\n${read(-24)}\nend:\n${END}`, "", ""],
    ["out of the stack",              `*(u64 *)(r10 -32) = 0\n${at(-32)}\nr2 = 8\nr3 = 0\n${at(-24, "r4")}\ncall bpf_dynptr_from_mem\n${END}`, "EACCES", "Unsupported reg type fp for bpf_dynptr_from_mem data"],
    ["local, written over and read",  `${local}\n*(u8 *)(r10 -9) = 0\n${read(-24)}\nend:\n${END}`, "EINVAL", "Expected an initialized dynptr as arg #2"],
    ["of another type than wanted",   `${local}\n${at(-24)}\nr2 = 0\ncall bpf_ringbuf_discard_dynptr\nend:\n${END}`, "EINVAL", "arg 1 is an unacquired reference"],
    ["slices of one written over",    `${local}\n${data(-24)}\nif r0 == 0 goto end\nr6 = r0\n*(u64 *)(r10 -24) = 0\nr7 = *(u8 *)(r6 +0)\nend:\n${END}`, "EACCES", "R6 invalid mem access 'scalar'"],
  ] as const)("%s", (_, source, code, words) => {
    const [haveCode, haveWords] = outcome(source);
    expect(haveCode, haveWords).toBe(code);
    expect(haveWords).toContain(words);
  });
});
