// Structs and pointer tags by which a program says that a field is the kernel's.

/** Where fields are looked for: in values of maps and data sections, or in objects of the program's own. */
export type FieldHolder = "value" | "object";

/** Kinds of fields that the kernel owns, by its own names. */
export type SpecialKind = SpecialStruct["kind"] | PointerRow["kind"];

export interface SpecialStruct {
  readonly kind:
    | "bpf_timer"
    | "bpf_spin_lock"
    | "bpf_wq"
    | "bpf_res_spin_lock"
    | "bpf_task_work"
    | "bpf_list_head"
    | "bpf_list_node"
    | "bpf_rb_root"
    | "bpf_rb_node"
    | "bpf_refcount";
  readonly size: number;
  readonly align: number;
  /** a value may have one only */
  readonly once: boolean;
  readonly in: readonly FieldHolder[];
  /** such a field alone does not make an object special */
  readonly needsAnother?: true;
  /** roots of lists and trees: the struct that objects are linked in by */
  readonly node?: string;
}

// biome-ignore format: table
export const SPECIAL_STRUCTS: readonly SpecialStruct[] = [
  { kind: "bpf_timer",         size: 16, align: 8, once: true,  in: ["value"] },
  { kind: "bpf_wq",            size: 16, align: 8, once: true,  in: ["value"] },
  { kind: "bpf_task_work",     size: 8,  align: 8, once: true,  in: ["value"] },
  { kind: "bpf_spin_lock",     size: 4,  align: 4, once: true,  in: ["value", "object"] },
  { kind: "bpf_res_spin_lock", size: 4,  align: 4, once: true,  in: ["value", "object"], needsAnother: true },
  { kind: "bpf_refcount",      size: 4,  align: 4, once: true,  in: ["value", "object"] },
  { kind: "bpf_list_head",     size: 16, align: 8, once: false, in: ["value", "object"], node: "bpf_list_node" },
  { kind: "bpf_rb_root",       size: 16, align: 8, once: false, in: ["value", "object"], node: "bpf_rb_node" },
  { kind: "bpf_list_node",     size: 24, align: 8, once: false, in: ["object"] },
  { kind: "bpf_rb_node",       size: 32, align: 8, once: false, in: ["object"] },
];

/** A pointer's tag: what the field is called, whether what it holds is counted. */
export interface PointerRow {
  readonly tag: string;
  readonly kind: "kptr" | "percpu_kptr" | "uptr";
  readonly counted: boolean;
  readonly in: readonly FieldHolder[];
}

// biome-ignore format: table
export const POINTER_TAGS: readonly PointerRow[] = [
  { tag: "kptr",           kind: "kptr",        counted: true,  in: ["value", "object"] },
  { tag: "kptr_untrusted", kind: "kptr",        counted: false, in: ["value", "object"] },
  { tag: "percpu_kptr",    kind: "percpu_kptr", counted: true,  in: ["value", "object"] },
  { tag: "uptr",           kind: "uptr",        counted: false, in: ["value"] },
];

/** Structs of the kernel that may be kept in counted fields: those that it knows how to give back. */
export const KEPT_STRUCTS: ReadonlySet<string> = new Set([
  "task_struct",
  "cgroup",
  "bpf_cpumask",
  "bpf_crypto_ctx",
  "prog_test_ref_kfunc",
  "prog_test_member",
]);

/** Those of them that RCU protects, as of Linux 6.18. */
export const RCU_STRUCTS: ReadonlySet<string> = new Set(
  [...KEPT_STRUCTS].filter((name) => name !== "prog_test_member"),
);
