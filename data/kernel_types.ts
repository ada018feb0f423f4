// Which types of a kernel come along in data/kernel.btf.gz: those that programs of the network and their tracing name.
// A struct that is listed comes with all its members and what they embed; one behind a pointer only if it is listed.

/** Structs, unions and enums by name; `*` stands for any characters. */
export const STRUCTS: readonly string[] = `
  sk_buff sk_buff_head skb_shared_info skb_ext skb_frag skb_shared_hwtstamps sock sock_common inet_sock
  inet_connection_sock tcp_sock tcp_request_sock tcp_timewait_sock tcp6_sock udp_sock udp6_sock raw_sock raw6_sock
  unix_sock packet_sock netlink_sock inet_request_sock inet_timewait_sock ipv6_pinfo request_sock request_sock_ops
  request_sock_queue socket socket_wq proto proto_ops sockaddr sockaddr_in sockaddr_in6 sockaddr_un sockaddr_storage
  in_addr in6_addr mptcp_sock mptcp_subflow_context
  ethhdr vlan_hdr vlan_ethhdr arphdr iphdr ipv6hdr ipv6_opt_hdr ipv6_rt_hdr ipv6_sr_hdr frag_hdr tcphdr udphdr icmphdr
  icmp6hdr igmphdr sctphdr sctp_chunkhdr gre_base_hdr vxlanhdr genevehdr iptunnel_info ip_tunnel_info ip_tunnel_key
  ip_auth_hdr ip_esp_hdr mpls_label ip_options tcp_options_received inet_skb_parm inet6_skb_parm tcp_skb_cb qdisc_skb_cb
  xdp_md xdp_buff xdp_frame xdp_rxq_info xdp_txq_info xdp_mem_info xdp_desc xdp_umem xsk_buff_pool
  net net_device net_device_ops netdev_queue netdev_rx_queue napi_struct softnet_data dst_entry dst_ops rtable rt6_info
  fib_info fib6_info fib_result neighbour neigh_table flowi flowi4 flowi6 flow_keys flow_keys_basic flow_dissector
  nf_conn nf_conn___init nf_conntrack nf_conntrack_tuple nf_conntrack_tuple_hash nf_conntrack_zone nf_hook_state nf_ct_ext
  nf_conntrack_l4proto nf_nat_range2 nf_inet_addr nf_conn_help nf_conn_counter nf_flowtable flow_offload* nf_hook_ops
  xfrm_state xfrm_md_info bpf_xfrm_state bpf_xfrm_info bpf_fou_encap bpf_ct_opts Qdisc Qdisc_ops qdisc_size_table
  tcf_result tcf_proto tc_skb_ext
  __sk_buff bpf_* btf_ptr
  task_struct thread_struct thread_info cred user_struct user_namespace pid pid_namespace upid nsproxy uts_namespace
  new_utsname signal_struct mm_struct vm_area_struct files_struct fdtable file inode dentry super_block path qstr
  vfsmount mount mnt_namespace ns_common fs_struct linux_binprm cgroup cgroup_subsys_state cgroup_root css_set
  cgroup_namespace kernfs_node rq cpumask pt_regs user_pt_regs perf_event perf_event_attr perf_sample_data
  trace_entry trace_event_raw_* seq_file kobject module work_struct timer_list hrtimer list_head hlist_node hlist_head
  rb_node rb_root callback_head kref refcount_struct bio request gendisk block_device page folio kmem_cache kiocb iov_iter
  msghdr user_msghdr iovec kvec tcp_congestion_ops rate_sample ack_sample smc_hs_ctrl
  *__safe_trusted *__safe_trusted_or_null *__safe_rcu *__safe_rcu_or_null
  bpf_htab bpf_array bpf_stack_map lpm_trie bpf_dtab bpf_stab bpf_shtab bpf_cpu_map xsk_map reuseport_array
  xdp_action sk_action tc_action tcp_ca_state sock_type netdev_tx nf_inet_hooks pid_type skb_drop_reason
`
  .trim()
  .split(/\s+/);

/** Functions that programs are attached to, beside kernel functions, hooks and iterators. */
export const FUNCS: readonly string[] = `
  tcp_* udp_* udpv6_* ip_* ip6_* inet_* inet6_* __ip_* __ip6_* __tcp_* __udp* ipv6_* icmp_* sk_* sock_* __sock_* skb_*
  __skb_* kfree_skb* consume_skb __kfree_skb napi_* __napi_* dev_* __dev_* netif_* __netif_* net_rx_action eth_*
  nf_hook_* nf_conntrack_* nf_nat_* xdp_* unix_* br_handle_* neigh_* fib_* arp_*
  bpf_fentry_test* bpf_modify_return_test* bpf_dispatcher_xdp_func bpf_prog_*
  do_unlinkat do_sys_open* do_filp_open vfs_* filp_close do_exit do_fork kernel_clone wake_up_new_task schedule
  finish_task_switch* try_to_wake_up security_* __x64_sys_* __sys_*
`
  .trim()
  .split(/\s+/);

/** Whatever is of these names comes too. */
export const PREFIXES = { typedef: ["btf_trace_"], func: ["bpf_lsm_", "bpf_iter_"] } as const;
