// Where everything lies in a world's memory: one file read by AssemblyScript, TypeScript and (by a test) C++.
// Only lines of the form `export const NAME = number;`. Offsets and sizes in bytes. A name ending in _OFF is
// relative to the structure named by its prefix; CPU_*, MAP_*, FRAME_*, ROW_*, EV_* offsets need no suffix.
// Any change of meaning raises LAYOUT_VERSION: map segments of another version are refused.

export const LAYOUT_VERSION = 3;
export const PAGE_SIZE = 4096;
export const WASM_PAGE_SIZE = 65536;
export const MAX_CPUS = 64;

// ---- world: page 0 is never allocated, the header has page 1 for itself ----
export const WORLD_BASE = 0x10000;
export const WORLD_SIZE = 0x10000;

// Absolute addresses of the header's fields.
export const WORLD_MAGIC = 0x10000; // u32, WORLD_MAGIC_VALUE once world_init ran
export const WORLD_LAYOUT = 0x10004; // u32, LAYOUT_VERSION
export const WORLD_NCPUS = 0x10008; // u32, 1..MAX_CPUS
export const WORLD_FLAGS = 0x1000c; // u32, WORLD_F_*
export const WORLD_SEED = 0x10010; // u64, of get_prandom_u32; each CPU's state is made from it and its index
export const WORLD_FIRST_TS = 0x10018; // u64 ns, timestamp of the first packet: MONOTONIC is 1 s then
export const WORLD_CLOCK_STARTED = 0x10020; // u32, WORLD_FIRST_TS is valid
export const WORLD_CPUS = 0x10024; // u32, address of CPU block 0
export const WORLD_STOP = 0x10040; // u32, non-zero ends every run; alone on its cache line
export const WORLD_STOPPED = 0x10080; // u32, set by emitted code just before it traps because of WORLD_STOP
export const WORLD_CRC_TABLES = 0x11000; // 16 tables of 256 u32, filled by world_init
export const WORLD_CRC_TABLES_SIZE = 0x4000;
export const WORLD_MAGIC_VALUE = 0x71727173;
// Timers: programs by table index, references of programs, what may be set before a run.
export const WORLD_TIMER_SEQ = 0x100c0; // u64, timers armed so far in this world: the order among equal deadlines
export const WORLD_TIMER_SEQ_RESET = 0x100d0; // u64, WORLD_TIMER_SEQ at the last timers_stats_reset
export const WORLD_TIMER_DELTA = 0x100d8; // u32, from the slot used last to its timer object
export const WORLD_TIMER_CAP = 0x100c8; // u32, callbacks of one timer in one virtual second; 0 = TIMER_CAP_DEFAULT
export const WORLD_RING_COUNT = 0x10100; // u32, ring buffers there are
export const WORLD_RINGS = 0x10400; // 512 x u32, addresses of their headers; kept by the host
export const WORLD_RING_MAX = 512;
export const WORLD_FUNC_PROG = 0x15000; // 8192 x u32, by table index: id of the program the function belongs to, 0 = none
export const WORLD_FUNC_MAX = 8192;
export const WORLD_PROG_REFS = 0x1d000; // 3072 x u32, by program id: references (atomics)
export const WORLD_PROG_MAX = 3072;
export const TIMER_CAP_DEFAULT = 1000000;
export const WORLD_F_REAL_CLOCK = 1; // CPU_REALTIME and CPU_MONOTONIC are kept by someone else
export const WORLD_F_ALONE = 2; // one thread does everything in this world: timers take no locks
export const WORLD_F_SOLE = 4; // ALONE, and there is one CPU; set by world_init

export const MONOTONIC_START_NS = 1000000000;

// ---- CPU block: CPU_BASE + index * CPU_STRIDE ----
export const CPU_BASE = 0x20000;
export const CPU_STRIDE = 0x30000;

