// SPDX-License-Identifier: Apache-2.0
// Programs that try to get more out of kernel functions than they give: iterators written over, walked past or left
// behind, dynptrs and slices that outlive what they point to, fields and locks of values reached by another way, iterators
// lent to callbacks and functions, memory handed to global functions. Each next to one that keeps within bounds.
#include "twins.h"

LICENSE("GPL");
#define IN(fn) [fn] "i"(fn)
#define A(sec, name, text, ...)                                         \
	SEC(sec) __attribute__((naked)) int name(void)                  \
	{                                                               \
		asm volatile(text : : __VA_ARGS__ :);                   \
	}
struct bpf_iter_num { u64 s; } __attribute__((aligned(8)));
KFUNC int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end);
KFUNC int *bpf_iter_num_next(struct bpf_iter_num *it);
KFUNC void bpf_iter_num_destroy(struct bpf_iter_num *it);
KFUNC int bpf_dynptr_from_skb(struct __sk_buff *skb, u64 flags, struct bpf_dynptr *p);
KFUNC int bpf_dynptr_from_xdp(struct xdp_md *ctx, u64 flags, struct bpf_dynptr *p);
KFUNC void *bpf_dynptr_slice(const struct bpf_dynptr *p, u32 off, void *buf, u32 size);
KFUNC void *bpf_dynptr_slice_rdwr(const struct bpf_dynptr *p, u32 off, void *buf, u32 size);
KFUNC int bpf_dynptr_clone(const struct bpf_dynptr *p, struct bpf_dynptr *copy);
KFUNC void bpf_rcu_read_lock(void);
KFUNC void bpf_rcu_read_unlock(void);
KFUNC void bpf_preempt_disable(void);
KFUNC void bpf_preempt_enable(void);
KFUNC void bpf_throw(u64 cookie);
struct bpf_crypto_params { u32 any; };
struct bpf_crypto_ctx { u32 any; };
KFUNC struct bpf_crypto_ctx *bpf_crypto_ctx_create(const struct bpf_crypto_params *params, u32 size, int *err);
KFUNC void bpf_crypto_ctx_release(struct bpf_crypto_ctx *ctx);
struct timed { u64 a; struct bpf_timer t; u64 b; };
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_TYPE(key, (u32)0);
	MAP_TYPE(value, (struct timed){});
	MAP_UINT(max_entries, 4);
} tm SEC(".maps");
struct locked { u64 a; struct bpf_spin_lock l; u32 c; u64 b; };
struct {
	MAP_UINT(type, BPF_MAP_TYPE_ARRAY);
	MAP_TYPE(key, (u32)0);
	MAP_TYPE(value, (struct locked){});
	MAP_UINT(max_entries, 4);
} lk SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_RINGBUF);
	MAP_UINT(max_entries, 4096);
} ring SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_HASH);
	MAP_TYPE(key, (u32)0);
	MAP_TYPE(value, (u64)0);
	MAP_UINT(max_entries, 4);
} h SEC(".maps");
struct {
	MAP_UINT(type, BPF_MAP_TYPE_PROG_ARRAY);
	MAP_UINT(key_size, 4);
	MAP_UINT(value_size, 4);
	MAP_UINT(max_entries, 4);
} progs SEC(".maps");
BOX_MAP;

/* at that far below the frame pointer: begin, go on, end */
#define NEW(off) "r1 = r10; r1 += -" off "; r2 = 0; r3 = 10; call %[bpf_iter_num_new];"
#define NEXT(off) "r1 = r10; r1 += -" off "; call %[bpf_iter_num_next];"
#define DEL(off) "r1 = r10; r1 += -" off "; call %[bpf_iter_num_destroy];"
#define IT IN(bpf_iter_num_new), IN(bpf_iter_num_next), IN(bpf_iter_num_destroy)

/* ---- iterators ---- */
A("xdp", fine_it_ok,
  NEW("8") "1:" NEXT("8") "if r0 != 0 goto 1b;" DEL("8") OUT, IT)
A("xdp", bad_it_byte_overwrite,
  NEW("8") "*(u8 *)(r10 - 1) = 0;" NEXT("8") DEL("8") OUT, IT)
A("xdp", bad_it_var_overwrite,
  "r6 = *(u32 *)(r1 + 12); r6 &= 8;" NEW("8") "*(u64 *)(r10 - 16) = 0; r2 = r10; r2 += -16; r2 += r6; *(u64 *)(r2 + 0) = 0;" NEXT("8") DEL("8") OUT, IT)
