/**
 * `navarch trace pod/NAME`: reads the span files that a cluster's processes write, puts the spans of one trace together and
 * draws them. Reading is in span-files.ts; all else is pure: spans → tree → waterfall and hops → text, OTLP JSON or an HTML page.
 */
import { assembleTrace } from './assemble';
import { readTrace, spanFilesIn } from './span-files';
import { toHtml } from './html';
import { toOtlpJson } from './otlp';
import { drawTrace, type DrawOptions } from './waterfall';

export const traceForms = ['text', 'otlp', 'html'] as const;
export type TraceForm = (typeof traceForms)[number];

export interface ShowTraceOptions extends DrawOptions {
  /** Where the processes of the cluster keep their span files. */
  readonly directory: string;
  /** 32 hex digits: the pod's annotation navarch.io/trace-id. */
  readonly traceId: string;
  /** `text` unless told: the drawing for a terminal. */
  readonly form?: TraceForm;
}

/** The text to print. Throws an Error that says where it looked when no span of the trace is there. */
export async function showTrace(options: ShowTraceOptions): Promise<string> {
  const { directory, traceId, form = 'text' } = options;
  if (!/^[0-9a-f]{32}$/.test(traceId)) throw new Error(`"${traceId}" is not a trace id: it has 32 hex digits`);
  const files = await spanFilesIn(directory);
  const { spans, brokenLines } = await readTrace(files, traceId);
  if (spans.length === 0) {
    throw new Error(`no span of trace ${traceId} in ${files.length} files in ${directory}: it was not sampled, it is older than the files go back, or spans go to a collector`);
  }
  if (form === 'otlp') return `${JSON.stringify(toOtlpJson(spans), undefined, 2)}\n`;
  const trace = assembleTrace(spans);
  return form === 'html' ? toHtml(trace) : drawTrace(trace, { ...options, brokenLines });
}