// xdp_md with the offsets of the uapi header. A program's ctx is the address of CPU_CTX.
export const CPU_CTX = 0;
export const CPU_CTX_DATA = 0; // u32
export const CPU_CTX_DATA_END = 4; // u32, end of the linear part
export const CPU_CTX_DATA_META = 8; // u32
export const CPU_CTX_INGRESS_IFINDEX = 12; // u32
export const CPU_CTX_RX_QUEUE_INDEX = 16; // u32
export const CPU_CTX_EGRESS_IFINDEX = 20; // u32
export const CPU_CTX_SIZE = 24;
// __sk_buff and what belongs to it: CPU_SKB below.

export const CPU_TAIL_CALLS = 32; // u32, tail calls of this packet so far; the walker clears it
export const CPU_INDEX = 36; // u32
export const CPU_HARD_START = 40; // u32, first byte of the headroom
export const CPU_HARD_END = 44; // u32, where data_end may grow to (hard start + 4096 - 320)
export const CPU_FRAME_END = 48; // u32, end of all bytes; beyond data_end lie the fragments, contiguous here

export const CPU_REALTIME = 56; // u64 ns, never back
export const CPU_MONOTONIC = 64; // u64 ns, also BOOTTIME
export const CPU_PACKET = 72; // u64, index of the current packet in the run (kept with WALK_EVENTS)
export const CPU_PRANDOM = 80; // u64, state of get_prandom_u32
export const CPU_TIMER_DUE = 88; // u64 ns on CPU_MONOTONIC: no timer of this CPU is due before it; ~0 = none is armed

export const CPU_REDIRECT_KIND = 96; // u32, REDIRECT_*
export const CPU_REDIRECT_MAP = 100; // u32, address of the map header
export const CPU_REDIRECT_INDEX = 104; // u32, key
export const CPU_REDIRECT_IFINDEX = 108; // u32
export const CPU_REDIRECT_FLAGS = 112; // u32, BPF_F_BROADCAST, BPF_F_EXCLUDE_INGRESS

// Event buffer: records appended at CPU_EVENTS_TAIL; the reader takes all of them and sets it to 0.
export const CPU_EVENTS = 120; // u32, address, 8-aligned; 0 = none, everything is lost
export const CPU_EVENTS_SIZE = 124; // u32
export const CPU_EVENTS_TAIL = 128; // u32, bytes used
export const CPU_EVENTS_RESERVE = 132; // u32, the walker stops when fewer are free (WALK_EVENTS)
export const CPU_EVENTS_LOST_PRINTK = 144; // u64

// Parameters of the walker, set by its caller; POS, ROUND, ROWS_POS, OUT_POS and PACKET go on by themselves.
export const CPU_WALK_FRAMES = 160; // u32, address of the frame descriptors
export const CPU_WALK_COUNT = 164; // u32, how many
export const CPU_WALK_POS = 168; // u32, next one
export const CPU_WALK_ROUND = 172; // u32, current round
export const CPU_WALK_ROUNDS = 176; // u32, all rounds; 0 counts as 1
export const CPU_WALK_REASON = 180; // u32, WALK_* reason the last call returned for
export const CPU_WALK_ROUND_NS = 184; // u64, added to the timestamps with each round
export const CPU_WALK_TS_OFFSET = 192; // u64, added to every timestamp
export const CPU_WALK_ROWS = 200; // u32, address of the result rows
export const CPU_WALK_ROWS_CAP = 204; // u32, room for so many
export const CPU_WALK_ROWS_POS = 208; // u32, rows written; the caller sets it to 0
export const CPU_WALK_OUT = 212; // u32, address of the output buffer
export const CPU_WALK_OUT_SIZE = 216; // u32
export const CPU_WALK_OUT_POS = 220; // u32, bytes written; the caller sets it to 0
export const CPU_WALK_OUT_MASK = 224; // u32, bit n: frames of verdict class n are written
export const CPU_WALK_PACKET = 232; // u64, index of the next frame in the whole run; CPU_PACKET is set from it

export const CPU_WALK_NOW = 240; // u64, latest timestamp the walker has seen: of all CPUs together time never goes back