A("xdp", bad_it_read_raw,
  NEW("8") "r6 = *(u64 *)(r10 - 8);" DEL("8") OUT, IT)
A("xdp", bad_it_helper_write,
  "r6 = r1;" NEW("8") "r1 = r6; r2 = 0; r3 = r10; r3 += -8; r4 = 8; call 189;" DEL("8") OUT, IT)
A("xdp", bad_it_helper_var_write,
  "r6 = r1;" NEW("8") "*(u64 *)(r10 - 16) = 0; r1 = r6; r2 = 0; r3 = r10; r3 += -16; r4 = *(u32 *)(r6 + 12); r4 &= 7; r4 += 2; call 189;" DEL("8") OUT, IT)
A("xdp", fine_it_two_slots,
  NEW("8") NEW("16") NEXT("16") NEXT("8") DEL("16") DEL("8") OUT, IT)
A("xdp", fine_it_two_joined,
  "r6 = *(u32 *)(r1 + 12);" NEW("8") "if r6 == 0 goto 1f;" DEL("8") NEW("8") "1:" DEL("8") OUT, IT)
A("xdp", bad_it_leak_one_path,
  "r6 = *(u32 *)(r1 + 12);" NEW("8") "if r6 == 0 goto 9f;" DEL("8") OUT, IT)
A("xdp", bad_it_val_after_destroy,
  NEW("8") NEXT("8") "r6 = r0; if r0 == 0 goto 1f;" DEL("8") "r0 = *(u32 *)(r6 + 0); goto 9f; 1:" DEL("8") OUT, IT)
A("xdp", fine_it_val_after_next,
  NEW("8") NEXT("8") "r6 = r0; if r0 == 0 goto 1f;" NEXT("8") "r0 = *(u32 *)(r6 + 0); 1:" DEL("8") OUT, IT)
A("xdp", bad_it_val_bound,
  "r7 = 0;" NEW("8") "1:" NEXT("8") "if r0 == 0 goto 2f; r7 = *(u32 *)(r0 + 0); if r7 > 9 goto 2f; goto 1b; 2:" DEL("8") "r1 = r10; r1 += -24; r1 += r7; *(u8 *)(r1 + 0) = 0;" OUT, IT)
A("xdp", bad_it_count_unbound,
  "r7 = 0;" NEW("8") "1:" NEXT("8") "if r0 == 0 goto 2f; r7 += 1; goto 1b; 2:" DEL("8") "r1 = r10; r1 += -24; r1 += r7; *(u8 *)(r1 + 0) = 0;" OUT, IT)
A("xdp", fine_it_count_bound,
  "r7 = 0;" NEW("8") "1:" NEXT("8") "if r0 == 0 goto 2f; if r7 > 14 goto 1b; r7 += 1; goto 1b; 2:" DEL("8") "r1 = r10; r1 += -24; r1 += r7; *(u8 *)(r1 + 0) = 0;" OUT, IT)
A("xdp", fine_it_count_more,
  "r7 = 0;" NEW("8") "1:" NEXT("8") "if r0 == 0 goto 2f; if r7 > 15 goto 1b; r7 += 1; goto 1b; 2:" DEL("8") "r1 = r10; r1 += -24; r1 += r7; *(u8 *)(r1 + 0) = 0;" OUT, IT)
A("xdp", bad_it_ptr_walk,
  LOOKUP("box") "r6 = r0;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; r6 += 1; goto 1b; 2:" DEL("16") "r0 = *(u8 *)(r6 + 0);" OUT, IT)
A("xdp", fine_it_swap_values,
  LOOKUP("box") "r6 = r0; r7 = r10; r7 += -32; *(u64 *)(r10 - 32) = 0;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; r8 = r6; r6 = r7; r7 = r8; goto 1b; 2:" DEL("16") "r0 = *(u8 *)(r6 + 8);" OUT, IT)
A("xdp", fine_it_swap_fine,
  LOOKUP("box") "r6 = r0; r7 = r10; r7 += -32; *(u64 *)(r10 - 32) = 0;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; r8 = r6; r6 = r7; r7 = r8; goto 1b; 2:" DEL("16") "r0 = *(u8 *)(r6 + 7);" OUT, IT)
