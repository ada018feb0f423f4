// Keys and values that iterators of maps hand to programs: memory whose size the program does not know. The verdicts
// are those of Linux 6.18.15 (Debian, x86-64), which loads such programs, but for what it says of null.
import { describe, expect, it } from "vitest";
import { OWN_BTF, Outside } from "../../runtime/load/outside.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { prog } from "./harness.ts";

const types = new Outside({ btf: OWN_BTF }).kernelBtf();

function verdict(body: string): string {
  const source = `r2 = *(u64 *)(r1 +16)\nr3 = *(u64 *)(r1 +24)\n${body}\nout: r0 = 0\nexit`;
  const place = {
    type: "tracing",
    expectedAttachType: "trace_iter",
    attachBtfId: types?.find("bpf_iter_bpf_map_elem", "func")?.id ?? 0,
    kernelBtf: () => types,
  } as const;
  try {
    verify(prog(source, place), { logLevel: 0 });
    return "";
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return `${e.code} ${e.reasons.at(-1)}`;
  }
}

const KEY = "if r2 == 0 goto out\n";
const VALUE = "if r3 == 0 goto out\n";

describe("what an iterator of a map hands out", () => {
  it("has the types of the kernel", () => expect(types?.find("bpf_iter_bpf_map_elem", "func")).toBeDefined());

  // biome-ignore format: table
  it.each([
    ["a key is read",                  `${KEY}r0 = *(u64 *)(r2 +0)`, ""],
    ["a key is not written",           `${KEY}*(u64 *)(r2 +0) = 1`, "EACCES R2 cannot write into rdonly_buf"],
    ["nor added to",                   `${KEY}r4 = 1\nlock *(u64 *)(r2 +0) += r4`, "EACCES R2 cannot write into rdonly_buf"],
    ["a value is read",                `${VALUE}r0 = *(u64 *)(r3 +0)`, ""],
    ["and its sign",                   `${VALUE}r0 = *(s8 *)(r3 +0)`, ""],
    ["a value is written",             `${VALUE}*(u64 *)(r3 +8) = 1`, ""],
    ["and added to",                   `${VALUE}r4 = 1\nlock *(u64 *)(r3 +0) += r4`, ""],
    ["but not across its words",       `${VALUE}r4 = 1\nlock *(u64 *)(r3 +1) += r4`, "EACCES misaligned access off 0+0+1 size 8"],
    ["however far",                    `${VALUE}r0 = *(u64 *)(r3 +4096)`, ""],
    ["too far for any pointer",        `${VALUE}r3 += 0x1ffffff0\nr3 += 0x1ffffff0\nr0 = *(u64 *)(r3 +0)`, "EINVAL buf pointer offset 1073741792 is not allowed"],
    ["below its start",                `${VALUE}r0 = *(u8 *)(r3 -1)`, "EACCES R3 invalid rdwr buffer access: off=-1, size=1"],
    ["somewhere",                      `${VALUE}r4 = *(u64 *)(r3 +0)\nr4 &= 7\nr3 += r4\nr0 = *(u8 *)(r3 +0)`, "EACCES R3 invalid variable buffer offset: off=0, var_off=(0x0; 0x7)"],
    ["a value comes back from stack",  `*(u64 *)(r10 -8) = r3\n${VALUE}r4 = *(u64 *)(r10 -8)\nr0 = *(u8 *)(r4 +3)`, ""],
    ["a helper fills a value",         `${VALUE}r1 = r3\nr2 = 8\nr3 = 0\ncall bpf_probe_read_kernel`, ""],
    ["no helper fills a key",          `${KEY}r1 = r2\nr2 = 8\nr3 = 0\ncall bpf_probe_read_kernel`, "EACCES R1 type=rdonly_buf expected=fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_"],
    ["what may be null does not move", "r3 += 8", "EACCES R3 pointer arithmetic on buf_or_null prohibited, null-check it first"],
  ])("%s", (_, body, words) => expect(verdict(body)).toBe(words));

  // Linux 6.18 takes these, later kernels do not
  it.each([
    [
      "a key that may be null is not read",
      "r0 = *(u64 *)(r2 +0)",
      "EACCES R2 invalid mem access 'rdonly_buf_or_null'",
    ],
    [
      "a value that may be null is not written",
      "*(u64 *)(r3 +8) = 1",
      "EACCES R3 invalid mem access 'buf_or_null'",
    ],
  ])("%s", (_, body, words) => expect(verdict(body)).toBe(words));
});