// Counters of the walker, only ever added to; stats_reset clears them.
export const CPU_STATS = 256;
export const CPU_STAT_PACKETS = 256; // u64, frames taken, errors included
export const CPU_STAT_ERRORS = 264; // u64, frames that could not be run
export const CPU_STAT_BYTES = 272; // u64, bytes of the frames as they came, errors included
export const CPU_STAT_VERDICTS = 280; // 13 x u64, by class; XDP: ABORTED, DROP, PASS, TX, REDIRECT, any other value
export const VERDICT_CLASSES = 13;
export const CPU_STATS_SIZE = 128;

// Timers of this CPU. All but OWNER are changed under BASE_LOCK only.
export const CPU_BASE_LOCK = 384; // u32, guards this CPU's queue and every timer object whose base it is
export const CPU_TIMERS = 388; // u32, timers and work items in the queue
export const CPU_CUR_TIMER = 392; // u64, slot word {address, generation} of the timer whose callback runs, 0 = none
export const CPU_CUR_WORK = 400; // u64, the same of a bpf_wq
export const CPU_CUR_PROG = 408; // u32, program id of the callback that runs, 0 = none
export const CPU_TIMER_KEY = 412; // u32, index of an array's element: what the callback's key points at
export const CPU_TIMERS_FIRED = 424; // u64, callbacks; timers_stats_reset clears these two
export const CPU_TIMERS_CANCELLED = 432; // u64, armed timers that were cancelled or freed
export const CPU_TIMER_QUEUE = 440; // u32, address of the queue (QUEUE_*); 0 in blocks outside the world's row
export const CPU_STORM_FN = 444; // u32, table index of the callback for which a run ended with WALK_STORM
export const CPU_OWNER = 448; // u32, real clock: who runs this CPU, 0 = nobody; the library does not look at it

// Checked mode of the JIT: where emitted code found an access outside its region.
export const CPU_FAULT_PC = 456; // u32, pc of the insn + 1, 0 = none
export const CPU_FAULT_ADDR = 464; // u64, the address

// bpf_throw on its way from a subprog to the program, which clears it.
export const CPU_THROWN = 472; // u32
export const CPU_THROWN_VALUE = 480; // u64

// ---- block of a world's real clock, allocated by the host ----
export const CLOCK_ASLEEP = 0; // u64 ns, the deadline the sleeper sleeps for, 0 while it is awake
export const CLOCK_SEQ = 8; // u32, the sleeper's futex
export const CLOCK_CTL = 12; // u32, commands given to the worker
export const CLOCK_ACK = 16; // u32, commands it has carried out
export const CLOCK_STATE = 20; // u32, LOOP_* of the runtime
export const CLOCK_WANTED = 24; // u32, threads that wait for a CPU which a loop keeps taking back
export const CLOCK_RUNS = 28; // i32, index of the CPU whose callbacks clock_loop runs, -1 = none; its thread's own
export const CLOCK_NOW = 32; // u64 ns, MONOTONIC when the sleeper's last wait ended; its thread's own
export const CLOCK_AHEAD = 40; // u64 ns, REALTIME less MONOTONIC, constant
export const CLOCK_SIZE = 64;
export const CLOCK_BUDGET = 16; // callbacks for one reading of the clock
// Why a wait has ended, of those that clock_loop tells apart.
export const WAKE_DUE = 0;
// What clock_loop leaves to its caller, beside CPUs by their index.
export const CLOCK_LOOK = -1; // a command, the stop word, a wait that ended for nothing due
export const CLOCK_BUSY = -2; // a CPU is another thread's, or others wait for one

