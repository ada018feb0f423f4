// Functions and hooks of the kernel that programs are attached to by BTF: under which name a target is found, which
// are refused, and which arguments may be null though their types do not say so. As of Linux 6.18.
import type { AttachTypeName } from "./prog_types.ts";

/** How the name in a section becomes the name of a type in the kernel's BTF. */
export interface TargetNames {
  readonly prefix: string;
  readonly kind: "func" | "typedef";
}

const FUNCTION: TargetNames = { prefix: "", kind: "func" };

export const TARGET_NAMES: Partial<Record<AttachTypeName, TargetNames>> = {
  trace_raw_tp: { prefix: "btf_trace_", kind: "typedef" },
  trace_fentry: FUNCTION,
  trace_fexit: FUNCTION,
  modify_return: FUNCTION,
  trace_iter: { prefix: "bpf_iter_", kind: "func" },
  lsm_mac: { prefix: "bpf_lsm_", kind: "func" },
  lsm_cgroup: { prefix: "bpf_lsm_", kind: "func" },
};

function names(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((w) => w !== ""));
}

/** Tracing these would trace the tracing. */
export const DENIED: ReadonlySet<string> = names(`
  migrate_disable migrate_enable rcu_read_unlock_strict preempt_count_add preempt_count_sub __rcu_read_lock
  __rcu_read_unlock`);

/** Functions that never return: nothing can run after them. */
export const NO_RETURN: ReadonlySet<string> = names(`
  __ia32_sys_exit __ia32_sys_exit_group __kunit_abort kunit_try_catch_throw __module_put_and_kthread_exit
  __x64_sys_exit __x64_sys_exit_group do_exit do_group_exit kthread_complete_and_exit kthread_exit make_task_dead`);

/** A function whose return value may be replaced, in a kernel that has the other one. */
export interface Modifiable {
  readonly mayWith?: string;
  readonly sleepable?: true;
}

/** Those beside the security hooks. */
export const MODIFIABLE: Readonly<Record<string, Modifiable>> = {
  bpf_fentry_test1: { sleepable: true },
  bpf_modify_return_test: {},
  bpf_modify_return_test2: {},
  bpf_modify_return_test_tp: {},
  update_socket_protocol: { mayWith: "bpf_mptcp_sock_from_subflow" },
};

/** Kernels that have this function let others be made to fail, and programs replace what those return. */
export const INJECTION = "within_error_injection_list";

/** What can be made to fail, beside system calls. */
export const INJECTABLE: ReadonlySet<string> = names(
  "should_failslab should_fail_alloc_page should_fail_bio __filemap_add_folio",
);

/** Of these, those that are called where nothing may sleep. */
export const NOT_SLEEPABLE: ReadonlySet<string> = names(
  "should_failslab should_fail_alloc_page __filemap_add_folio",
);

/** Functions that are named as if they were security hooks. */
export const NOT_HOOKS: ReadonlySet<string> = names(`
  find_cgroup_shim func_proto get_retval_range has_d_inode_locked init is_sleepable_hook is_trusted verify_prog`);

/** Security hooks that programs cannot be attached to. */
export const LSM_DISABLED: ReadonlySet<string> = names(`
  vm_enough_memory inode_need_killpriv inode_getsecurity inode_listsecurity inode_copy_up_xattr getselfattr getprocattr
  setprocattr key_getsecurity audit_rule_match ismaclabel`);

/** Security hooks whose arguments are being made or torn down. */
export const LSM_UNTRUSTED: ReadonlySet<string> = names(`
  bpf_map_free bpf_prog_free file_alloc_security file_free_security sk_alloc_security sk_free_security task_free`);

/** Security hooks that return yes or no; the others 0 or an error. */
export const LSM_BOOLEAN: ReadonlySet<string> = names(
  "xfrm_state_pol_flow_match audit_rule_known inode_xattr_skipcap",
);

/** Security hooks that may sleep. */
export const LSM_SLEEPABLE: ReadonlySet<string> = names(`
  bpf bpf_map bpf_map_create bpf_map_free bpf_prog bpf_prog_free bpf_prog_load bpf_token_create bpf_token_free bpf_token_cmd
  bpf_token_capable bprm_check_security bprm_committed_creds bprm_committing_creds bprm_creds_for_exec
  bprm_creds_from_file capget capset cred_prepare file_ioctl file_lock file_open file_post_open file_receive
  inet_conn_established inode_create inode_free_security inode_getattr inode_getxattr inode_mknod inode_need_killpriv inode_post_removexattr inode_post_setxattr
  inode_readlink inode_removexattr inode_rename inode_rmdir inode_setattr inode_setxattr inode_symlink inode_unlink
  kernel_module_request kernel_read_file kernfs_init_security path_unlink path_mkdir path_rmdir path_truncate
  path_symlink path_link path_rename path_chmod path_chown mmap_file netlink_send path_notify release_secctx
  sb_alloc_security sb_eat_lsm_opts sb_kern_mount sb_mount sb_remount sb_set_mnt_opts sb_show_options sb_statfs
  sb_umount settime socket_accept socket_bind socket_connect socket_create socket_getpeername
  socket_getpeersec_dgram socket_getsockname socket_getsockopt socket_listen socket_post_create socket_recvmsg
  socket_sendmsg socket_shutdown socket_socketpair syslog task_alloc current_getsecid_subj task_getsecid_obj
  task_prctl task_setscheduler task_to_inode userns_create`);

