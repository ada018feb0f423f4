// A program's control flow as a Graphviz digraph: one box a basic block, as `bpftool prog dump xlated visual`.
import type { ProgSpec } from "../../src/elf/object_spec.ts";
import { type FmtOpts, fmtInsn } from "../../src/isa/disasm.ts";
import type { Insn } from "../../src/isa/insn.ts";

interface Edge {
  readonly to: number;
  readonly label: string;
}

const after = (insn: Insn): number => insn.pc + (insn.kind === "ld_imm64" ? 2 : 1);

/** Where control may go from here; undefined for insns that only fall through. */
function branches(insn: Insn): readonly Edge[] | undefined {
  switch (insn.kind) {
    case "jmp":
      return [
        { to: insn.target, label: "taken" },
        { to: after(insn), label: "" },
      ];
    case "may_goto":
      return [
        { to: insn.target, label: "done" },
        { to: after(insn), label: "" },
      ];
    case "ja":
      return [{ to: insn.target, label: "" }];
    case "exit":
      return [];
    default:
      return undefined;
  }
}

function blockStarts(prog: ProgSpec): Set<number> {
  const starts = new Set(prog.subprogs.map((s) => s.pc));
  for (const insn of prog.insns) {
    const edges = insn === undefined ? undefined : branches(insn);
    if (insn === undefined || edges === undefined) continue;
    for (const { to } of edges) starts.add(to);
    starts.add(after(insn));
  }
  return starts;
}

const quote = (text: string): string => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"');

/** `options` name the helpers and maps, as in a listing of insns. */
export function fmtCfgDot(prog: ProgSpec, options: FmtOpts = {}): string[] {
  const starts = blockStarts(prog);
  const names = new Map(prog.subprogs.map((s) => [s.pc, s.name]));
  const nodes = new Map<number, string[]>();
  const edges: string[] = [];
  let block = 0;
  for (const insn of prog.insns) {
    if (insn === undefined) continue;
    if (starts.has(insn.pc)) {
      block = insn.pc;
      const name = names.get(block);
      nodes.set(block, name === undefined ? [] : [`${name}:`]);
    }
    nodes.get(block)?.push(`${insn.pc}: ${fmtInsn(insn, options)}`);
    const out = branches(insn) ?? (starts.has(after(insn)) ? [{ to: after(insn), label: "" }] : []);
    for (const { to, label } of out)
      edges.push(`  b${block} -> b${to}${label === "" ? "" : ` [label="${label}"]`};`);
  }
  const boxes = [...nodes].map(
    ([pc, lines]) => `  b${pc} [label="${lines.map((l) => `${quote(l)}\\l`).join("")}"];`,
  );
  return [
    `digraph "${quote(prog.name)}" {`,
    "  node [shape=box, fontname=monospace];",
    ...boxes,
    ...edges,
    "}",
  ];
}