// ---- a packet as an sk_buff ----
// __sk_buff with the offsets of the uapi header: the ctx of programs on sockets, in tc and in cgroups. Words that the
// kernel keeps in fewer bits have their upper bits zero.
export const CPU_SKB = 512;
export const CPU_SKB_SIZE = 192;
export const SKB_LEN = 0; // u32
export const SKB_PKT_TYPE = 4; // u32
export const SKB_MARK = 8; // u32
export const SKB_QUEUE_MAPPING = 12; // u32, 16 bits
export const SKB_PROTOCOL = 16; // u32, 16 bits, as on the wire
export const SKB_VLAN_PRESENT = 20; // u32
export const SKB_VLAN_TCI = 24; // u32, 16 bits
export const SKB_VLAN_PROTO = 28; // u32, 16 bits, as on the wire
export const SKB_PRIORITY = 32; // u32
export const SKB_INGRESS_IFINDEX = 36; // u32
export const SKB_IFINDEX = 40; // u32
export const SKB_TC_INDEX = 44; // u32, 16 bits
export const SKB_CB = 48; // 5 x u32
export const SKB_HASH = 68; // u32
export const SKB_TC_CLASSID = 72; // u32, 16 bits
export const SKB_DATA = 76; // u32
export const SKB_DATA_END = 80; // u32
export const SKB_FAMILY = 88; // u32
export const SKB_REMOTE_IP4 = 92; // u32, as on the wire
export const SKB_LOCAL_IP4 = 96; // u32
export const SKB_REMOTE_IP6 = 100; // 16 bytes
export const SKB_LOCAL_IP6 = 116; // 16 bytes
export const SKB_DATA_META = 140; // u32
export const SKB_FLOW_KEYS = 144; // u64, address of CPU_FLOW_KEYS
export const SKB_TSTAMP = 152; // u64
export const SKB_WIRE_LEN = 160; // u32
export const SKB_GSO_SEGS = 164; // u32, 16 bits
export const SKB_SK = 168; // u64, address of CPU_SOCK
export const SKB_GSO_SIZE = 176; // u32, 16 bits
export const SKB_TSTAMP_TYPE = 180; // u8
export const SKB_HWTSTAMP = 184; // u64

// bpf_sock with the offsets of the uapi header: the socket the kernel's test run makes for each packet.
export const CPU_SOCK = 704;
export const CPU_SOCK_SIZE = 80;
export const SOCK_FAMILY = 4; // u32
export const SOCK_SRC_IP4 = 24; // u32
export const SOCK_SRC_IP6 = 28; // 16 bytes
export const SOCK_DST_IP4 = 52; // u32
export const SOCK_DST_IP6 = 56; // 16 bytes
export const SOCK_STATE = 72; // u32
export const SOCK_RX_QUEUE_MAPPING = 76; // i32

// What programs see of it through helpers only. Headers are addresses; CPU_FRAME_END is the end of the bytes.
export const CPU_SKB_MAC = 784; // u32, link header
export const CPU_SKB_NET = 788; // u32, network header
export const CPU_SKB_TRANSPORT = 792; // u32, 16 bits: transport header from CPU_SKB_HEAD, SKB_NOT_SET = none
export const CPU_SKB_SUMMED = 796; // u32, CHECKSUM_NONE or CHECKSUM_UNNECESSARY
export const CPU_SKB_CSUM_LEVEL = 800; // u32
export const CPU_SKB_HASHED = 804; // u32, SKB_HAS_HASH: no need to look at the packet for it
export const CPU_SKB_ENCAPSULATION = 808; // u32
export const CPU_SKB_GSO_TYPE = 812; // u32, non-zero: somebody said what kind it is
export const CPU_SKB_CLONED_TO = 816; // u32, ifindex of the last clone_redirect that went out, 0 = none
export const CPU_SKB_TUNNEL = 820; // u32, TUNNEL_* modes: CPU_TUNNEL holds the metadata
export const CPU_SKB_MAC_LEN = 824; // u32, 16 bits: of the link header when a helper last measured it, 0 = none did
export const CPU_SKB_HEAD = 828; // u32, where the kernel's buffer would begin: nothing needs to be there
export const CPU_SKB_STATE_END = 832; // CPU_SKB up to here starts as the template for every packet that needs it
export const CPU_SKB_STATE_SIZE = 320; // CPU_SKB_STATE_END - CPU_SKB, a multiple of 16