/** Arguments of tracepoints that may be null, by number. */
// biome-ignore format: table
const NULLABLE: readonly (readonly [args: readonly number[], tracepoints: string])[] = [
  [[0], `tmigr_update_events mm_page_alloc mm_page_alloc_zone_locked mm_page_pcpu_drain mm_collapse_huge_page_isolate
         xfs_inodegc_flush xfs_inodegc_push xfs_inodegc_start xfs_inodegc_stop xfs_inodegc_queue
         xfs_inodegc_throttle xfs_fs_sync_fs xfs_blockgc_start xfs_blockgc_stop xfs_blockgc_worker
         xfs_blockgc_flush_all xfs_defer_create_intent xfs_defer_cancel_list xfs_defer_pending_finish
         xfs_defer_pending_abort xfs_defer_relog_intent xfs_defer_isolate_paused xfs_defer_item_pause
         xfs_defer_item_unpause xfs_defer_add_item xfs_defer_cancel_item xfs_defer_finish_item`],
  [[0, 1], "tcp_send_reset"],
  [[1], `sched_pi_setprio mm_khugepaged_scan_pmd mm_khugepaged_scan_file mm_khugepaged_collapse_file
         writeback_dirty_folio folio_wait_writeback posix_lock_inode fcntl_setlk locks_remove_posix flock_lock_inode
         break_lease_noblock break_lease_block break_lease_unblock generic_delete_lease time_out_leases
         ext4_mballoc_discard ext4_mballoc_free hugetlbfs_alloc_inode xfs_ioc_free_eofblocks
         xfs_blockgc_free_space`],
  [[2], `sched_stick_numa sched_swap_numa xfs_btree_updkeys xfs_btree_overlapped_query_range tcp_sendmsg_locked
         fib_table_lookup`],
  [[3], "kfree_skb qdisc_dequeue"],
  [[4], "xfs_map_blocks_found xfs_map_blocks_alloc"],
];

const NULL_ARGS: ReadonlyMap<string, readonly number[]> = new Map(
  NULLABLE.flatMap(([args, list]) => [...names(list)].map((name) => [name, args] as const)),
);

export function mayBeNull(tracepoint: string, arg: number): boolean {
  return NULL_ARGS.get(tracepoint)?.includes(arg) === true;
}

/** An argument of an iterator's program, which is null in the last call. */
export interface IterArg {
  readonly arg: number;
  readonly gives: "ptr" | "trusted_ptr" | "buf" | "rdonly_buf";
  /** ptr: the struct, where the function's prototype says less */
  readonly struct?: string;
}

const ptr = (arg: number, struct?: string): IterArg => ({ arg, gives: "ptr", ...(struct && { struct }) });
const trusted = (arg: number): IterArg => ({ arg, gives: "trusted_ptr" });

/** Iterators by name. The first argument of each is `struct bpf_iter_meta`. */
export const ITER_ARGS: Readonly<Record<string, readonly IterArg[]>> = {
  bpf_link: [ptr(1)],
  bpf_map: [trusted(1)],
  bpf_map_elem: [
    { arg: 2, gives: "rdonly_buf" },
    { arg: 3, gives: "buf" },
  ],
  bpf_prog: [ptr(1)],
  bpf_sk_storage_map: [ptr(2, "sock"), { arg: 3, gives: "buf" }],
  cgroup: [trusted(1)],
  dmabuf: [ptr(1)],
  ipv6_route: [ptr(1)],
  kmem_cache: [trusted(1)],
  ksym: [ptr(1)],
  netlink: [ptr(1)],
  sockmap: [{ arg: 2, gives: "rdonly_buf" }, ptr(3, "sock")],
  task: [trusted(1)],
  task_file: [ptr(1), ptr(3)],
  task_vma: [ptr(1), ptr(2)],
  tcp: [trusted(1)],
  udp: [trusted(1)],
  unix: [ptr(1)],
};
