import { SpanStatusCode, type SpanContext } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node';

/** Seconds: from a read in memory to a slow image. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Names come from code, not from callers; the bound is for those that code makes of something else by mistake. */
const mostSeries = 500;

interface Exemplar {
  readonly traceId: string;
  readonly spanId: string;
  readonly seconds: number;
  readonly atSeconds: number;
}

interface Series {
  readonly counts: number[];
  readonly exemplars: (Exemplar | undefined)[];
  sum: number;
  count: number;
}

/**
 * How long the spans of this process took, as histograms by name: request latency, each hop of a pod's start, reconciles, and the waits between commit
 * and receipt (kubelet.receive, scheduler.queue), which are watch lag. Each bucket bears the latest span that fell into it as an exemplar, so that a slow
 * column of a graph leads to its trace. What was not sampled is not counted: these are distributions, not totals.
 */
export class SpanMetrics implements SpanProcessor {
  private readonly series = new Map<string, Series>();

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    const labels = `span="${span.name.replace(/["\\\n]/g, '_')}",outcome="${span.status.code === SpanStatusCode.ERROR ? 'error' : 'ok'}"`;
    let series = this.series.get(labels);
    if (!series) {
      if (this.series.size >= mostSeries) return;
      series = { counts: [...buckets, 0].map(() => 0), exemplars: [], sum: 0, count: 0 };
      this.series.set(labels, series);
    }
    observe(series, secondsOf(span.duration), secondsOf(span.endTime), span.spanContext());
  }

  /** In OpenMetrics' text format, where `exemplars` are allowed, else in Prometheus' 0.0.4. No lines where nothing ended yet. */
  text(exemplars: boolean): string {
    if (this.series.size === 0) return '';
    const lines = [...this.series].flatMap(([labels, series]) => linesOf(labels, series, exemplars));
    return ['# HELP navarch_span_duration_seconds Duration of the sampled spans of this process.', '# TYPE navarch_span_duration_seconds histogram', ...lines, ''].join('\n');
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

function observe(series: Series, seconds: number, atSeconds: number, { traceId, spanId }: SpanContext): void {
  const found = buckets.findIndex((bound) => seconds <= bound);
  const at = found < 0 ? buckets.length : found;
  series.counts[at] = (series.counts[at] ?? 0) + 1;
  series.exemplars[at] = { traceId, spanId, seconds, atSeconds };
  series.sum += seconds;
  series.count++;
}

function linesOf(labels: string, { counts, exemplars, sum, count }: Series, withExemplars: boolean): string[] {
  let below = 0;
  const lines = [...buckets, Infinity].map((bound, index) => {
    below += counts[index] ?? 0;
    const exemplar = withExemplars ? exemplars[index] : undefined;
    const tail = exemplar ? ` # {trace_id="${exemplar.traceId}",span_id="${exemplar.spanId}"} ${exemplar.seconds} ${exemplar.atSeconds.toFixed(3)}` : '';
    return `navarch_span_duration_seconds_bucket{${labels},le="${bound === Infinity ? '+Inf' : bound}"} ${below}${tail}`;
  });
  return [...lines, `navarch_span_duration_seconds_sum{${labels}} ${sum}`, `navarch_span_duration_seconds_count{${labels}} ${count}`];
}

const secondsOf = ([seconds, nanoseconds]: readonly [number, number]): number => seconds + nanoseconds / 1e9;