export const CPU_VERDICT_CLASS = 3072; // 256 x u8: class of the return value n at n + 1, of -1 at 0, of all larger ones at 255
export const CPU_SKB_TEMPLATE = 3328; // CPU_SKB_STATE_SIZE bytes: a packet before its bytes are known, as the context's options say
export const CPU_TUNNEL = 3648; // bpf_tunnel_key as set, then its options
export const TUNNEL_KEY_SIZE = 44;
export const TUNNEL_FLAGS = 44; // u32, tunnel flags in the order of the wire
export const TUNNEL_OPTS_LEN = 48; // u32
export const TUNNEL_OPTS = 52; // 255 bytes at most
export const TUNNEL_OPTS_MAX = 255;
export const CPU_FLOW_KEYS = 3968; // bpf_flow_keys with the offsets of the uapi header
export const FLOW_KEYS_SIZE = 56;
export const CPU_FLOW_FLAGS = 4024; // u32, flags that flow keys begin with

export const SKB_NOT_SET = 0xffff;
export const SKB_PAD = 64; // bytes the kernel has in front of a packet, and by which it makes more room there
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;

export const CPU_KEY_SCRATCH = 1024; // 2 x 512 bytes: keys in normal form, and keys of the host
export const CPU_KEY_SCRATCH_SIZE = 512;
export const CPU_TEXT_SCRATCH = 2048; // 1024 bytes: a line of trace_printk
export const CPU_TEXT_SCRATCH_SIZE = 1024;
export const CPU_STACK = 4096; // BPF stack, grows down from CPU_STACK_TOP
export const CPU_STACK_TOP = 0x10000; // fp of the main program
export const CPU_FRAME = 0x10000; // frame buffer of copy mode: hard start
export const CPU_FRAME_SIZE = 0x1e000;
export const CPU_QUEUE = 0x2e000; // QUEUE_SIZE bytes

// ---- timer queue of a CPU: a wheel of 11 levels x 64 lists on the 63 bits of a deadline, and a heap of what is due soon ----
export const QUEUE_REF = 0; // u64, reference time: an entry's level is the highest 6-bit digit in which its deadline differs
export const QUEUE_LEVELS = 8; // u32, bit n: level n may not be empty
export const QUEUE_HEAP = 12; // u32, root of the heap of entries whose deadline is at or before QUEUE_REF
export const QUEUE_SECOND_END = 16; // u64 ns, end of the second the storm counters are in
export const QUEUE_SECOND = 24; // u32, its number
export const QUEUE_FAR = 28; // u32, list whose earliest deadline is known + 1, 0 = none
export const QUEUE_FAR_DUE = 32; // u64, that deadline
export const QUEUE_BITMAPS = 64; // 11 x u64, bit n: list n of the level may not be empty
export const QUEUE_LISTS = 192; // 648 x u32, first node of list [level][n]; level 10 has 8 lists
export const QUEUE_STARTS = 2784; // 649 x u64, where the window of list n - 1 begins, kept while it has nodes; of 0: never
export const QUEUE_SIZE = 0x2000;

// ---- timer object, 64 bytes: one behind each value for each field in it, and a few more behind the elements. The first 32
// bytes, next to the value, are what starting and cancelling need ----
export const TIMER_STATE = 0; // u32, TIMER_F_* | clock << TIMER_CLOCK_SHIFT | CPU whose lock guards it << TIMER_BASE_SHIFT
export const TIMER_GEN = 4; // u32, raised when it is freed; with the address in the value's slot
export const TIMER_CALLBACK = 8; // u16, table index + 1, 0 = none
export const TIMER_PROG = 10; // u16, program id it holds a reference of, 0 = none
export const TIMER_LIST = 12; // u16, list its latest node is in + 1, 0 = in none
export const TIMER_CANCELLING = 14; // u16, callbacks that are cancelling it
export const TIMER_DUE = 16; // u64 ns MONOTONIC
export const TIMER_SEQ = 24; // u64
export const TIMER_MAP = 32; // u32, map header
export const TIMER_VALUE = 36; // u32, the value; 0 = free; in the pool the next free object
export const TIMER_FIRES = 40; // u32, callbacks in TIMER_SECOND
export const TIMER_SECOND = 44; // u32
// Two nodes of lists, NODE_*; in the heap neither is in a list, and three of their words are its links.
export const TIMER_NODE_A = 48;
export const TIMER_CHILD = 48; // u32, heap: first child
export const TIMER_NEXT = 52; // u32, heap: right neighbour
export const TIMER_NODE_B = 56;
export const TIMER_PREV = 56; // u32, heap: left neighbour or parent
export const TIMER_SIZE = 64;
// A node is referred to by its address, a B by that + 1.
export const NODE_NEXT = 0; // u32, next node of the list
export const NODE_AT = 4; // u32, address of the word that leads here, 0 = in no list
export const TIMER_F_ARMED = 1;
export const TIMER_F_HEAP = 2; // in the heap
export const TIMER_F_RUNNING = 4; // its callback runs on its base CPU
export const TIMER_F_DEAD = 8; // freed while it ran or was being cancelled: goes back to the pool after that
export const TIMER_F_WORK = 16; // a bpf_wq
export const TIMER_CLOCK_SHIFT = 8; // 8 bits, CLOCK_*
export const TIMER_BASE_SHIFT = 24; // 8 bits, CPU index, TIMER_BASE_MOVING while it goes from one to another
export const TIMER_BASE_MOVING = 255;

