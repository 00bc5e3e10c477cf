import type { TraceSpan } from './otlp';

/** A span in its place. */
export interface TraceNode {
  readonly span: TraceSpan;
  readonly depth: number;
  /** Its parent is named but not there: lost with a killed process, or in a client's own collector. */
  readonly orphan: boolean;
  readonly parent: TraceNode | undefined;
}

export interface Trace {
  /** In drawing order: parents before children, siblings by start. */
  readonly nodes: readonly TraceNode[];
  readonly orphans: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** Puts spans in their places. Orphans stand at the top level, in order of time with the true roots. */
export function assembleTrace(spans: readonly TraceSpan[]): Trace {
  const known = new Set(spans.map(({ id }) => id));
  const children = new Map<string | undefined, TraceSpan[]>();
  for (const span of [...spans].sort((left, right) => left.startMs - right.startMs || left.endMs - right.endMs)) {
    const parentId = span.parentId !== undefined && known.has(span.parentId) && span.parentId !== span.id ? span.parentId : undefined;
    const siblings = children.get(parentId) ?? [];
    children.set(parentId, siblings);
    siblings.push(span);
  }
  const nodes: TraceNode[] = [];
  const place = (span: TraceSpan, parent: TraceNode | undefined): void => {
    const node = { span, parent, depth: parent ? parent.depth + 1 : 0, orphan: !parent && span.parentId !== undefined };
    nodes.push(node);
    for (const child of children.get(span.id) ?? []) place(child, node);
  };
  for (const root of children.get(undefined) ?? []) place(root, undefined);
  return {
    nodes, orphans: nodes.filter(({ orphan }) => orphan).length,
    startMs: Math.min(...nodes.map(({ span }) => span.startMs)), endMs: Math.max(...nodes.map(({ span }) => span.endMs)),
  };
}
