// What usually mends a rejection, by what the verifier's last words say. Rows only; the first that fits counts.

interface Advice {
  readonly when: RegExp;
  readonly say: string;
}

// biome-ignore format: table
const ADVICE: readonly Advice[] = [
  { when: /offset is outside of the packet|invalid access to packet/,
    say: "compare with data_end before the access, for every byte of it: if (ptr + size > data_end) return …; after a helper that moves the packet load data and data_end anew and compare again" },
  { when: /_or_null|or_null_/,
    say: "the pointer may be null: compare it with 0 on every path before it is used" },
  { when: /unbounded min value|min value is negative/,
    say: "make the number unsigned, or compare it with 0 as well: if (i < 0 || i >= N) return …" },
  { when: /unbounded memory access|max value is outside|unbounded variable-offset|makes .* pointer be out of bounds/,
    say: "bound the number where the pointer is made of it: if (i >= N) return …, or i &= N - 1 with N a power of two; the compiler may check a copy: asm volatile(\"\" : \"+r\"(i)) keeps it one" },
  { when: /invalid access to map value|invalid access to memory|invalid access to map key/,
    say: "the access ends beyond the value: check offset and size against the value's type" },
  { when: /invalid mem access 'scalar'/,
    say: "a plain number is used as an address: packet pointers become numbers after helpers that move the packet, others when they are stored in part or computed with" },
  { when: /!read_ok/,
    say: "the register holds nothing here: calls leave r1 to r5 empty, and a variable may be set on another path only" },
  { when: /invalid read from stack|invalid write to stack|invalid .*stack R/,
    say: "the access leaves the 512 bytes of the frame: check the index, or keep large buffers in a per-CPU array" },
  { when: /infinite loop detected|back-edge/,
    say: "nothing that decides the loop's end changes in a round: count with a bound the verifier can see, or use bpf_loop or bpf_for" },
  { when: /BPF program is too large|sequence of \d+ jumps is too complex/,
    say: "too many paths: turn helpers of your own into global functions, loops into bpf_loop, and lessen what differs between branches" },
  { when: /combined stack size|stack size of subprog/,
    say: "the frames of a chain of calls share 512 bytes: move large variables to a per-CPU array" },
  { when: /Unreleased reference|reference leak/,
    say: "what was taken must be given back on every path: bpf_sk_release, bpf_ringbuf_submit or _discard, bpf_obj_drop" },
  { when: /invalid func unknown#195896080/,
    say: "a CO-RE relocation found no such field or type in the kernel's BTF: guard it with bpf_core_field_exists, or give another BTF with --btf" },
  { when: /program of this type cannot use helper|calling kernel function .* is not allowed/,
    say: "programs of this type do not have this function: see its manual for which do" },
  { when: /GPL/,
    say: "declare a license the kernel takes for GPL: char _license[] SEC(\"license\") = \"GPL\"" },
  { when: /register R\d has .* should have been in/,
    say: "return one of the values this program type may return on every path; bound what comes from elsewhere" },
  { when: /invalid bpf_context access/,
    say: "this program type has no such field, or not in this width or for writing: read the field whole, by its own name" },
  { when: /dereference of modified|variable ctx access/,
    say: "the context pointer may not be computed with: access fields as ctx->field; barriers keep the compiler from merging them" },
  { when: /while holding a lock|inside bpf_spin_lock-ed/,
    say: "between bpf_spin_lock and bpf_spin_unlock nothing may be called and the program may not end: copy out, unlock, then go on" },
  { when: /misaligned/,
    say: "the access must be aligned to its size here: copy with memcpy or byte by byte" },
  { when: /unreachable insn/,
    say: "dead code is refused: remove it, or look for a jump that skips it by mistake" },
  { when: /cannot be accessed directly by load\/store/,
    say: "this field is the kernel's: leave it to the helpers made for it, and copy values around it" },
  { when: /write into map forbidden/,
    say: "the map is read-only to programs: drop const or BPF_F_RDONLY_PROG" },
  { when: /pointer arithmetic/,
    say: "this pointer may not be computed with in this way: keep a number beside it instead" },
  { when: /verifier bug: stack slot/,
    say: "the kernel loses its way, not the program: a variable is assigned on one path and filled by a helper on another; set it to 0 before the paths part" },
  { when: /expected=/,
    say: "the argument is of another kind than the function takes: see its prototype; a pointer that may be null must be checked first" },
];

/** A sentence, or undefined where nothing general can be said. */
export function adviceFor(message: string): string | undefined {
  return ADVICE.find((a) => a.when.test(message))?.say;
}