// ---- sk_buff limits of the kernel's test run ----
export const SKB_ROOM = 32768; // bytes in front of a copied packet that it may grow into
export const SKB_LEN_MAX = 3712; // PAGE_SIZE - 64 - 320: longer ones are EINVAL
export const SKB_GROWN_MAX = 16064; // what helpers let it grow to
export const FLOW_LEN_MAX = 4096; // of a flow dissector's

// ---- XDP frame limits ----
export const XDP_HEADROOM = 256;
export const XDP_FRAME_STRUCT = 40; // of the headroom, not to be had
export const XDP_TAILROOM = 320;
export const XDP_LINEAR_MAX = 3520; // PAGE_SIZE - XDP_HEADROOM - XDP_TAILROOM
export const XDP_FRAG_SIZE = 4096;
export const XDP_LEN_MAX = 73152; // XDP_LINEAR_MAX + 17 fragments
export const XDP_META_MAX = 252;
export const ETH_HLEN = 14;

export const REDIRECT_NONE = 0;
export const REDIRECT_IFINDEX = 1;
export const REDIRECT_MAP = 2;
export const REDIRECT_BROADCAST = 3;
export const REDIRECT_CLONE = 4; // clone_redirect sent a copy; the verdict is another matter

// ---- walker ----
export const WALK_COPY = 1; // copy each frame to the CPU's frame buffer (programs that write or resize packets)
export const WALK_ROWS = 2; // one result row a frame
export const WALK_CRC = 4; // with ROWS: crc32 of the bytes as they left
export const WALK_OUT = 8; // pcap records of the frames as they left, by CPU_WALK_OUT_MASK
export const WALK_OUT_NS = 16; // their timestamps are in ns, not µs
export const WALK_EVENTS = 32; // stop when the event buffer is nearly full
export const WALK_CLOCK = 64; // set the CPU's clocks from the timestamps
export const WALK_TIMERS = 128; // fire timers due before each packet; on a real clock stop there instead (WALK_TIMER_DUE)
export const WALK_CPUS = 256; // run each frame on the CPU its descriptor names (else on the given one)
export const WALK_HEADROOM = 512; // with COPY: the bytes a resized frame brings in read as zero: XDP in front, sk_buff behind
export const WALK_FRESH = 1024; // sk_buff: programs change more of it than the walker sets for every packet
export const WALK_NETWORK = 2048; // sk_buff: the program's packet starts at the network header
export const WALK_SOCKET = 4096; // sk_buff: the socket's addresses are the packet's
export const WALK_KEPT = 8192; // with OUT: no more bytes than the program returned are written

export const WALK_OUT_RESERVE = 8704; // the walker stops when fewer bytes than this and the frame's length are free

export const WALK_DONE = 0; // all frames of all rounds
export const WALK_BUDGET = 1; // as many as asked for
export const WALK_STOPPED = 2; // the stop word
export const WALK_ROWS_FULL = 3;
export const WALK_OUT_FULL = 4;
export const WALK_EVENTS_FULL = 5;
export const WALK_TIMER_DUE = 6;
export const WALK_STORM = 7; // a callback ran more often than WORLD_TIMER_CAP allows: CPU_STORM_FN

