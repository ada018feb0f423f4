// Makes a flow graph reducible: a loop with several entries gets one dispatch block in front, and every
// edge to one of its entries goes through it, setting the label first. Loops nested too deep are joined the
// same way. Nothing else changes.
import { succs, type Block, type Cfg, type Term } from "./cfg.ts";
import { findLoops, layOut, predecessors, type Graph, type Item, type LoopNest } from "./loops.ts";

function graphOf(cfg: Cfg): Graph {
  return { size: cfg.blocks.length, succs: (node) => succs(cfg.blocks[node]!.term) };
}

/** Strongly connected parts of the graph restricted to `nodes` (Tarjan, without recursion). */
function components(cfg: Cfg, nodes: readonly number[]): number[][] {
  const inside = new Set(nodes);
  const index = new Map<number, number>();
  const low = new Map<number, number>();
  const onStack = new Set<number>();
  const stack: number[] = [];
  const found: number[][] = [];
  for (const root of nodes) {
    if (index.has(root)) continue;
    const work: { node: number; next: number }[] = [{ node: root, next: 0 }];
    while (work.length > 0) {
      const top = work[work.length - 1]!;
      const { node } = top;
      if (top.next === 0) {
        low.set(node, index.size);
        index.set(node, index.size);
        stack.push(node);
        onStack.add(node);
      }
      const out = succs(cfg.blocks[node]!.term);
      let descended = false;
      while (top.next < out.length) {
        const to = out[top.next++]!;
        if (!inside.has(to)) continue;
        if (!index.has(to)) {
          work.push({ node: to, next: 0 });
          descended = true;
          break;
        }
        if (onStack.has(to)) low.set(node, Math.min(low.get(node)!, index.get(to)!));
      }
      if (descended) continue;
      work.pop();
      const above = work[work.length - 1];
      if (above !== undefined) low.set(above.node, Math.min(low.get(above.node)!, low.get(node)!));
      if (low.get(node) !== index.get(node)) continue;
      const part: number[] = [];
      for (let at = -1; at !== node; ) {
        at = stack.pop()!;
        onStack.delete(at);
        part.push(at);
      }
      found.push(part);
    }
  }
  return found;
}

function retarget(term: Term, edit: (to: number) => number): void {
  if (term.kind === "jump") term.to = edit(term.to);
  if (term.kind === "branch") {
    term.taken = edit(term.taken);
    term.fall = edit(term.fall);
  }
  if (term.kind === "dispatch") (term.targets as number[]).forEach((to, i, all) => (all[i] = edit(to)));
}

function addBlock(cfg: Cfg, term: Term, label?: number): number {
  const id = cfg.blocks.length;
  const block: Block =
    label === undefined ? { id, pc: -1, insns: [], term } : { id, pc: -1, insns: [], label, term };
  cfg.blocks.push(block);
  return id;
}

/** Sends every edge to one of `entries` through one new block. */
function addDispatch(cfg: Cfg, entries: readonly number[], preds: readonly (readonly number[])[]): void {
  const labels = new Map(entries.map((entry, i) => [entry, i]));
  const dispatch = addBlock(cfg, { kind: "dispatch", targets: entries.slice() });
  const viaLabel = (to: number): number => {
    const label = labels.get(to);
    return label === undefined ? to : addBlock(cfg, { kind: "jump", to: dispatch }, label);
  };
  for (const from of new Set(entries.flatMap((entry) => preds[entry]!)))
    retarget(cfg.blocks[from]!.term, viaLabel);
}

function makeReducible(cfg: Cfg): void {
  const work: number[][] = [cfg.blocks.map((block) => block.id)];
  for (let nodes = work.pop(); nodes !== undefined; nodes = work.pop()) {
    // stays right while this round adds blocks: parts are disjoint, and a dispatch block enters only its own part
    const preds = predecessors(graphOf(cfg), cfg.blocks.keys());
    for (const part of components(cfg, nodes)) {
      if (part.length === 1) continue;
      const inside = new Set(part);
      const entries = part.filter((node) => node === 0 || preds[node]!.some((from) => !inside.has(from)));
      if (entries.length > 1) addDispatch(cfg, entries, preds);
      // the header is taken out, or all edges to the entries now leave the part: inner loops remain
      const header = entries.length === 1 ? entries[0]! : -1;
      work.push(part.filter((node) => node !== header));
    }
  }
}

/** Loops nested deeper share one dispatch block: recursion over nested code, ours and binaryen's, has its limit. */
const MAX_NEST = 200;

/** Gives each loop at the limit that has loops inside one dispatch block for all of their headers. */
function flattenDeep(cfg: Cfg, nest: LoopNest): boolean {
  const depth = new Int32Array(cfg.blocks.length);
  const atLimit = new Map<number, number[]>();
  const outermost = new Map<number, number[]>();
  for (const node of nest.rpo) {
    if (nest.isHeader[node] === 0) continue;
    const around = nest.parent[node]!;
    depth[node] = around === -1 ? 1 : depth[around]! + 1;
    if (depth[node] < MAX_NEST) continue;
    const group = depth[node] === MAX_NEST ? [] : outermost.get(around)!;
    if (depth[node] === MAX_NEST) atLimit.set(node, group);
    group.push(node);
    outermost.set(node, group);
  }
  const groups = [...atLimit.values()].filter((group) => group.length > 1);
  const preds = predecessors(graphOf(cfg), cfg.blocks.keys());
  for (const group of groups) addDispatch(cfg, group, preds);
  return groups.length > 0;
}

function loopsOf(cfg: Cfg): LoopNest {
  const nest = findLoops(graphOf(cfg), 0);
  if (nest === undefined) throw new Error("flow graph is irreducible after adding dispatch blocks");
  return nest;
}

/** The layout of a graph; the graph gets dispatch blocks where it needs them. Block 0 stays the entry. */
export function structure(cfg: Cfg): Item[] {
  let nest = findLoops(graphOf(cfg), 0);
  if (nest === undefined) {
    makeReducible(cfg);
    nest = loopsOf(cfg);
  }
  return layOut(flattenDeep(cfg, nest) ? loopsOf(cfg) : nest);
}
