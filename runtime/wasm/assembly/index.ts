// What the library exports: see ../README.md. Names are the ABI of emitted modules.
export {
  array_delete, array_lookup, array_update, percpu_array_delete, percpu_array_lookup, percpu_array_update,
} from "./array";
export { clock_set, jiffies64, ktime_get_boot_ns, ktime_get_coarse_ns, ktime_get_ns, ktime_get_tai_ns } from "./clock";
export { clock_loop } from "./clock_loop";
export { csum_diff } from "./csum";
export {
  dynptr_adjust, dynptr_clone, dynptr_from_mem, dynptr_from_skb, dynptr_from_skb_meta, dynptr_from_skb_rdonly,
  dynptr_from_xdp, dynptr_is_null, dynptr_is_rdonly, dynptr_size, ringbuf_discard_dynptr, ringbuf_reserve_dynptr,
  ringbuf_submit_dynptr,
} from "./dynptr";
export {
  dynptr_copy, dynptr_data, dynptr_memset, dynptr_read, dynptr_slice, dynptr_slice_rdwr, dynptr_write,
} from "./dynptr_data";
export { perf_event_output } from "./event";
export {
  hash_delete, hash_lookup, hash_lookup4, hash_lookup8, hash_update, lru_hash_delete, lru_hash_lookup,
  lru_hash_lookup4, lru_hash_lookup8, lru_hash_update, lru_percpu_hash_delete, lru_percpu_hash_lookup,
  lru_percpu_hash_update, percpu_hash_delete, percpu_hash_lookup, percpu_hash_lookup4, percpu_hash_lookup8,
  percpu_hash_update,
} from "./hash";
export {
  hash_lookup_words1, hash_lookup_words2, lpm_trie_lookup_words1, lru_hash_lookup_words1, lru_hash_lookup_words2,
  lru_percpu_hash_lookup_words1, lru_percpu_hash_lookup_words2, percpu_hash_lookup_words1, percpu_hash_lookup_words2,
} from "./hash_words";
export { map_collect, map_each_next, map_next_key } from "./iter";
export { spin_lock, spin_unlock } from "./lock";
export { lpm_trie_delete, lpm_trie_lookup, lpm_trie_update } from "./lpm";
export {
  array_of_maps_lookup, hash_of_maps_lookup, map_delete_elem, map_delete_user, map_init, map_lookup_elem, map_lookup_percpu_elem, map_lookup_user,
  map_peek_elem, map_pop_elem, map_push_elem, map_update_elem, map_update_user,
} from "./map";
export { get_numa_node_id, get_prandom_u32, get_smp_processor_id } from "./prandom";
export { iter_num_destroy, iter_num_new, iter_num_next } from "./num_iter";
export { trace_printk, trace_vprintk } from "./printk";
export { queue_collect } from "./queue";
export { redirect, redirect_map } from "./redirect";
export { preempt_disable, preempt_enable, rcu_read_lock, rcu_read_unlock } from "./region";
export {
  ringbuf_discard, ringbuf_output, ringbuf_query, ringbuf_reserve, ringbuf_submit, rings_abort, rings_read,
} from "./ring";
export {
  flow_load_bytes, ld_abs, skb_load_bytes, skb_load_bytes_relative, skb_pull_data, skb_store_bytes,
} from "./skb_bytes";
export { csum_level, csum_update, l3_csum_replace, l4_csum_replace } from "./skb_csum";
export { get_hash_recalc, set_hash, set_hash_invalid } from "./skb_hash";
export {
  get_cgroup_classid, get_netns_cookie, get_route_realm, get_socket_cookie, get_socket_uid, skb_ancestor_cgroup_id,
  skb_cgroup_classid, skb_cgroup_id, skb_change_type, skb_check_mtu, skb_ecn_set_ce, skb_set_tstamp,
} from "./skb_meta";
export { clone_redirect, redirect_neigh, redirect_peer, skb_redirect } from "./skb_redirect";
export { skb_adjust_room, skb_change_head, skb_change_proto, skb_change_tail } from "./skb_room";
export { skb_get_tunnel_key, skb_get_tunnel_opt, skb_set_tunnel_key, skb_set_tunnel_opt } from "./skb_tunnel";
export { skb_vlan_pop, skb_vlan_push } from "./skb_vlan";
export { strncmp } from "./string";
export { map_take, map_take_elem } from "./take";
export { timer_cancel, timer_cancel_async, timer_init, timer_set_callback, timer_start } from "./timer";
// For nobody: what is exported stays a function of its own, and the JIT inlines no *Cold.
export { makeRoomCold } from "./ring";
export { absoluteCold, cancelCold, guessAnewCold, startCold } from "./timer";
export { wq_init, wq_set_callback_impl, wq_start } from "./timer";
export { map_release_timers, timer_free } from "./timer_free";
export { timer_next_due, timers_abort, timers_run, timers_run_all, timers_stats_reset } from "./timer_run";
export { map_copy_locked } from "./value";
export { walk, walk_flow, walk_skb } from "./walk";
export { cpu_init, stats_reset, world_init } from "./world";
export {
  xdp_adjust_head, xdp_adjust_meta, xdp_adjust_tail, xdp_get_buff_len, xdp_load_bytes, xdp_store_bytes,
} from "./xdp";
