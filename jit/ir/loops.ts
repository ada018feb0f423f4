// Loop nesting of a flow graph (Havlak's form of Tarjan's interval finding, near-linear), and the order in
// which blocks are laid out: reverse postorder with every loop contiguous. Says when a graph is not
// reducible; reduce.ts then changes it. Works on numbers only.

export interface Graph {
  readonly size: number;
  succs(node: number): readonly number[];
}

export interface Dfs {
  /** nodes in preorder */
  readonly order: Int32Array;
  /** preorder number of a node, -1 if not reachable */
  readonly pre: Int32Array;
  /** largest preorder number in the node's subtree */
  readonly last: Int32Array;
  /** nodes in reverse postorder */
  readonly rpo: Int32Array;
}

export interface LoopNest {
  readonly rpo: Int32Array;
  /** innermost loop a node is in, by its header, -1 for none; a header's own entry names the loop around it */
  readonly parent: Int32Array;
  readonly isHeader: Uint8Array;
}

function walkDepthFirst(graph: Graph, entry: number): Dfs {
  const n = graph.size;
  const pre = new Int32Array(n).fill(-1);
  const last = new Int32Array(n).fill(-1);
  const order = new Int32Array(n);
  const post = new Int32Array(n);
  const stack = new Int32Array(n + 1);
  const edge = new Int32Array(n);
  let seen = 0;
  let done = 0;
  let depth = 0;
  stack[depth++] = entry;
  pre[entry] = seen;
  order[seen++] = entry;
  while (depth > 0) {
    const node = stack[depth - 1]!;
    const next = graph.succs(node);
    const i = edge[node]!;
    if (i === next.length) {
      last[node] = seen - 1;
      post[done++] = node;
      depth--;
      continue;
    }
    edge[node] = i + 1;
    const to = next[i]!;
    if (pre[to] !== -1) continue;
    pre[to] = seen;
    order[seen++] = to;
    stack[depth++] = to;
  }
  return { order: order.subarray(0, seen), pre, last, rpo: post.subarray(0, done).toReversed() };
}

/** Predecessors of the reachable nodes. */
export function predecessors(graph: Graph, reachable: Iterable<number>): number[][] {
  const preds: number[][] = Array.from({ length: graph.size }, () => []);
  for (const node of reachable) for (const to of graph.succs(node)) preds[to]!.push(node);
  return preds;
}

class DisjointSets {
  readonly #up: Int32Array;
  constructor(size: number) {
    this.#up = Int32Array.from({ length: size }, (_, i) => i);
  }
  find(node: number): number {
    const up = this.#up;
    let root = node;
    while (up[root] !== root) root = up[root]!;
    for (let at = node; at !== root; ) {
      const next = up[at]!;
      up[at] = root;
      at = next;
    }
    return root;
  }
  merge(node: number, into: number): void {
    this.#up[node] = into;
  }
}

/** Undefined if some loop can be entered past its header. */
export function findLoops(graph: Graph, entry: number): LoopNest | undefined {
  const { order, pre, last, rpo } = walkDepthFirst(graph, entry);
  const preds = predecessors(graph, order);
  const parent = new Int32Array(graph.size).fill(-1);
  const isHeader = new Uint8Array(graph.size);
  const sets = new DisjointSets(graph.size);
  const inBody = new Int32Array(graph.size).fill(-1);
  const isAbove = (a: number, b: number): boolean => pre[a]! <= pre[b]! && pre[b]! <= last[a]!;

  for (let i = order.length - 1; i >= 0; i--) {
    const head = order[i]!;
    const body: number[] = [];
    const add = (node: number): void => {
      if (node === head || inBody[node] === head) return;
      inBody[node] = head;
      body.push(node);
    };
    for (const from of preds[head]!) {
      if (!isAbove(head, from)) continue;
      isHeader[head] = 1;
      add(sets.find(from));
    }
    // `body` grows while it is walked: everything that reaches a back edge without passing the header
    for (const node of body) {
      for (const from of preds[node]!) {
        if (isAbove(node, from)) continue; // a back edge of an inner loop, already collapsed
        const at = sets.find(from);
        if (!isAbove(head, at)) return undefined;
        add(at);
      }
    }
    for (const node of body) {
      parent[node] = head;
      sets.merge(node, head);
    }
  }
  return { rpo, parent, isHeader };
}

/** A block, or a loop with its header first. */
export type Item = { readonly node: number; readonly body?: readonly Item[] };

/** Reverse postorder within each loop, loops contiguous: every forward edge goes to a later item. */
export function layOut(nest: LoopNest): Item[] {
  const top: Item[] = [];
  const bodies = new Map<number, Item[]>();
  for (const node of nest.rpo) {
    const around = nest.parent[node]!;
    const list = around === -1 ? top : bodies.get(around)!;
    if (nest.isHeader[node] === 0) {
      list.push({ node });
      continue;
    }
    const body: Item[] = [{ node }];
    bodies.set(node, body);
    list.push({ node, body });
  }
  return top;
}