A("xdp", bad_it_spill_in_loop,
  LOOKUP("box") "r6 = r0; *(u64 *)(r10 - 24) = r0;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; r1 = *(u64 *)(r10 - 24); r0 = *(u8 *)(r1 + 0); *(u64 *)(r10 - 24) = 0; goto 1b; 2:" DEL("16") OUT, IT)
A("xdp", bad_it_init_in_loop,
  NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; *(u64 *)(r10 - 24) = 7; goto 1b; 2:" DEL("16") "r1 = *(u64 *)(r10 - 24); r2 = r10; r2 += -32; r2 += r1; *(u8 *)(r2 + 0) = 0;" OUT, IT)
A("xdp", fine_it_init_before,
  "*(u64 *)(r10 - 24) = 3;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; *(u64 *)(r10 - 24) = 7; goto 1b; 2:" DEL("16") "r1 = *(u64 *)(r10 - 24); r2 = r10; r2 += -32; r2 += r1; *(u8 *)(r2 + 0) = 0;" OUT, IT)
A("xdp", bad_it_init_big_in_loop,
  "*(u64 *)(r10 - 24) = 3;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; *(u64 *)(r10 - 24) = 900; goto 1b; 2:" DEL("16") "r1 = *(u64 *)(r10 - 24); r2 = r10; r2 += -32; r2 += r1; *(u8 *)(r2 + 0) = 0;" OUT, IT)
A("xdp", bad_it_late_precise,
  "r6 = 0; r7 = 0;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; r7 = r6; r6 = 900; goto 1b; 2:" DEL("16") "r2 = r10; r2 += -32; r2 += r7; *(u8 *)(r2 + 0) = 0;" OUT, IT)
A("xdp", bad_it_late_precise3,
  "r6 = 0; r7 = 0; r8 = 0;" NEW("16") "1:" NEXT("16") "if r0 == 0 goto 2f; r8 = r7; r7 = r6; r6 = 900; goto 1b; 2:" DEL("16") "r2 = r10; r2 += -32; r2 += r8; *(u8 *)(r2 + 0) = 0;" OUT, IT)
A("xdp", fine_it_nested,
  NEW("8") "1:" NEXT("8") "if r0 == 0 goto 2f;" NEW("16") "3:" NEXT("16") "if r0 != 0 goto 3b;" DEL("16") "goto 1b; 2:" DEL("8") OUT, IT)
A("xdp", bad_it_nested_break,
  NEW("8") "1:" NEXT("8") "if r0 == 0 goto 2f;" NEW("16") "3:" NEXT("16") "if r0 != 0 goto 1b;" DEL("16") "goto 1b; 2:" DEL("8") OUT, IT)
A("xdp", bad_it_tail_call,
  "r6 = r1;" NEW("8") "r1 = r6; r2 = progs ll; r3 = 0; call 12;" DEL("8") OUT, IT)
A("xdp", bad_it_throw,
  NEW("8") "r1 = 0; call %[bpf_throw];" DEL("8") OUT, IT, IN(bpf_throw))
A("xdp", bad_it_misaligned,
  "r1 = r10; r1 += -12; r2 = 0; r3 = 10; call %[bpf_iter_num_new];" OUT, IT)
A("xdp", bad_it_reg_var,
  "r6 = *(u32 *)(r1 + 12); r6 &= 8; r1 = r10; r1 += -16; r1 += r6; r2 = 0; r3 = 10; call %[bpf_iter_num_new];" OUT, IT)
A("xdp", bad_it_over_spill,
  LOOKUP("box") "*(u64 *)(r10 - 16) = r0;" NEW("16") DEL("16") "r1 = *(u64 *)(r10 - 16); r0 = *(u8 *)(r1 + 0);" OUT, IT)
A("xdp", bad_it_stack_reuse,
  NEW("8") DEL("8") "r1 = *(u64 *)(r10 - 8); r2 = r10; r2 += -32; r2 += r1; *(u8 *)(r2 + 0) = 0;" OUT, IT)

/* ---- dynptrs of packets ---- */
/* r6 = the context, a dynptr of its packet at r10 - 16; a slice of that, or a copy at r10 - 24 */
#define DX "r6 = r1; r2 = 0; r3 = r10; r3 += -16; call %[bpf_dynptr_from_xdp];"
#define DS "r6 = r1; r2 = 0; r3 = r10; r3 += -16; call %[bpf_dynptr_from_skb];"
#define SL(fn, off, len) "*(u64 *)(r10 - 24) = 0; r1 = r10; r1 += -16; r2 = " off "; r3 = r10; r3 += -24; r4 = " len "; call %[" fn "];"
#define DI IN(bpf_dynptr_from_skb), IN(bpf_dynptr_from_xdp), IN(bpf_dynptr_slice), IN(bpf_dynptr_slice_rdwr), IN(bpf_dynptr_clone)
A("xdp", fine_dx_slice,
  DX SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; r0 = *(u64 *)(r0 + 0);" OUT, DI)
A("xdp", bad_dx_slice_far,
  DX SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; r0 = *(u64 *)(r0 + 1);" OUT, DI)
A("xdp", bad_dx_slice_buf_small,
  DX SL("bpf_dynptr_slice", "0", "32") "if r0 == 0 goto 9f; r0 = *(u64 *)(r0 + 1);" OUT, DI)
A("xdp", bad_dx_slice_write,
  DX SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; *(u64 *)(r0 + 0) = 1;" OUT, DI)
A("xdp", fine_dx_slice_rdwr,
  DX SL("bpf_dynptr_slice_rdwr", "0", "8") "if r0 == 0 goto 9f; *(u64 *)(r0 + 0) = 1;" OUT, DI)
A("xdp", bad_dx_slice_adjusted,
  DX SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; r7 = r0; r1 = r6; r2 = 4; call 44; r0 = *(u64 *)(r7 + 0);" OUT, DI)
A("xdp", fine_dx_slice_buf_after,
  DX SL("bpf_dynptr_slice_rdwr", "0", "8") "if r0 == 0 goto 9f; r7 = r0; *(u64 *)(r10 - 24) = r6; r1 = *(u64 *)(r7 + 0); *(u64 *)(r7 + 0) = 5; r6 = *(u64 *)(r10 - 24); r0 = *(u32 *)(r6 + 0);" OUT, DI)
A("xdp", bad_dx_slice_buf_precise,
  DX "r8 = 3; *(u64 *)(r10 - 24) = r8; r1 = r10; r1 += -16; r2 = 0; r3 = r10; r3 += -24; r4 = 8; call %[bpf_dynptr_slice_rdwr]; r8 = *(u64 *)(r10 - 24); r1 = r10; r1 += -40; r1 += r8; *(u8 *)(r1 + 0) = 0;" OUT, DI)
A("xdp", bad_dx_var_len,
  DX "r4 = *(u32 *)(r6 + 12); r4 &= 7; *(u64 *)(r10 - 24) = 0; r1 = r10; r1 += -16; r2 = 0; r3 = r10; r3 += -24; call %[bpf_dynptr_slice];" OUT, DI)
A("xdp", fine_dx_overwritten,
  DX SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; *(u64 *)(r10 - 16) = 0; r0 = *(u64 *)(r0 + 0);" OUT, DI)
A("xdp", bad_dx_half_overwritten,
  DX "*(u64 *)(r10 - 8) = 0;" SL("bpf_dynptr_slice", "0", "8") OUT, DI)
A("xdp", bad_dx_var_overwritten,
  DX "r4 = *(u32 *)(r6 + 12); r4 &= 8; r1 = r10; r1 += -24; *(u64 *)(r10 - 24) = 0; r1 += r4; *(u64 *)(r1 + 0) = 0;" SL("bpf_dynptr_slice", "0", "8") OUT, DI)
A("xdp", fine_dx_clone_then_over,
  DX "r1 = r10; r1 += -16; r2 = r10; r2 += -40; call %[bpf_dynptr_clone]; *(u64 *)(r10 - 16) = 0; *(u64 *)(r10 - 24) = 0; r1 = r10; r1 += -40; r2 = 0; r3 = r10; r3 += -24; r4 = 8; call %[bpf_dynptr_slice]; if r0 == 0 goto 9f; r0 = *(u64 *)(r0 + 0);" OUT, DI)
A("xdp", fine_dx_data,
  DX "r1 = r10; r1 += -16; r2 = 0; r3 = 8; call 203; if r0 == 0 goto 9f; r0 = *(u64 *)(r0 + 0);" OUT, DI)
A("tc", bad_ds_slice_pull,
  DS SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; r7 = r0; r1 = r6; r2 = 8; call 39; r0 = *(u64 *)(r7 + 0);" OUT, DI)
A("tc", bad_ds_slice_write_helper,
  DS SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; r7 = r0; *(u64 *)(r10 - 32) = 0; r1 = r10; r1 += -16; r2 = 0; r3 = r10; r3 += -32; r4 = 8; r5 = 0; call 202; r0 = *(u64 *)(r7 + 0);" OUT, DI)
A("socket", bad_dk_slice_rdwr,
  DS SL("bpf_dynptr_slice_rdwr", "0", "8") OUT, DI)
A("xdp", bad_dx_slice_spilled_adj,
  DX SL("bpf_dynptr_slice", "0", "8") "if r0 == 0 goto 9f; *(u64 *)(r10 - 48) = r0; r1 = r6; r2 = 4; call 44; r7 = *(u64 *)(r10 - 48); r0 = *(u64 *)(r7 + 0);" OUT, DI)

/* ---- fields and locks of values, regions ---- */
ASM("xdp", bad_tm_overlap_read,
    LOOKUP("tm") "r1 = *(u64 *)(r0 + 8);" OUT)
ASM("xdp", bad_tm_overlap_part,
    LOOKUP("tm") "r1 = *(u64 *)(r0 + 1);" OUT)
ASM("xdp", fine_tm_before,
    LOOKUP("tm") "r1 = *(u64 *)(r0 + 0);" OUT)
ASM("xdp", fine_tm_after,
    LOOKUP("tm") "r1 = *(u64 *)(r0 + 24);" OUT)
ASM("xdp", bad_tm_var,
    "r6 = *(u32 *)(r1 + 12); r6 &= 24;" LOOKUP("tm") "r0 += r6; r1 = *(u64 *)(r0 + 0);" OUT)
ASM("xdp", bad_tm_update_from,
    LOOKUP("tm") "r3 = r0; r1 = tm ll; r2 = r10; r2 += -4; r4 = 0; call 2;" OUT)
ASM("xdp", bad_tm_helper_fill,
    "r6 = r1;" LOOKUP("tm") "r1 = r6; r2 = 0; r3 = r0; r4 = 16; call 189;" OUT)
ASM("xdp", fine_tm_helper_fill_ok,
    "r6 = r1;" LOOKUP("tm") "r1 = r6; r2 = 0; r3 = r0; r4 = 8; call 189;" OUT)
ASM("xdp", bad_tm_init_wrong_off,
    LOOKUP("tm") "r1 = r0; r2 = tm ll; r3 = 1; call 169;" OUT)
ASM("xdp", bad_tm_init_wrong_map,
    LOOKUP("tm") "r0 += 8; r1 = r0; r2 = lk ll; r3 = 1; call 169;" OUT)
ASM("xdp", bad_tm_init_var_off,
    "r6 = *(u32 *)(r1 + 12); r6 &= 8;" LOOKUP("tm") "r0 += r6; r1 = r0; r2 = tm ll; r3 = 1; call 169;" OUT)
ASM("xdp", bad_lk_read,
    LOOKUP("lk") "r1 = *(u32 *)(r0 + 8);" OUT)
ASM("xdp", bad_lk_other_value,
    LOOKUP("lk") "r6 = r0; *(u32 *)(r10 - 4) = 0; r2 = r10; r2 += -4; r1 = lk ll; call 1; if r0 == 0 goto 9f; r7 = r0; r1 = r6; r1 += 8; call 93; r1 = r7; r1 += 8; call 94;" OUT)
ASM("xdp", fine_lk_ok,
    LOOKUP("lk") "r6 = r0; r1 = r6; r1 += 8; call 93; *(u64 *)(r6 + 16) = 1; r1 = r6; r1 += 8; call 94;" OUT)
ASM("xdp", bad_lk_exit,
    LOOKUP("lk") "r6 = r0; r1 = r6; r1 += 8; call 93;" OUT)
ASM("xdp", bad_lk_helper,
    LOOKUP("lk") "r6 = r0; r1 = r6; r1 += 8; call 93; call 5; r1 = r6; r1 += 8; call 94;" OUT)
ASM("xdp", bad_lk_twice,
    LOOKUP("lk") "r6 = r0; r1 = r6; r1 += 8; call 93; r1 = r6; r1 += 8; call 93;" OUT)
ASM("xdp", fine_lk_loop,
    LOOKUP("lk") "r6 = r0; r1 = r6; r1 += 8; call 93; r7 = 5; 1: r7 += -1; if r7 != 0 goto 1b; r1 = r6; r1 += 8; call 94;" OUT)
A("xdp", fine_lk_iter,
  LOOKUP("lk") "r6 = r0; r1 = r6; r1 += 8; call 93;" NEW("16") "1:" NEXT("16") "if r0 != 0 goto 1b;" DEL("16") "r1 = r6; r1 += 8; call 94;" OUT, IT)
A("xdp", bad_pre_leak,
  "call %[bpf_preempt_disable];" OUT, IN(bpf_preempt_disable))
A("xdp", bad_pre_loop,
  NEW("8") "1:" NEXT("8") "if r0 == 0 goto 2f; call %[bpf_preempt_disable]; goto 1b; 2:" DEL("8") OUT, IT, IN(bpf_preempt_disable))
A("xdp", bad_pre_under,
  "call %[bpf_preempt_enable];" OUT, IN(bpf_preempt_enable))
A("xdp", bad_rcu_tail,
  "r6 = r1; call %[bpf_rcu_read_lock]; r1 = r6; r2 = progs ll; r3 = 0; call 12; call %[bpf_rcu_read_unlock];" OUT, IN(bpf_rcu_read_lock), IN(bpf_rcu_read_unlock))
/* ---- a slice of a packet goes with the packet, data of memory with the dynptr ---- */
HELPER(long, dynptr_from_mem, 197, void *data, u32 size, u64 flags, struct bpf_dynptr *p);
HELPER(void *, dynptr_data, 203, const struct bpf_dynptr *p, u32 off, u32 size);
volatile u64 seen;
u8 memory[16];

#define OUTLIVES(name, make, take, after)                               \
	SEC("xdp") int name(struct xdp_md *ctx)                         \
	{                                                               \
		struct bpf_dynptr p;                                    \
		u8 room[8], *d;                                         \
		(void)room;                                             \
                                                                        \
		make;                                                   \
		d = take;                                               \
		if (!d) return 1;                                       \
		after;                                                  \
		seen = d[1];                                            \
		return 1;                                               \
	}
#define OVERWRITE asm volatile("*(u64 *)(%0 + 0) = 0; *(u64 *)(%0 + 8) = 0" : : "r"(&p) : "memory")
#define OF_PACKET bpf_dynptr_from_xdp(ctx, 0, &p)
#define OF_MEMORY dynptr_from_mem(memory, sizeof(memory), 0, &p)
OUTLIVES(fine_slice_outlives, OF_PACKET, bpf_dynptr_slice(&p, 0, room, 8), OVERWRITE)
OUTLIVES(fine_slice_outlives_written, OF_PACKET, bpf_dynptr_slice_rdwr(&p, 0, room, 8), OVERWRITE)
OUTLIVES(fine_slice_made_anew, OF_PACKET, bpf_dynptr_slice(&p, 0, room, 8), OF_PACKET)
OUTLIVES(bad_slice_of_old_packet, OF_PACKET, bpf_dynptr_slice(&p, 0, room, 8), OVERWRITE; xdp_adjust_head(ctx, 4))
OUTLIVES(bad_data_outlives, OF_MEMORY, dynptr_data(&p, 0, 8), OVERWRITE)

/* ---- iterators in callbacks and functions ---- */
HELPER(long, loop, 181, u32 n, void *cb, void *ctx, u64 flags);
static long whole(u32 i, void *arg)
{
	struct bpf_iter_num it;
	int *v, sum = 0;

	bpf_iter_num_new(&it, 0, 5);
	while ((v = bpf_iter_num_next(&it)))
		sum += *v;
	bpf_iter_num_destroy(&it);
	return sum & 1;
}
static long leaves(u32 i, void *arg)
{
	struct bpf_iter_num it;

	bpf_iter_num_new(&it, 0, 5);
	return 0;
}
static long goes_on(u32 i, void *it)
{
	bpf_iter_num_next(it);
	return 0;
}
static long ends(u32 i, void *it)
{
	bpf_iter_num_destroy(it);
	return 0;
}
static long begins(u32 i, void *it)
{
	bpf_iter_num_new(it, 0, 5);
	return 0;
}
#define ROUNDS(name, before, n, cb, after)                              \
	SEC("xdp") int name(struct xdp_md *ctx)                         \
	{                                                               \
		struct bpf_iter_num it;                                 \
                                                                        \
		before;                                                 \
		loop(n, cb, &it, 0);                                    \
		after;                                                  \
		return 1;                                               \
	}
#define BEGIN bpf_iter_num_new(&it, 0, 5)
#define END bpf_iter_num_destroy(&it)
ROUNDS(fine_cb_own, , 5, whole, )
ROUNDS(bad_cb_leaves, , 5, leaves, )
ROUNDS(fine_cb_goes_on, BEGIN, 5, goes_on, END)
ROUNDS(bad_cb_ends, BEGIN, 5, ends, )
ROUNDS(bad_cb_ends_once, BEGIN, 1, ends, END)
ROUNDS(bad_cb_begins, , 1, begins, )

static NOINLINE int next_of(struct bpf_iter_num *it)
{
	int *v = bpf_iter_num_next(it);

	return v ? *v : 0;
}
static NOINLINE void end_of(struct bpf_iter_num *it)
{
	bpf_iter_num_destroy(it);
}
SEC("xdp") int fine_sub_ends(struct xdp_md *ctx)
{
	struct bpf_iter_num it;
	int sum = 0;

	BEGIN;
	for (int i = 0; i < 3; i++)
		sum += next_of(&it);
	end_of(&it);
	return sum & 1;
}
SEC("xdp") int bad_sub_goes_on(struct xdp_md *ctx)
{
	struct bpf_iter_num it;

	BEGIN;
	end_of(&it);
	return next_of(&it);
}

/* ---- memory for global functions ---- */
NOINLINE int perhaps(const u32 *p)
{
	asm volatile("");
	return p ? *p & 1 : 0;
}
NOINLINE int surely(const u32 *p __attribute__((btf_decl_tag("arg:nonnull"))))
{
	asm volatile("");
	return *p & 1;
}
NOINLINE int four(u32 (*p)[4])
{
	if (!p) return 0;
	(*p)[3] = 5;
	return 1;
}
NOINLINE int moves(struct xdp_md *ctx)
{
	return xdp_adjust_head(ctx, 4);
}
#define GLOBAL(name, ...)                                               \
	SEC("xdp") int name(struct xdp_md *ctx)                         \
	{                                                               \
		u32 key = 0;                                            \
		(void)key;                                              \
		__VA_ARGS__                                             \
	}
#define VALUE u64 *value = map_lookup(&h, &key);
#define PACKET                                                          \
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end; \
	if (data + 16 > end) return 1;
GLOBAL(fine_global_stack, return perhaps(&key);)
GLOBAL(bad_global_number, return perhaps(0);)
GLOBAL(fine_global_value, VALUE return perhaps((u32 *)value);)
GLOBAL(bad_global_null, VALUE return surely((u32 *)value);)
GLOBAL(fine_global_nonnull, VALUE return value ? surely((u32 *)value) : 1;)
GLOBAL(bad_global_short, VALUE return value ? four((void *)value) : 1;)
GLOBAL(fine_global_array, u32 a[4] = {}; four(&a); return a[3] & 1;)
GLOBAL(fine_global_packet, PACKET return four(data);)
GLOBAL(bad_global_moves, PACKET moves(ctx); return *(u8 *)data & 1;)
GLOBAL(bad_global_ctx, return perhaps((u32 *)ctx);)
GLOBAL(bad_global_iter, struct bpf_iter_num it; BEGIN; perhaps((u32 *)&it); END; return 1;)

SEC("xdp") int bad_all_of_them(struct __sk_buff *skb)
{
	struct bpf_iter_num it;
	struct bpf_dynptr p, q;
	char room[8];

	bpf_dynptr_from_skb(skb, 0, &p);
	bpf_dynptr_from_xdp((void *)skb, 0, &p);
	bpf_dynptr_slice(&p, 0, room, 8);
	bpf_dynptr_slice_rdwr(&p, 0, room, 8);
	bpf_dynptr_clone(&p, &q);
	BEGIN;
	bpf_iter_num_next(&it);
	END;
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_throw(0);
	return 0;
}

/* what is not told that it must be valid may be null, but for what has a size that is not 0 */
INLINE int nowhere(void *ctx, int bad)
{
	struct bpf_crypto_ctx *made = bpf_crypto_ctx_create((void *)0, bad ? 8 : 0, (void *)0);

	if (made)
		bpf_crypto_ctx_release(made);
	return 0;
}
PAIR("syscall", void, nowhere)
