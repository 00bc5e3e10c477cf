import type { Trace, TraceNode } from './assemble';
import { hopsOf, isWait } from './hops';
import { podOf } from './pod-of';

/**
 * The waterfall as one HTML page that needs nothing beside itself: no script, no font, no network. Pointing at a bar shows the span's attributes. Whatever
 * came from a span is text to the page, never markup.
 */
export function toHtml(trace: Trace): string {
  const { nodes, startMs, endMs } = trace;
  const title = `${podOf(trace) ?? 'trace'} ${nodes[0]?.span.source.span.traceId ?? ''}`;
  const { hops, totalMs } = hopsOf(trace);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${escape(title)}</title><style>${style}</style></head>
<body>
<h1>${escape(title)}</h1>
<p>${nodes.length} spans in ${(endMs - startMs).toFixed(1)} ms from ${new Date(startMs).toISOString()}${trace.orphans > 0 ? `; ${trace.orphans} without the parent they name` : ''}</p>
<table class="spans"><thead><tr><th>span</th><th>service</th><th class="line"></th><th>at ms</th><th>took ms</th></tr></thead>
<tbody>
${nodes.map((node) => rowOf(node, trace)).join('\n')}
</tbody></table>
<table class="hops"><thead><tr><th>hop</th><th>ms</th><th>%</th></tr></thead>
<tbody>
${hops.map(({ name, ms }) => `<tr><td>${escape(name)}</td><td>${ms.toFixed(1)}</td><td>${totalMs > 0 ? ((ms / totalMs) * 100).toFixed(0) : ''}</td></tr>`).join('\n')}
<tr><td>total</td><td>${totalMs.toFixed(1)}</td><td></td></tr>
</tbody></table>
</body>
</html>
`;
}

function rowOf(node: TraceNode, { startMs, endMs }: Trace): string {
  const { span, depth, orphan } = node;
  const scale = 100 / Math.max(endMs - startMs, 0.001);
  const kind = span.error !== undefined ? 'failed' : isWait(node) ? 'wait' : 'work';
  const details = [...span.attributes, ...(span.error ? [['error', span.error]] : [])].map(([key, value]) => `${key}: ${value}`).join('\n');
  const bar = `<div class="${kind}" style="left:${((span.startMs - startMs) * scale).toFixed(3)}%;width:${((span.endMs - span.startMs) * scale).toFixed(3)}%"></div>`;
  return `<tr title="${escape(details)}"><td style="padding-left:${depth + 0.5}em">${orphan ? '? ' : ''}${escape(span.name)}</td><td>${escape(span.service)}</td>`
    + `<td class="line">${bar}</td><td>${(span.startMs - startMs).toFixed(1)}</td><td>${(span.endMs - span.startMs).toFixed(1)}</td></tr>`;
}

const style = 'body{font:14px/1.4 system-ui,sans-serif;margin:2em}h1{font-size:1.2em}table{border-collapse:collapse;margin-bottom:2em}.spans{width:100%}'
  + 'th{text-align:left;font-weight:600}td,th{padding:.1em .5em;white-space:nowrap}td:nth-last-child(-n+2){text-align:right}.line{width:60%;position:relative}'
  + '.line div{position:absolute;top:.3em;bottom:.3em;min-width:1px}.work{background:#2a7}.wait{background:#bcd}.failed{background:#c33}tr:hover{background:#f4f4f4}';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '\n': '&#10;' };

function escape(text: string): string {
  return text.replace(/[&<>"'\n]/g, (character) => entities[character] ?? character);
}
