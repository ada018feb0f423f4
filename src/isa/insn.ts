// The decoded insn: what every later stage reads. Decoding normalises, so that nobody after it
// looks at raw opcode bits. Jump and call targets are absolute pcs.

export type RegNo = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;
/** Bytes of a memory access. */
export type Size = 1 | 2 | 4 | 8;
export type Width = 32 | 64;

export type AluOp =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "or"
  | "and"
  | "lsh"
  | "rsh"
  | "mod"
  | "xor"
  | "mov"
  | "arsh";
export type JmpOp =
  | "jeq"
  | "jgt"
  | "jge"
  | "jset"
  | "jne"
  | "jsgt"
  | "jsge"
  | "jlt"
  | "jle"
  | "jslt"
  | "jsle";
export type AtomicOp = "add" | "or" | "and" | "xor" | "xchg" | "cmpxchg";

/** An insn as it lies on the wire; fields as in `struct bpf_insn`. Used by decode, encode and loaders only. */
export interface RawInsn {
  readonly code: number;
  readonly dst: number;
  readonly src: number;
  /** signed 16 bits */
  readonly off: number;
  /** signed 32 bits */
  readonly imm: number;
}

export type Operand =
  | { readonly kind: "reg"; readonly regno: RegNo }
  | { readonly kind: "imm"; readonly imm: number };

/** What a 64-bit immediate stands for (the `src` nibble of `ld_imm64`, BPF_PSEUDO_*). */
export type Imm64 =
  | { readonly kind: "imm"; readonly imm: bigint } // u64
  | { readonly kind: "map_fd"; readonly fd: number }
  | { readonly kind: "map_value_fd"; readonly fd: number; readonly off: number }
  | { readonly kind: "btf_id"; readonly btfId: number; readonly btfFd: number }
  | { readonly kind: "func"; readonly target: number }
  | { readonly kind: "map"; readonly map: number } // BPF_PSEUDO_MAP_IDX: index into Prog.maps
  | { readonly kind: "map_value"; readonly map: number; readonly off: number }; // BPF_PSEUDO_MAP_IDX_VALUE

export type Callee =
  | { readonly kind: "helper"; readonly id: number }
  | { readonly kind: "subprog"; readonly target: number }
  | { readonly kind: "kfunc"; readonly btfId: number; readonly off: number };

/** A decoded insn. `pc` counts 8-byte slots, so ld_imm64 advances it by two. */
export type Insn = { readonly pc: number } & (
  | {
      readonly kind: "alu";
      readonly op: AluOp;
      readonly width: Width;
      readonly dst: RegNo;
      readonly src: Operand;
      readonly signed: boolean;
    }
  | {
      readonly kind: "movsx";
      readonly width: Width;
      readonly from: 8 | 16 | 32;
      readonly dst: RegNo;
      readonly src: RegNo;
    }
  | { readonly kind: "neg"; readonly width: Width; readonly dst: RegNo }
  | {
      readonly kind: "end";
      readonly to: "le" | "be" | "swap";
      readonly bits: 16 | 32 | 64;
      readonly dst: RegNo;
    }
  | { readonly kind: "addr_space_cast"; readonly dst: RegNo; readonly src: RegNo; readonly imm: number }
  | { readonly kind: "ld_imm64"; readonly dst: RegNo; readonly value: Imm64 }
  | {
      readonly kind: "ldx";
      readonly dst: RegNo;
      readonly base: RegNo;
      readonly off: number;
      readonly size: Size;
      readonly signed: boolean;
    }
  | { readonly kind: "ld_abs"; readonly size: 1 | 2 | 4; readonly imm: number }
  | { readonly kind: "ld_ind"; readonly size: 1 | 2 | 4; readonly src: RegNo; readonly imm: number }
  | {
      readonly kind: "st";
      readonly base: RegNo;
      readonly off: number;
      readonly size: Size;
      readonly src: Operand;
    }
  | {
      readonly kind: "atomic";
      readonly op: AtomicOp;
      readonly fetch: boolean;
      readonly base: RegNo;
      readonly off: number;
      readonly size: 4 | 8;
      readonly src: RegNo;
    }
  | {
      readonly kind: "load_acquire";
      readonly dst: RegNo;
      readonly base: RegNo;
      readonly off: number;
      readonly size: Size;
    }
  | {
      readonly kind: "store_release";
      readonly base: RegNo;
      readonly off: number;
      readonly size: Size;
      readonly src: RegNo;
    }
  | {
      readonly kind: "jmp";
      readonly op: JmpOp;
      readonly width: Width;
      readonly dst: RegNo;
      readonly src: Operand;
      readonly target: number;
    }
  | { readonly kind: "ja"; readonly wide: boolean; readonly target: number } // wide: gotol, 32-bit offset
  | { readonly kind: "may_goto"; readonly target: number }
  | { readonly kind: "call"; readonly callee: Callee }
  | { readonly kind: "exit" }
  // Undefined opcode or used reserved field, with the kernel's words. `atLoad`: refused before any path is walked,
  // reachable or not; else only where a path meets it. `next`: the second slot, if the insn takes two. `leadsTo`: where
  // control would go, if it is a jump or an exit: the kernel follows it before it looks at its other fields.
  | {
      readonly kind: "invalid";
      readonly raw: RawInsn;
      readonly next?: RawInsn;
      readonly message: string;
      readonly atLoad: boolean;
      readonly leadsTo?: readonly number[];
    }
);

export type InsnKind = Insn["kind"];
export type InsnOf<K extends InsnKind> = Extract<Insn, { kind: K }>;
