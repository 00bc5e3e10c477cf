import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLogger } from '@navarch/base';
import { context, ROOT_CONTEXT, SpanKind, trace } from '@opentelemetry/api';
import { InMemorySpanExporter, NodeTracerProvider, SamplingDecision, SimpleSpanProcessor, type ReadableSpan } from '@opentelemetry/sdk-trace-node';

import { createSampler } from './sampler';
import { SpanFileExporter } from './span-file-exporter';
import { startTelemetry } from './telemetry';

interface Line {
  readonly resourceSpans: { resource: { attributes: { key: string; value: { stringValue?: string } }[] }; scopeSpans: { spans: { traceId: string; spanId: string; parentSpanId?: string; name: string; startTimeUnixNano: string }[] }[] }[];
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'nv-'));
});
afterEach(() => {
  trace.disable();
  context.disable();
  rmSync(directory, { recursive: true, force: true });
});

const linesOf = (file: string): Line[] => readFileSync(file, 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Line);
const namesIn = (file: string): string[] => linesOf(file).flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans.map(({ name }) => name))));

function spans(count: number): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const tracer = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer('test');
  for (let index = 0; index < count; index++) tracer.startSpan(`span-${index}`, { attributes: { filler: 'x'.repeat(200) } }).end();
  return exporter.getFinishedSpans();
}

describe('telemetry', () => {
  it('writes spans to a file as OTLP JSON lines, with the service as resource and ids in hex', async () => {
    const spansFile = join(directory, 'deep', 'spans.jsonl');
    const telemetry = await startTelemetry({ serviceName: 'navarch-test', serviceVersion: '1.2.3', spansFile, env: {}, logger: silentLogger });
    const tracer = trace.getTracer('test');
    const parent = tracer.startSpan('parent', { startTime: 1_700_000_000_123 });
    tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, parent)).end();
    parent.end();
    await telemetry.close();
    const [resourceSpans] = linesOf(spansFile).flatMap((line) => line.resourceSpans);
    expect(resourceSpans?.resource.attributes).toEqual(expect.arrayContaining([{ key: 'service.name', value: { stringValue: 'navarch-test' } }, { key: 'service.version', value: { stringValue: '1.2.3' } }]));
    const written = resourceSpans?.scopeSpans.flatMap((scope) => scope.spans) ?? [];
    const [child, root] = ['child', 'parent'].map((name) => written.find((span) => span.name === name));
    expect(root).toMatchObject({ traceId: parent.spanContext().traceId, spanId: parent.spanContext().spanId, startTimeUnixNano: '1700000000123000000' });
    expect(child?.parentSpanId).toBe(root?.spanId);
    expect(statSync(spansFile).mode & 0o777).toBe(0o600);
  });

  it('without endpoint and file, or disabled by OTEL_SDK_DISABLED, records nothing', async () => {
    await startTelemetry({ serviceName: 'navarch-test', env: {}, logger: silentLogger });
    await startTelemetry({ serviceName: 'navarch-test', spansFile: join(directory, 's'), env: { OTEL_SDK_DISABLED: 'true' }, logger: silentLogger });
    expect(trace.getTracer('test').startSpan('x').isRecording()).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('says what is wrong with a protocol or a sampling rule', async () => {
    const options = { serviceName: 'navarch-test', env: {}, logger: silentLogger };
    await expect(startTelemetry({ ...options, otlpEndpoint: 'http://127.0.0.1:1', env: { OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' } })).rejects.toThrow('give grpc or http/protobuf');
    await expect(startTelemetry({ ...options, spansFile: join(directory, 's'), sampler: 'often' })).rejects.toThrow('give always, never, ratio:0.1 or rate:100');
  });
});

describe('the span file', () => {
  const exportTo = (exporter: SpanFileExporter, batch: ReadableSpan[]): number => {
    let code = -1;
    exporter.export(batch, (result) => (code = result.code));
    return code;
  };

  it('is rotated before it grows above its limit, and one old file is kept', () => {
    const file = join(directory, 'spans.jsonl');
    const exporter = new SpanFileExporter(file, 10_000);
    for (let round = 0; round < 20; round++) expect(exportTo(exporter, spans(5))).toBe(0);
    expect(readdirSync(directory).sort()).toEqual(['spans.jsonl', 'spans.jsonl.1']);
    for (const name of [file, `${file}.1`]) {
      expect(statSync(name).size).toBeLessThanOrEqual(10_000);
      expect(namesIn(name).length % 5).toBe(0);
    }
  });

  it('is continued by the next process of the same name', async () => {
    const file = join(directory, 'spans.jsonl');
    for (let start = 0; start < 2; start++) {
      const exporter = new SpanFileExporter(file);
      exportTo(exporter, spans(1));
      await exporter.shutdown();
    }
    expect(namesIn(file)).toEqual(['span-0', 'span-0']);
  });

  it('tells a failure to the processor instead of throwing', async () => {
    const exporter = new SpanFileExporter(join(directory, 'spans.jsonl'));
    await exporter.shutdown();
    expect(exportTo(exporter, spans(1))).toBe(1);
  });
});

describe('sampling', () => {
  const decide = (spec: string, count: number, clock = { monotonic: () => 0 }, parent = ROOT_CONTEXT): number => {
    const sampler = createSampler(spec, clock);
    return Array.from({ length: count }, (_, index) => sampler.shouldSample(parent, index.toString(16).padStart(32, '0'), 'x', SpanKind.INTERNAL, {}, []))
      .filter(({ decision }) => decision === SamplingDecision.RECORD_AND_SAMPLED).length;
  };

  it('always, never and by rate', () => {
    expect([decide('always', 500), decide('never', 500), decide('rate:100', 500)]).toEqual([500, 0, 100]);
  });

  it('by rate goes on as time passes', () => {
    let nowMs = 0;
    expect(decide('rate:100', 1_000, { monotonic: () => (nowMs += 5) })).toBe(599);
  });

  it.each([[1, 10], [0, 0]])('follows the parent (flags %d), so that a trace is whole or absent', (traceFlags, sampled) => {
    const parent = trace.setSpanContext(ROOT_CONTEXT, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags, isRemote: true });
    expect(decide('rate:1', 10, { monotonic: () => 0 }, parent)).toBe(sampled);
  });
});

describe('the active context', () => {
  it.each([['async', true], ['explicit', false]] as const)('with %s propagation follows async calls: %s', async (contextPropagation, follows) => {
    const telemetry = await startTelemetry({ serviceName: 'navarch-test', spansFile: join(directory, 's'), contextPropagation, env: {}, logger: silentLogger });
    const span = trace.getTracer('test').startSpan('x');
    const seen = await context.with(trace.setSpan(ROOT_CONTEXT, span), async () => {
      await Promise.resolve();
      return trace.getActiveSpan();
    });
    expect(seen === span).toBe(follows);
    await telemetry.close();
  });
});