// ---- frame descriptor, 32 bytes ----
export const FRAME_ADDR = 0; // u32
export const FRAME_LEN = 4; // u32, captured bytes
export const FRAME_TS = 8; // u64 ns
export const FRAME_ORIG_LEN = 16; // u32, length on the wire
export const FRAME_HASH = 20; // u32, of the flow
export const FRAME_CPU = 24; // u32, index
export const FRAME_ERRNO = 28; // u32, non-zero: not run, counted as an error
export const FRAME_DESC_SIZE = 32;

// ---- result row, 96 bytes ----
export const ROW_RETVAL = 0; // u32
export const ROW_VERDICT = 4; // u32, verdict class
export const ROW_ERRNO = 8; // u32, positive; then only ROW_PACKET, ROW_TS and ROW_IN_LEN hold
export const ROW_LEN = 12; // u32, as it left, metadata included
export const ROW_CRC32 = 16; // u32
export const ROW_META_LEN = 20; // u32
export const ROW_REDIRECT_KIND = 24; // u32, REDIRECT_NONE unless the verdict is REDIRECT
export const ROW_REDIRECT_MAP = 28; // u32
export const ROW_REDIRECT_INDEX = 32; // u32
export const ROW_REDIRECT_IFINDEX = 36; // u32
export const ROW_OUT_ADDR = 40; // u32, bytes in the output buffer; 0 = not written
export const ROW_CPU = 44; // u32
export const ROW_PACKET = 48; // u64
export const ROW_TS = 56; // u64 ns, after offset and rounds
export const ROW_MARK = 64; // u32; this and what follows of an sk_buff only
export const ROW_PRIORITY = 68; // u32
export const ROW_CB = 72; // 5 x u32
export const ROW_SIZE = 96;

// ---- event record: 40 bytes, then the data, padded to 8 ----
export const EV_SIZE = 0; // u32, whole record
export const EV_KIND = 4; // u32, EV_PERF, EV_PRINTK
export const EV_PACKET = 8; // u64
export const EV_TIME = 16; // u64 ns, CPU_MONOTONIC
export const EV_CPU = 24; // u32
export const EV_MAP = 28; // u32, address of the map header
export const EV_LEN = 32; // u32, bytes of data
export const EV_POS = 36; // u32, of a ring buffer: where in it the record lay, in 8 bytes; only grows, but for the wrap; else 0
export const EV_DATA = 40; // perf: the program's bytes, then the packet's; printk: the formatted text
export const EV_PERF = 1;
export const EV_PRINTK = 2;
export const EV_RING = 3;

