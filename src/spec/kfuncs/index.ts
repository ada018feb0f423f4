// All kernel functions by name. What they take and give is said by the kernel's own types, or, for those that this
// library brings along, by the prototypes here.
import { GENERAL } from "./general.ts";
import type { KfuncRow } from "./row.ts";
import { SUBSYSTEMS } from "./subsystems.ts";

export { type KfuncFilter, type KfuncFlag, type KfuncHook, type KfuncRow, mayCall } from "./row.ts";

const BY_NAME: ReadonlyMap<string, KfuncRow> = new Map(
  [...GENERAL, ...SUBSYSTEMS].map((row) => [row.name, row]),
);

export function kfuncRow(name: string): KfuncRow | undefined {
  return BY_NAME.get(name);
}

/** Functions that can be called without any kernel's types: those that can run here. */
// biome-ignore format: table
export const OWN_PROTOS: readonly string[] = [
  "int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags)",
  "int bpf_wq_set_callback_impl(struct bpf_wq *wq, callback *callback_fn, unsigned int flags, void *aux__prog)",
  "int bpf_wq_start(struct bpf_wq *wq, unsigned int flags)",
  "int bpf_timer_cancel_async(struct bpf_timer *timer)",
];

/** Ends the program from wherever it is; no function of the library. */
export const THROW = "bpf_throw";

/** What the library calls it. */
export function libName(name: string): string {
  return name.replace(/^bpf_/, "");
}

function named(text: string): ReadonlySet<string> {
  return new Set(text.split(/\s+/).filter((w) => w !== ""));
}

/** Functions on trees, which are guarded by a lock. */
export const TREE_CALLS: ReadonlySet<string> = named(
  "bpf_rbtree_add_impl bpf_rbtree_remove bpf_rbtree_first bpf_rbtree_root bpf_rbtree_left bpf_rbtree_right",
);

/** Functions that may be called while a lock is held. */
export const UNDER_LOCK: ReadonlySet<string> = new Set([
  ...TREE_CALLS,
  ...named(`
    bpf_list_push_front_impl bpf_list_push_back_impl bpf_list_pop_front bpf_list_pop_back bpf_list_front bpf_list_back
    bpf_refcount_acquire_impl bpf_iter_num_new bpf_iter_num_next bpf_iter_num_destroy
    bpf_res_spin_lock bpf_res_spin_unlock bpf_res_spin_lock_irqsave bpf_res_spin_unlock_irqrestore`),
]);
