/** One circle for each knot of files that import each other, as the files in the order of their imports. */
export function findCycles(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const cycles: (readonly string[])[] = [];
  const finished = new Set<string>();
  for (const start of graph.keys()) {
    const path: string[] = [];
    const onPath = new Set<string>();
    const visit = (node: string): void => {
      if (onPath.has(node)) cycles.push(path.slice(path.indexOf(node)));
      if (onPath.has(node) || finished.has(node)) return;
      path.push(node);
      onPath.add(node);
      for (const next of graph.get(node) ?? []) visit(next);
      path.pop();
      onPath.delete(node);
      finished.add(node);
    };
    visit(start);
  }
  return cycles;
}
