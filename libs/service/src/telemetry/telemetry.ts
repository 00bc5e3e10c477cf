import { hostname } from 'node:os';

import { systemClock, type Clock, type Logger } from '@navarch/base';
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace-node';

import { createSampler, type SamplerSpec } from './sampler';
import type { SpanMetrics } from './span-metrics';
import { SpanFileExporter } from './span-file-exporter';

export interface TelemetryOptions {
  /** OpenTelemetry's service.name, such as navarch-apiserver; OTEL_SERVICE_NAME wins. */
  readonly serviceName: string;
  readonly serviceVersion?: string;
  /** OTLP collector, such as http://127.0.0.1:4318. OTEL_EXPORTER_OTLP_ENDPOINT counts where this is absent. */
  readonly otlpEndpoint?: string;
  /** Also, or instead, to this file as OTLP JSON lines. */
  readonly spansFile?: string;
  /** Absent: OTEL_TRACES_SAMPLER, else `rate:100`. */
  readonly sampler?: SamplerSpec;
  /**
   * `async` (unless told): the active span follows async calls. It costs about 0.3 µs per promise on Node 20, recorded or not. `explicit`: for
   * a process that hands contexts over itself, such as the apiserver, whose throughput that would cost.
   */
  readonly contextPropagation?: 'async' | 'explicit';
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Hears of every sampled span, also where none is sent anywhere. */
  readonly spanMetrics?: SpanMetrics;
}

export interface Telemetry {
  /** Sends what waits. */
  flush(): Promise<void>;
  /** Sends what waits and stops; at most a few seconds, and never throws. */
  close(): Promise<void>;
}

/** Short, so that kill -9 loses little; long enough that a batch is worth its write. */
const batch = { scheduledDelayMillis: 250, maxExportBatchSize: 512, maxQueueSize: 16_384, exportTimeoutMillis: 5_000 };

/**
 * Registers OpenTelemetry's Node tracer provider with W3C propagation; without endpoint, file and metrics, or with
 * OTEL_SDK_DISABLED=true, nothing is registered and spans cost nothing. We take the provider of sdk-trace-node instead
 * of the NodeSDK bundle: that loads every exporter and the instrumentation machinery, 110 ms and 11 MB more per process.
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { env, logger, clock = systemClock } = options;
  const nothing: Telemetry = { flush: () => Promise.resolve(), close: () => Promise.resolve() };
  if (env['OTEL_SDK_DISABLED'] === 'true') return nothing;
  const exporters = await exportersOf(options);
  if (exporters.length === 0 && !options.spanMetrics) return nothing;
  const warn = (message: string, ...details: unknown[]): void => logger.warn('telemetry', { message, ...(details.length > 0 && { details }) });
  diag.setLogger({ error: warn, warn, info: () => undefined, debug: () => undefined, verbose: () => undefined }, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  // The operator's standard variable counts only where our own setting is silent; the provider reads it itself.
  const spec = options.sampler ?? (env['OTEL_TRACES_SAMPLER'] ? undefined : 'rate:100');
  const provider = new NodeTracerProvider({
    resource: resourceOf(options),
    spanProcessors: [...exporters.map((exporter) => new BatchSpanProcessor(exporter, batch)), ...(options.spanMetrics ? [options.spanMetrics] : [])],
    ...(spec !== undefined && { sampler: createSampler(spec, clock) }),
  });
  provider.register({ propagator: new W3CTraceContextPropagator(), ...(options.contextPropagation === 'explicit' && { contextManager: null }) });
  return {
    flush: () => provider.forceFlush(),
    close: () => provider.shutdown().catch((error: unknown) => logger.warn('the last spans could not be sent', { error })),
  };
}

function resourceOf({ serviceName, serviceVersion }: TelemetryOptions): ReturnType<typeof resourceFromAttributes> {
  const own = resourceFromAttributes({
    'service.name': serviceName, ...(serviceVersion && { 'service.version': serviceVersion }),
    'service.instance.id': `${hostname()}-${process.pid}`, 'host.name': hostname(), 'process.pid': process.pid,
  });
  return own.merge(detectResources({ detectors: [envDetector] }));
}

/** OTLP exporters are loaded only where they are asked for: each costs memory. They read OTEL_EXPORTER_OTLP_* themselves. */
async function exportersOf({ otlpEndpoint, spansFile, env }: TelemetryOptions): Promise<SpanExporter[]> {
  const exporters: SpanExporter[] = spansFile ? [new SpanFileExporter(spansFile)] : [];
  const configured = otlpEndpoint ?? env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  if (!configured || env['OTEL_TRACES_EXPORTER'] === 'none') return exporters;
  const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'] ?? 'http/protobuf';
  if (protocol === 'grpc') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-grpc');
    exporters.push(new OTLPTraceExporter(otlpEndpoint ? { url: otlpEndpoint } : {}));
  } else if (protocol === 'http/protobuf') {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-proto');
    exporters.push(new OTLPTraceExporter(otlpEndpoint ? { url: new URL('v1/traces', `${otlpEndpoint.replace(/\/+$/, '')}/`).href } : {}));
  } else {
    throw new Error(`OTEL_EXPORTER_OTLP_PROTOCOL: "${protocol}" is not offered: give grpc or http/protobuf`);
  }
  return exporters;
}