// ---- map: [header | per-type words | indexes | elements], offsets relative to the header ----
export const MAP_HEADER_SIZE = 512;
export const MAP_MAGIC = 0; // u32, MAP_MAGIC_VALUE
export const MAP_LAYOUT = 4; // u32, LAYOUT_VERSION
export const MAP_TYPE = 8; // u32, BPF_MAP_TYPE_*
export const MAP_FLAGS = 12; // u32, BPF_F_* of creation
export const MAP_KEY_SIZE = 16; // u32
export const MAP_VALUE_SIZE = 20; // u32, of one CPU
export const MAP_MAX_ENTRIES = 24; // u32
export const MAP_NCPUS = 28; // u32
export const MAP_ELEMS_OFF = 32; // u32, first element
export const MAP_ELEM_STRIDE = 36; // u32
export const MAP_VALUE_OFF = 40; // u32, within an element
export const MAP_PERCPU_STRIDE = 44; // u32, from one CPU's value to the next one's; 0 = not per-CPU
export const MAP_INDEX_OFF = 48; // u32, hash: buckets (u64 each)
export const MAP_BUCKET_MASK = 52; // u32, buckets - 1
export const MAP_POOL = 56; // u32, hash: elements there are, a few more than max_entries
export const MAP_TOTAL_SIZE = 60; // u32, header included
export const MAP_SEED = 64; // u64, of the hash function
export const MAP_ID = 72; // u32, for the runtime
export const MAP_STATE = 76; // u32, MAP_STATE_*
export const MAP_LOCK_OFF = 80; // u32, bpf_spin_lock in the value, MAP_NO_FIELD if none
export const MAP_TIMER_OFF = 84; // u32, bpf_timer in the value, MAP_NO_FIELD if none
export const MAP_RAW_KEY_OFF = 88; // u32, lpm: the key as stored, within an element
export const MAP_SPECIAL_COUNT = 92; // u32, special fields of the value
export const MAP_SPECIAL = 96; // 11 x {off u32, size u32}, ascending, not overlapping
export const MAP_SPECIAL_MAX = 11;
export const MAP_TIMERS_OFF = 184; // u32, spare timer objects, behind the elements
export const MAP_TIMER_POOL = 188; // u32, how many; 0 = values hold neither timer nor work item
// Words that change, each on a cache line of its own.
export const MAP_FREE = 192; // u64, hash: head of the free list (element | tag << 32)
export const MAP_COUNT = 256; // u32, hash: elements in use
export const MAP_BUMP = 320; // u32, hash: elements ever taken from the untouched rest
export const MAP_HAND = 384; // u32, LRU: the clock's hand
export const MAP_TIMER_FREE = 448; // u64, head of the free timer objects (offset | tag << 32)
export const MAP_TIMER_BUMP = 456; // u32, objects ever taken from the untouched rest
export const MAP_USER_REFS = 460; // u32, open handles and pins; at 0 timers cannot be set up
export const MAP_WQ_OFF = 464; // u32, bpf_wq in the value, MAP_NO_FIELD if none
export const MAP_TIMER_OBJECT = 468; // u32, from a value to the object for its timer
export const MAP_WQ_OBJECT = 480; // u32, the same for its work item
export const MAP_LOST = 472; // u64, records that found no room on their way to the host
// Where other types keep other words: queue and stack.
export const FIFO_LOCK = 192; // u32, guards the next two
export const FIFO_HEAD = 196; // u32, slot that is filled next
export const FIFO_TAIL = 200; // u32, slot of the oldest value; the same: none
// Bloom filter, constant.
export const BLOOM_MASK = 52; // u32, bits - 1
export const BLOOM_HASHES = 56; // u32
// Ring buffer: data at MAP_ELEMS_OFF, marks of headers at MAP_INDEX_OFF.
export const RING_PROD = 192; // u64, bytes ever taken
export const RING_CONS = 256; // u64, bytes ever read
export const RING_READER = 320; // u32, somebody is reading
export const RING_REFUSED = 384; // u64, records there was no room for: their programs were told
export const MAP_PREFIX_BITS = 512; // lpm: u64[33], bit n: prefixes of length n were stored; behind the header
export const MAP_PREFIX_BITS_SIZE = 264;

export const MAP_MAGIC_VALUE = 0x70616d73;
export const MAP_NO_FIELD = -1;
export const MAP_STATE_FROZEN = 1;

// Element of a hash, LRU or LPM map.
export const ELEM_NEXT = 0; // u64, next element's offset | ELEM_DELETED | tag << 32
export const ELEM_HASH = 8; // u32; in a free element the next free one
export const ELEM_REF = 12; // u32, LRU: looked up since the hand came by
export const ELEM_KEY = 16; // in 8-byte words, the rest zero
export const ELEM_DELETED = 1;

// Element of a DEVMAP or CPUMAP: {present u32, pad u32, value}.
export const SLOT_PRESENT = 0;
export const SLOT_VALUE = 8;
export const SLOT_SIZE = 16;

// Element of an ARRAY_OF_MAPS, value of a HASH_OF_MAPS: u32 address of the inner map's header, 0 = empty; stride 8.
export const INNER_SLOT_SIZE = 8;

// Element of a PROG_ARRAY: u32 table index + 1, 0 = empty; stride 8.
export const PROG_SLOT_SIZE = 8;
