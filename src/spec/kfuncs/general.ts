// Kernel functions of no subsystem in particular, as of Linux 6.18: those every program may call, and those about
// objects, tasks, cgroups and masks of CPUs.
import { type KfuncHook, type KfuncRow, kfuncs } from "./row.ts";

const COMMON: readonly KfuncHook[] = ["common"];
const GENERIC: readonly KfuncHook[] = ["tracing", "tc", "xdp", "struct_ops", "syscall", "cgroup"];
const MASKS: readonly KfuncHook[] = ["tracing", "struct_ops", "syscall"];

// biome-ignore format: table
export const GENERAL: readonly KfuncRow[] = [
  ...kfuncs(COMMON, "", `
    bpf_cast_to_kern_ctx bpf_rdonly_cast bpf_rcu_read_lock bpf_rcu_read_unlock bpf_preempt_disable bpf_preempt_enable
    bpf_local_irq_save bpf_local_irq_restore bpf_res_spin_unlock bpf_res_spin_unlock_irqrestore __bpf_trap
    bpf_dynptr_adjust bpf_dynptr_clone bpf_dynptr_copy bpf_dynptr_is_null bpf_dynptr_is_rdonly bpf_dynptr_memset
    bpf_dynptr_size bpf_probe_read_kernel_dynptr bpf_probe_read_kernel_str_dynptr bpf_probe_read_user_dynptr
    bpf_probe_read_user_str_dynptr bpf_get_kmem_cache bpf_modify_return_test_tp bpf_wq_init bpf_wq_set_callback_impl
    bpf_wq_start bpf_timer_cancel_async bpf_strcasecmp bpf_strchr bpf_strchrnul bpf_strcmp bpf_strcspn bpf_strlen
    bpf_strnchr bpf_strnlen bpf_strnstr bpf_strrchr bpf_strspn bpf_strstr`),
  ...kfuncs(COMMON, "ret_null", "bpf_dynptr_slice bpf_dynptr_slice_rdwr bpf_res_spin_lock bpf_res_spin_lock_irqsave"),
  ...kfuncs(COMMON, "trusted", `
    bpf_map_sum_elem_count bpf_stream_vprintk_impl bpf_task_work_schedule_signal_impl
    bpf_task_work_schedule_resume_impl`),
  ...kfuncs(COMMON, "rcu", "bpf_cgroup_read_xattr"),
  ...kfuncs(COMMON, "sleepable", `
    bpf_copy_from_user_dynptr bpf_copy_from_user_str bpf_copy_from_user_str_dynptr bpf_copy_from_user_task_str`),
  ...kfuncs(COMMON, "sleepable trusted", `
    bpf_arena_alloc_pages bpf_arena_free_pages bpf_arena_reserve_pages bpf_copy_from_user_task_dynptr
    bpf_copy_from_user_task_str_dynptr`),

  ...kfuncs(COMMON, "iter_new", "bpf_iter_num_new bpf_iter_bits_new"),
  ...kfuncs(COMMON, "iter_new trusted", "bpf_iter_css_task_new"),
  ...kfuncs(COMMON, "iter_new trusted rcu_protected", "bpf_iter_css_new bpf_iter_task_new"),
  ...kfuncs(COMMON, "iter_new rcu", "bpf_iter_task_vma_new"),
  ...kfuncs(COMMON, "iter_new sleepable", "bpf_iter_dmabuf_new bpf_iter_kmem_cache_new"),
  ...kfuncs(COMMON, "iter_next ret_null", `
    bpf_iter_num_next bpf_iter_bits_next bpf_iter_css_task_next bpf_iter_css_next bpf_iter_task_next
    bpf_iter_task_vma_next`),
  ...kfuncs(COMMON, "iter_next ret_null sleepable", "bpf_iter_dmabuf_next bpf_iter_kmem_cache_next"),
  ...kfuncs(COMMON, "iter_destroy", `
    bpf_iter_num_destroy bpf_iter_bits_destroy bpf_iter_css_task_destroy bpf_iter_css_destroy bpf_iter_task_destroy
    bpf_iter_task_vma_destroy`),
  ...kfuncs(COMMON, "iter_destroy sleepable", "bpf_iter_dmabuf_destroy bpf_iter_kmem_cache_destroy"),

  ...kfuncs(GENERIC, "", "bpf_list_push_back_impl bpf_list_push_front_impl bpf_rbtree_add_impl bpf_throw"),
  ...kfuncs(GENERIC, "acquire ret_null", `
    bpf_obj_new_impl bpf_percpu_obj_new_impl bpf_list_pop_front bpf_list_pop_back bpf_rbtree_remove
    bpf_cgroup_from_id bpf_task_from_pid bpf_task_from_vpid bpf_lookup_system_key`),
  ...kfuncs(GENERIC, "acquire ret_null rcu", `
    bpf_refcount_acquire_impl bpf_task_acquire bpf_task_get_cgroup1 bpf_cgroup_acquire bpf_cgroup_ancestor`),
  ...kfuncs(GENERIC, "acquire ret_null sleepable", "bpf_lookup_user_key"),
  ...kfuncs(GENERIC, "sleepable", "bpf_verify_pkcs7_signature"),
  ...kfuncs(GENERIC, "release", `
    bpf_obj_drop_impl bpf_percpu_obj_drop_impl bpf_task_release bpf_cgroup_release bpf_key_put`),
  ...kfuncs(GENERIC, "ret_null", `
    bpf_list_front bpf_list_back bpf_rbtree_first bpf_rbtree_root bpf_rbtree_left bpf_rbtree_right`),
  ...kfuncs(GENERIC, "rcu", "bpf_task_under_cgroup"),
  ...kfuncs(GENERIC, "trusted", "bpf_send_signal_task"),

  ...kfuncs(MASKS, "acquire ret_null", "bpf_cpumask_create"),
  ...kfuncs(MASKS, "acquire trusted", "bpf_cpumask_acquire"),
  ...kfuncs(MASKS, "release", "bpf_cpumask_release"),
  ...kfuncs(MASKS, "rcu", `
    bpf_cpumask_and bpf_cpumask_any_and_distribute bpf_cpumask_any_distribute bpf_cpumask_clear bpf_cpumask_clear_cpu
    bpf_cpumask_copy bpf_cpumask_empty bpf_cpumask_equal bpf_cpumask_first bpf_cpumask_first_and
    bpf_cpumask_first_zero bpf_cpumask_full bpf_cpumask_intersects bpf_cpumask_or bpf_cpumask_populate
    bpf_cpumask_set_cpu bpf_cpumask_setall bpf_cpumask_subset bpf_cpumask_test_and_clear_cpu
    bpf_cpumask_test_and_set_cpu bpf_cpumask_test_cpu bpf_cpumask_weight bpf_cpumask_xor`),
];
