// What `verify` tells a person about a rejection: the line, the insn, where the register came from, what to do.
import { join } from "node:path";
import { expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { explain } from "../../src/cli/explain.ts";

const { spec } = openObject(join(import.meta.dirname, "../objects/bad.o"));

function told(prog: string): string {
  const [v] = verifyEach(
    spec,
    spec.progs.filter((p) => p.name === prog),
    1,
  );
  if (v === undefined || v.accept) throw new Error(`${prog} is not rejected`);
  return explain(v, v.log ?? []).join("\n");
}

// biome-ignore format: table
it.each([
  ["bad_packet_one_past", [/rejected \(EACCES\): R2 offset is outside of the packet/, /line +return p\[14\]; @ bad\.bpf\.c:48/, /insn +5: r0 = \*\(u8 \*\)\(r2 \+0\)/, /came from 1: .*R2=pkt\(r=0\)/, /came from 2: r2 \+= 14 .*off=14/, /mend +compare with data_end/]],
  ["bad_null_check",      [/came from 6: call bpf_map_lookup_elem#1 .*map_value_or_null/, /mend +the pointer may be null/]],
  ["bad_value_variable",  [/came from 12: r0 \+= r1 .*umax=/, /mend +bound the number/]],
  ["bad_helper_clobber",  [/came from 1: call bpf_get_prandom_u32#7 .*R3 is empty/, /mend +the register holds nothing/]],
  ["bad_packet_stale",    [/came from 2: .*R6=pkt/, /lost at +\d+: call bpf_xdp_adjust_head#44/]],
  ["bad_loop_endless",    [/infinite loop detected at insn 1/, /mend +nothing that decides/]],
] as const)("%s", (prog, lines) => {
  const text = told(prog);
  for (const line of lines) expect(text).toMatch(line);
});
