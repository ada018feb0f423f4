// Which helpers work on which special maps: helpers made for some types take no other, and maps that are no plain
// tables take only what is made for them.
import type { MapTypeName } from "./map_types.ts";

const PERF: readonly MapTypeName[] = ["perf_event_array"];
const RING: readonly MapTypeName[] = ["ringbuf"];
const SOCKMAP: readonly MapTypeName[] = ["sockmap"];
const SOCKHASH: readonly MapTypeName[] = ["sockhash"];
const QUEUES: readonly MapTypeName[] = ["queue", "stack"];
const CGROUP: readonly MapTypeName[] = ["cgroup_array"];

// biome-ignore format: table
export const MADE_FOR: Readonly<Record<string, readonly MapTypeName[]>> = {
  tail_call:                 ["prog_array"],
  perf_event_read:           PERF,
  perf_event_output:         PERF,
  perf_event_read_value:     PERF,
  skb_output:                PERF,
  xdp_output:                PERF,
  ringbuf_output:            RING,
  ringbuf_reserve:           RING,
  ringbuf_query:             RING,
  ringbuf_reserve_dynptr:    RING,
  ringbuf_submit_dynptr:     RING,
  ringbuf_discard_dynptr:    RING,
  user_ringbuf_drain:        ["user_ringbuf"],
  get_stackid:               ["stack_trace"],
  current_task_under_cgroup: CGROUP,
  skb_under_cgroup:          CGROUP,
  redirect_map:              ["devmap", "devmap_hash", "cpumap", "xskmap"],
  sk_redirect_map:           SOCKMAP,
  msg_redirect_map:          SOCKMAP,
  sock_map_update:           SOCKMAP,
  sk_redirect_hash:          SOCKHASH,
  msg_redirect_hash:         SOCKHASH,
  sock_hash_update:          SOCKHASH,
  get_local_storage:         ["cgroup_storage", "percpu_cgroup_storage"],
  sk_select_reuseport:       ["reuseport_sockarray", "sockmap", "sockhash"],
  map_pop_elem:              QUEUES,
  map_peek_elem:             [...QUEUES, "bloom_filter"],
  map_push_elem:             [...QUEUES, "bloom_filter"],
  map_lookup_percpu_elem:    ["percpu_array", "percpu_hash", "lru_percpu_hash"],
  sk_storage_get:            ["sk_storage"],
  sk_storage_delete:         ["sk_storage"],
  inode_storage_get:         ["inode_storage"],
  inode_storage_delete:      ["inode_storage"],
  task_storage_get:          ["task_storage"],
  task_storage_delete:       ["task_storage"],
  cgrp_storage_get:          ["cgrp_storage"],
  cgrp_storage_delete:       ["cgrp_storage"],
};

/** Helpers for plain tables that a special map takes as well; a map that has no row takes all of them. */
// biome-ignore format: table
export const ALSO: Partial<Record<MapTypeName, readonly string[]>> = {
  prog_array:            [],
  perf_event_array:      [],
  ringbuf:               [],
  user_ringbuf:          [],
  stack_trace:           [],
  cgroup_array:          [],
  cgroup_storage:        [],
  percpu_cgroup_storage: [],
  reuseport_sockarray:   [],
  queue:                 [],
  stack:                 [],
  bloom_filter:          [],
  cpumap:                [],
  devmap:                ["map_lookup_elem"],
  devmap_hash:           ["map_lookup_elem"],
  xskmap:                ["map_lookup_elem"],
  array_of_maps:         ["map_lookup_elem"],
  hash_of_maps:          ["map_lookup_elem"],
  // updates and deletions only where no socket is locked: see prog_rules
  sockmap:               ["map_lookup_elem", "map_update_elem", "map_delete_elem"],
  sockhash:              ["map_lookup_elem", "map_update_elem", "map_delete_elem"],
  sk_storage:            ["kptr_xchg"],
  inode_storage:         ["kptr_xchg"],
  task_storage:          ["kptr_xchg"],
  cgrp_storage:          ["kptr_xchg"],
};

/** Maps that can be walked by for_each_map_elem. */
export const WALKABLE: ReadonlySet<MapTypeName> = new Set<MapTypeName>([
  "hash",
  "percpu_hash",
  "lru_hash",
  "lru_percpu_hash",
  "array",
  "percpu_array",
]);
