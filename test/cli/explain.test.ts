// What `verify` tells a person about a rejection: the line, the insn, where the register came from, what to do.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { adviceFor } from "../../src/cli/advice.ts";
import { explain } from "../../src/cli/explain.ts";
import { originsOf } from "../../src/cli/origins.ts";
import { readPath } from "../../src/cli/path_log.ts";

function told(object: string, prog: string): string {
  const { spec } = openObject(join(import.meta.dirname, "..", object));
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
  ["bad_loop_endless",    [/infinite loop detected at insn 1/, /insn +\d+: .*\n {2}(came from|mend)/, /mend +nothing that decides/]],
] as const)("%s", (prog, lines) => {
  const text = told("objects/bad.o", prog);
  for (const line of lines) expect(text).toMatch(line);
});

// callbacks, arguments that are counted, reasons before the last one, what was taken and not given back
// biome-ignore format: table
it.each([
  ["calls",  "bad_round_return",   [/came from 11: \(callback entered\) {2}-> {2}R1=scalar\(\)/, /came from 12: w0 &= 2/, /mend +callbacks return 0/]],
  ["calls",  "bad_global_pointer", [/because +invalid read from stack R1 off=-4 size=8/, /came from 2: r1 \+= -4/, /mend +the access leaves its stack frame/]],
  ["calls",  "bad_throws_range",   [/came from 0: r1 = 9 {2}-> {2}R1=9/, /mend +return one of the values/]],
  ["kernel", "bad_numbers",        [/taken at +6: call bpf_iter_num_new/, /mend +what was taken must be given back/]],
  ["kernel", "bad_rcu_region",     [/taken at +\d+: call bpf_rcu_read_lock/, /mend +this region must be left/]],
  ["kernel", "bad_task_released",  [/came from 1: call bpf_task_from_pid.*R0=ptr_or_null_task_struct/, /mend +this argument may not be null/]],
  ["kernel", "bad_uninitialised",  [/came from 3: r3 \+= -16 {2}-> {2}R3=fp-16/, /mend +this takes a dynptr made before/]],
  ["kernel", "bad_slice_size",     [/because +R4 unbounded memory access/, /came from .*R4=/, /mend +bound the number/]],
] as const)("%s: %s", (object, prog, lines) => {
  const text = told(`verifier/twins/${object}.o`, prog);
  for (const line of lines) expect(text).toMatch(line);
});

it("follows a register out of a function of the program and into its caller", () => {
  const { steps } = readPath([
    "0: (b7) r1 = 70                       ; R1=70",
    "1: (85) call pc+2",
    "caller:",
    " R1=70 R10=fp0",
    "callee:",
    " frame1: R1=70 R10=fp0",
    "4: (bf) r0 = r1                       ; frame1: R0=70 R1=70",
    "5: (95) exit",
    "returning from callee:",
    " frame1: R0=70 R1=70 R10=fp0",
    "to caller at 2:",
    " R0=70 R10=fp0",
    "2: (bf) r2 = r0                       ; R0=70 R2=70",
    "3: (95) exit",
  ]);
  expect(originsOf(steps.slice(0, -1), 2, 0).map((o) => o.step.pc)).toEqual([2, 4, 0]);
});

/** The last words of the kernel's log of each refused program. */
function recordedWords(): string[] {
  const text = readFileSync(join(import.meta.dirname, "../recorded/verify.json"), "utf8");
  const { objects } = JSON.parse(text) as { objects: { programs: (string | number)[][] }[] };
  const words = objects.flatMap(({ programs }) => programs.map((row) => row[6]));
  return [...new Set(words.filter((w) => typeof w === "string" && w !== ""))].map(String);
}

it("has a sentence for everything the kernel said of the recorded objects", () => {
  const words = recordedWords();
  expect(words.length).toBeGreaterThan(400);
  expect(words.filter((w) => adviceFor([w]) === undefined)).toEqual([]);
});

// biome-ignore format: table
it.each([
  ["R2 offset is outside of the packet", /data_end/],
  ["R0 invalid mem access 'map_value_or_null'", /may be null/],
  ["R1 invalid mem access 'scalar'", /plain number/],
  ["invalid bpf_context access off=192 size=4", /program type has no such field/],
  ["R7 invalid sock access off=200 size=4", /vmlinux/],
  ["invalid read from stack off -8+0 size 8", /never set/],
  ["invalid read from stack R3 off -16+0 size 16", /never set/],
  ["invalid read from stack R2 off=-2 size=4", /leaves its stack frame/],
  ["invalid write to stack R10 off=-520 size=8", /leaves its stack frame/],
  ["combined stack size of 2 calls is 528. Too large", /share 512 bytes/],
  ["invalid variable-offset read from stack R2 var_off=(0x0; 0xff) off=-16 size=1", /bound the index/],
  ["infinite loop detected at insn 3", /bpf_loop/],
  ["back-edge from insn 5 to 3", /bpf_loop/],
  ["BPF program is too large. Processed 1000001 insn", /too many paths/],
  ["R1 type=scalar expected=map_ptr", /another kind/],
  ["R1 type=sock_or_null expected=sock_common, sock", /may be null/],
  ["cannot call GPL-restricted function from non-GPL compatible program", /license/],
  ["At program exit the register R0 has smin=9 smax=9 should have been in [0, 3]", /program type may return/],
  ["At async callback return the register R0 has smin=1 smax=1 should have been in [0, 0]", /timers and work queues/],
  ["misaligned stack access off 0+0+-4 size 8", /aligned/],
  ["BPF_EXIT instruction in main prog cannot be used inside bpf_spin_lock-ed region", /unlock/],
  ["BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region", /left first/],
  ["function calls are not allowed while holding a lock", /between bpf_spin_lock and/],
  ["bpf_spin_unlock of different lock", /look the value up once/],
  ["bpf_spin_lock at off=0 must be held for bpf_list_head", /same map value/],
  ["program of this type cannot use helper bpf_xdp_adjust_head#44", /do not have this function/],
  ["cannot pass map_type 3 into func bpf_map_lookup_elem#1", /maps of this type/],
  ["R4 invalid zero-sized read: u64=[0,0]", /at least 1/],
  ["R6 min value is negative, either use unsigned index or do a if (index >=0) check.", /unsigned/],
  ["R1 !read_ok", /holds nothing/],
  ["R3 pointer += pointer prohibited", /keep a number beside/],
  ["same insn cannot be used with different pointers", /two kinds of pointer/],
  ["Possibly NULL pointer passed to trusted arg0", /before the call/],
  ["arg 1 is an unacquired reference", /acquired/],
  ["cannot overwrite referenced dynptr", /made once/],
  ["expected an initialized iter_num as arg #0", /bpf_iter_\*_new/],
  ["invalid kptr access, R2 type=ptr_pair expected=ptr_box", /keeps pointers of its own type/],
  ["timer pointer in R1 map_uid=0 doesn't match map pointer in R2 map_uid=0", /must be one/],
  ["tracing progs cannot use bpf_timer yet", /programs of this type/],
  ["R1 leaks addr into map", /CAP_PERFMON/],
  ["R1 pointer comparison prohibited", /CAP_PERFMON/],
  ["prog 'f': extern (strong) 'not_null_or_null_': not resolved", /__weak/],
  ["failed to resolve CO-RE relocation <byte_off> [12] struct s.ptr (0:0 @ offset 0)", /bpf_core_field_exists/],
  ["the kernel's BTF has no func 'none'", /attach to something/],
] as const)("mends %s", (words, say) => expect(adviceFor([words])).toMatch(say));
