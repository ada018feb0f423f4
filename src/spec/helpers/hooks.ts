// Helpers of cgroup hooks, of security hooks, of programs that user space calls, of remote controls.
import {
  CGROUP_HOOKS,
  CGROUP_SKB,
  LIRC,
  LSM,
  LSM_CGROUP,
  SLEEPABLE_HOOKS,
  SYSCALL,
  SYSCTL,
  WITH_RETVAL,
} from "./callers.ts";
import { fixedMem, ptrTo, ptrToOrNull, type Row } from "./proto.ts";

// biome-ignore format: table
export const HOOK_HELPERS: readonly Row[] = [
  [81,  "get_local_storage",        ["const_map_ptr", "anything"], "map_value", [...CGROUP_HOOKS, ...CGROUP_SKB, ...LSM_CGROUP]],
  [186, "get_retval",               [], "integer", WITH_RETVAL],
  [187, "set_retval",               ["anything"], "integer", WITH_RETVAL],
  [101, "sysctl_get_name",          ["ctx", "inout_mem", "const_size", "anything"], "integer", SYSCTL],
  [102, "sysctl_get_current_value", ["ctx", "uninit_mem", "const_size"], "integer", SYSCTL],
  [103, "sysctl_get_new_value",     ["ctx", "uninit_mem", "const_size"], "integer", SYSCTL],
  [104, "sysctl_set_new_value",     ["ctx", "mem", "const_size"], "integer", SYSCTL],

  [166, "sys_bpf",                  ["anything", "mem", "const_size"], "integer", SYSCALL, { mightSleep: true }],
  [167, "btf_find_by_name_kind",    ["mem", "const_size", "anything", "anything"], "integer", SYSCALL, { mightSleep: true }],
  [168, "sys_close",                ["anything"], "integer", SYSCALL, { mightSleep: true }],
  [179, "kallsyms_lookup_name",     ["mem", "const_size_or_zero", "anything", fixedMem(8, "uninit")], "integer", SYSCALL],

  [145, "inode_storage_get",        ["const_map_ptr", ptrToOrNull("inode"), "map_value_or_null", "anything"], "map_value_or_null", LSM],
  [146, "inode_storage_delete",     ["const_map_ptr", ptrToOrNull("inode")], "integer", LSM],
  [159, "bprm_opts_set",            [ptrTo("linux_binprm"), "anything"], "integer", LSM],
  [161, "ima_inode_hash",           [ptrTo("inode"), "uninit_mem", "const_size"], "integer", LSM, { ...SLEEPABLE_HOOKS, mightSleep: true }],
  [161, "ima_inode_hash",           [ptrTo("inode"), "uninit_mem", "const_size"], "integer", LSM, { notInProbe: true }],
  [193, "ima_file_hash",            [ptrTo("file"), "uninit_mem", "const_size"], "integer", LSM, { ...SLEEPABLE_HOOKS, mightSleep: true }],
  [193, "ima_file_hash",            [ptrTo("file"), "uninit_mem", "const_size"], "integer", LSM, { notInProbe: true }],

  [77,  "rc_repeat",                ["ctx"], "integer", LIRC, { gplOnly: true }],
  [78,  "rc_keydown",               ["ctx", "anything", "anything", "anything"], "integer", LIRC, { gplOnly: true }],
  [92,  "rc_pointer_rel",           ["ctx", "anything", "anything"], "integer", LIRC, { gplOnly: true }],
];

/** What a remote control's program may call of the helpers for everybody. */
export const LIRC_BASE: ReadonlySet<string> = new Set([
  "map_lookup_elem",
  "map_update_elem",
  "map_delete_elem",
  "map_push_elem",
  "map_pop_elem",
  "map_peek_elem",
  "ktime_get_ns",
  "ktime_get_boot_ns",
  "tail_call",
  "get_prandom_u32",
  "trace_printk",
]);
