import { silentLogger } from '@navarch/base';
import { context, SpanStatusCode, trace } from '@opentelemetry/api';

import { SpanMetrics } from './span-metrics';
import { startTelemetry, type Telemetry } from './telemetry';

const startMs = 1_700_000_000_000;
let metrics: SpanMetrics;
let telemetry: Telemetry;

beforeEach(async () => {
  metrics = new SpanMetrics();
  telemetry = await startTelemetry({ serviceName: 'navarch-test', sampler: 'always', env: {}, logger: silentLogger, spanMetrics: metrics });
});

afterEach(async () => {
  await telemetry.close();
  trace.disable();
  context.disable();
});

/** A span of so many milliseconds; answers its trace id. */
function span(name: string, ms: number, failed = false): string {
  const made = trace.getTracer('test').startSpan(name, { startTime: startMs });
  if (failed) made.setStatus({ code: SpanStatusCode.ERROR });
  made.end(startMs + ms);
  return made.spanContext().traceId;
}

const lines = (exemplars = false): string[] => metrics.text(exemplars).split('\n');

describe('metrics of spans', () => {
  it('tell each hop of a pod\'s start, requests and waits as histograms by name, also where no span is sent anywhere', () => {
    for (const ms of [3, 30, 300]) span('kubelet.sandbox', ms);
    span('scheduler.queue', 7);
    expect(lines()).toEqual(expect.arrayContaining([
      'navarch_span_duration_seconds_bucket{span="kubelet.sandbox",outcome="ok",le="0.0025"} 0',
      'navarch_span_duration_seconds_bucket{span="kubelet.sandbox",outcome="ok",le="0.005"} 1',
      'navarch_span_duration_seconds_bucket{span="kubelet.sandbox",outcome="ok",le="0.05"} 2',
      'navarch_span_duration_seconds_bucket{span="kubelet.sandbox",outcome="ok",le="+Inf"} 3',
      'navarch_span_duration_seconds_count{span="kubelet.sandbox",outcome="ok"} 3',
      'navarch_span_duration_seconds_count{span="scheduler.queue",outcome="ok"} 1',
    ]));
    expect(Number(/_sum\{span="kubelet.sandbox",outcome="ok"\} (\S+)/.exec(metrics.text(false))?.[1])).toBeCloseTo(0.333, 6);
  });

  it('count failures apart', () => {
    span('apiserver.request', 1, true);
    span('apiserver.request', 1);
    expect(lines()).toEqual(expect.arrayContaining(['navarch_span_duration_seconds_count{span="apiserver.request",outcome="error"} 1', 'navarch_span_duration_seconds_count{span="apiserver.request",outcome="ok"} 1']));
  });

  it('bear the latest trace of each bucket as an exemplar, in OpenMetrics only', () => {
    span('kubelet.image', 20);
    const later = span('kubelet.image', 21);
    const slow = span('kubelet.image', 100_000);
    const ofBucket = (le: string): string => lines(true).find((line) => line.includes(`le="${le}"`)) ?? '';
    expect(ofBucket('0.025')).toMatch(new RegExp(`} 2 # \\{trace_id="${later}",span_id="[0-9a-f]{16}"\\} 0\\.021 1700000000\\.021$`));
    expect(ofBucket('+Inf')).toContain(`} 3 # {trace_id="${slow}"`);
    expect(ofBucket('0.05')).toMatch(/} 2$/);
    expect(metrics.text(false)).not.toContain('trace_id');
  });

  it('never grow without bound, whatever names come', () => {
    for (let count = 0; count < 1_000; count++) span(`name-${count}`, 1);
    expect(lines().filter((line) => line.includes('_count{'))).toHaveLength(500);
  });

  it('hold before anything has ended no line', () => {
    expect(metrics.text(true)).toBe('');
  });
});
