import type { Trace, TraceNode } from './assemble';
import { hopsOf, isWait } from './hops';
import { podOf } from './pod-of';

export interface DrawOptions {
  /** Columns of the terminal. */
  readonly width: number;
  /** Colours, for terminals only. */
  readonly colour: boolean;
  /** Lines of the span files that could not be read. */
  readonly brokenLines?: number;
}

const least = 60;
/** Right of the bar: offset and duration in milliseconds. */
const numbersWidth = 22;

/** The waterfall and below it the table of hops. */
export function drawTrace(trace: Trace, options: DrawOptions): string {
  const width = Math.max(least, options.width);
  const indent = width < 100 ? 1 : 2;
  const labels = trace.nodes.map((node) => labelOf(node, indent));
  const namesWidth = Math.min(Math.max(...labels.map((label) => label.length)), Math.floor((width - numbersWidth) * 0.55));
  const barWidth = width - namesWidth - numbersWidth - 2;
  const paint = painter(options.colour, trace);
  const lines = trace.nodes.map((node, index) => `${fit(labels[index] ?? '', namesWidth)}  ${rowOf(node, trace, barWidth, paint)}`);
  return [titleOf(trace), '', headOf(namesWidth, barWidth), ...lines, '', ...notesOf(trace, options.brokenLines ?? 0), ...tableOf(trace), ''].join('\n');
}

type Paint = (node: TraceNode, text: string) => string;

function titleOf(trace: Trace): string {
  const { nodes, startMs } = trace;
  const pod = podOf(trace);
  return `${pod ? `${pod}  ` : ''}trace ${nodes[0]?.span.source.span.traceId ?? ''}, ${nodes.length} spans, from ${new Date(startMs).toISOString()}`;
}

function headOf(namesWidth: number, barWidth: number): string {
  return `${'span (service)'.padEnd(namesWidth)}  ${' '.repeat(barWidth)}${'at ms'.padStart(11)}${'took ms'.padStart(11)}`;
}

function rowOf(node: TraceNode, trace: Trace, barWidth: number, paint: Paint): string {
  const { startMs, endMs } = node.span;
  return `${paint(node, barOf(node, trace, barWidth))}${(startMs - trace.startMs).toFixed(1).padStart(11)}${(endMs - startMs).toFixed(1).padStart(11)}`;
}

/** Indented name, what it worked on, and the service where the name does not say it. */
function labelOf({ span: { name, service, error, attributes }, depth, orphan }: TraceNode, indent: number): string {
  const process = service.replace(/^navarch-/, '');
  const verb = attributes.get('navarch.verb');
  const what = verb ? ` ${verb} ${attributes.get('navarch.resource') ?? ''}` : (attributes.has('k8s.container.name') ? ` ${attributes.get('k8s.container.name') ?? ''}` : '');
  const marks = `${orphan ? '? ' : ''}${error === undefined ? '' : '! '}`;
  return `${' '.repeat(depth * indent)}${marks}${name.replace(/^[\w.]+\.(\w+\/)/, '$1')}${what}${name.startsWith(`${process}.`) ? '' : ` (${process})`}`;
}

/** Work is solid, waiting is shaded; what is too short for a column still shows. */
function barOf(node: TraceNode, { startMs, endMs }: Trace, width: number): string {
  const scale = width / Math.max(endMs - startMs, 0.001);
  const from = Math.min(width - 1, Math.floor((node.span.startMs - startMs) * scale));
  const to = Math.min(width, Math.round((node.span.endMs - startMs) * scale));
  const length = to - from;
  const bar = length < 1 ? '▏' : (isWait(node) ? '░' : '█').repeat(length);
  return `${' '.repeat(from)}${bar}`.padEnd(width);
}

function notesOf({ orphans, nodes }: Trace, brokenLines: number): string[] {
  const failed = nodes.filter(({ span }) => span.error);
  const notes = [
    ...failed.map(({ span }) => `! ${span.name}: ${span.error ?? ''}`),
    ...(orphans > 0 ? [`? ${orphans} ${orphans === 1 ? 'span has' : 'spans have'} a parent that is not in the files (lost with a killed process, or kept by the client)`] : []),
    ...(brokenLines > 0 ? [`${brokenLines} ${brokenLines === 1 ? 'line' : 'lines'} of the span files cut off`] : []),
  ];
  return notes.length > 0 ? [...notes, ''] : [];
}

function tableOf(trace: Trace): string[] {
  const { hops, totalMs } = hopsOf(trace);
  if (hops.length === 0) return [];
  const row = (name: string, ms: number): string =>
    `${name.padEnd(18)}${ms.toFixed(1).padStart(10)} ms${(totalMs > 0 ? `${((ms / totalMs) * 100).toFixed(0)} %` : '').padStart(7)}`;
  return [...hops.map(({ name, ms }) => row(name, ms)), row('total', totalMs)];
}

function fit(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

function painter(colour: boolean, { nodes }: Trace): Paint {
  if (!colour) return (_, text) => text;
  const services = [...new Set(nodes.map(({ span }) => span.service))];
  const palette = [36, 33, 32, 35, 34];
  return ({ span }, text) => `\u001b[${span.error === undefined ? (palette[services.indexOf(span.service) % palette.length] ?? 36) : 31}m${text}\u001b[0m`;
}
