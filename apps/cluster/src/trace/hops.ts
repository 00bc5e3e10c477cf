import type { Trace, TraceNode } from './assemble';

export interface Hop {
  readonly name: string;
  readonly ms: number;
}

/** The way of a pod, in order; the names of the table. */
const order = [
  'client', 'api', 'store', 'controllers', 'watch delivery', 'queue', 'filter', 'score', 'bind', 'kubelet receive', 'sandbox', 'image', 'create', 'start', 'ready',
] as const;
type HopName = (typeof order)[number];

const bySpanName: Readonly<Record<string, HopName>> = {
  'controller.reconcile': 'controllers',
  'scheduler.queue': 'queue', 'scheduler.filter': 'filter', 'scheduler.score': 'score', 'scheduler.bind': 'bind', 'scheduler.schedule': 'queue',
  'kubelet.receive': 'kubelet receive', 'kubelet.sandbox': 'sandbox', 'kubelet.image': 'image', 'kubelet.create': 'create', 'kubelet.start': 'start',
  'kubelet.ready': 'ready', 'kubelet.start-pod': 'kubelet receive',
};

/** Spans that tell of waiting rather than of work. */
const waits: ReadonlySet<string> = new Set(['scheduler.queue', 'kubelet.receive', 'kubelet.ready']);

export function isWait(node: TraceNode): boolean {
  return waits.has(node.span.name);
}

interface Stretch {
  readonly hop: HopName;
  readonly startMs: number;
  readonly endMs: number;
  /** Frames around other hops count only where none of those is going on. */
  readonly frame: boolean;
}

/**
 * Where the time from the request to Ready went. Each moment counts for one hop, the one that began last of those under way, so that
 * the hops add up to the total; moments in which nothing runs are watch delivery: a commit is on its way to the next
 * part. Work beside the way (status writes, events) does not count. The end is Ready, or the last hop where it never came.
 */
export function hopsOf(trace: Trace): { readonly hops: readonly Hop[]; readonly totalMs: number } {
  const stretches = trace.nodes.flatMap((node) => {
    const hop = hopOf(node);
    return hop ? [{ hop, startMs: node.span.startMs, endMs: node.span.endMs, frame: frames.has(node.span.name) || hop === 'client' }] : [];
  });
  if (stretches.length === 0) return { hops: [], totalMs: 0 };
  const readyMs = trace.nodes.find(({ span }) => span.name === 'kubelet.ready')?.span.endMs;
  const startMs = Math.min(...stretches.map((stretch) => stretch.startMs));
  const endMs = readyMs ?? Math.max(...stretches.map((stretch) => stretch.endMs));
  const spent = new Map<HopName, number>();
  const moments = [...new Set(stretches.flatMap((stretch) => [stretch.startMs, stretch.endMs]))].filter((ms) => ms <= endMs).sort((left, right) => left - right);
  for (const [index, fromMs] of moments.entries()) {
    const toMs = moments[index + 1];
    if (toMs === undefined) break;
    const hop = latest(stretches, fromMs, toMs)?.hop ?? 'watch delivery';
    spent.set(hop, (spent.get(hop) ?? 0) + toMs - fromMs);
  }
  return { hops: order.flatMap((name) => (spent.has(name) ? [{ name, ms: spent.get(name) ?? 0 }] : [])), totalMs: endMs - startMs };
}

const frames: ReadonlySet<string> = new Set(['scheduler.schedule', 'kubelet.start-pod', 'controller.reconcile']);

function latest(stretches: readonly Stretch[], fromMs: number, toMs: number): Stretch | undefined {
  let best: Stretch | undefined;
  for (const stretch of stretches) {
    if (stretch.startMs > fromMs || stretch.endMs < toMs) continue;
    if (!best || (best.frame && !stretch.frame) || (best.frame === stretch.frame && stretch.startMs >= best.startMs)) best = stretch;
  }
  return best;
}

function hopOf(node: TraceNode): HopName | undefined {
  const own = bySpanName[node.span.name];
  if (own) return own;
  const around = node.parent && enclosing(node.parent);
  // Requests of the scheduler's binder are the bind; those of the kubelet are status writes beside the way.
  if (around) return around === 'bind' ? 'bind' : around === 'controllers' ? apiHop(node) : undefined;
  return apiHop(node) ?? (node.parent || node.orphan ? undefined : 'client');
}

function apiHop({ span: { name, attributes }, parent }: TraceNode): HopName | undefined {
  if ([attributes, parent?.span.attributes].some((each) => each?.get('navarch.resource') === 'pods/binding')) return 'bind';
  return name === 'apiserver.request' ? 'api' : name === 'store.publish' ? 'store' : undefined;
}

/** The nearest hop of another part that a span runs inside of; a kubelet's start hangs under the bind that caused it. */
function enclosing(node: TraceNode): HopName | undefined {
  for (let at: TraceNode | undefined = node; at; at = at.parent) {
    const hop = bySpanName[at.span.name];
    if (hop) return hop;
  }
  return undefined;
}
