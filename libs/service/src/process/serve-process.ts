import { sleep, systemClock, systemRandom, toError, type Clock, type Logger, type Random } from '@navarch/base';

import type { ConfigFields, ConfigOf } from '../config/field';
import { startTelemetry, type Telemetry, type TelemetryOptions } from '../telemetry/telemetry';
import { SpanMetrics } from '../telemetry/span-metrics';
import { createHealth, type Health } from './health';
import { serveHealthEndpoint } from './health-endpoint';
import { metricsPage, processMetrics, type MetricsFormat } from './metrics-page';
import { createLogger, logLevels } from './logger';

/** What every process can be told; spread it into the fields of parseConfig. */
export const processFields = {
  logLevel: { type: 'choice', choices: logLevels, default: 'info', description: 'Least level that is logged.' },
  logFormat: { type: 'choice', choices: ['auto', 'json', 'pretty'], default: 'auto', description: 'JSON lines, lines for people, or by whether stderr is a terminal.' },
  otlpEndpoint: { type: 'string', description: 'OTLP collector for traces, such as http://127.0.0.1:4318; the OTEL_ variables count too.' },
  spansFile: { type: 'string', description: 'File that gets the spans as OTLP JSON lines.' },
  traceSampler: { type: 'string', description: 'Which traces to record: always, never, ratio:0.1, rate:100 (a second). Default: OTEL_TRACES_SAMPLER, else rate:100.' },
  healthListen: { type: 'string', description: 'host:port for /livez, /readyz and, where the process has any, /metrics over plain HTTP; none where absent.' },
  drainTimeout: { type: 'duration', default: 10_000, description: 'How long work under way may take to end after SIGTERM.' },
} as const satisfies ConfigFields;

export type ProcessConfig = ConfigOf<typeof processFields>;

/** What a process that runs can be told to do: stop. */
export interface Served {
  /** Ends all work, waiting for what is under way. */
  close(): Promise<void>;
  /** Settles where the work ends by itself: the process then drains and exits, with 1 where it rejects. */
  readonly done?: Promise<void>;
  /** What /metrics tells beside the health, in Prometheus' text format 0.0.4. */
  metrics?(): string;
}

export interface ProcessContext {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly random: Random;
  readonly health: Health;
  /** Aborts when the process is told to stop, also while `run` is still starting things. */
  readonly signal: AbortSignal;
}

/** The machine's side of a process, replaced in tests. */
export interface ProcessHost {
  on(event: string, listener: (...values: never[]) => void): unknown;
  exit(code: number): void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface ServeOptions {
  /** Such as navarch-scheduler: in logs, and as OpenTelemetry's service.name. */
  readonly name: string;
  readonly version?: string;
  readonly config: ProcessConfig;
  /** See TelemetryOptions. */
  readonly contextPropagation?: TelemetryOptions['contextPropagation'];
  /** Starts the work. Ready (health '') is said when it resolves. */
  run(context: ProcessContext): Promise<Served>;
  readonly host?: ProcessHost;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/**
 * Runs a process from start to exit code: 0 after SIGTERM or SIGINT and a drain in time, 1 where it could not start, failed, or
 * did not drain in time. A second signal ends it at once (128 + signal). An exception or rejection that nobody handled
 * ends it with 1: its state is unknown, and whoever supervises it starts it anew.
 */
export async function serveProcess(options: ServeOptions): Promise<void> {
  const { name, config, host = process, clock = systemClock } = options;
  const logger = options.logger ?? createLogger({ name, level: config.logLevel, format: config.logFormat });
  const health = createHealth();
  const stop = new AbortController();
  const lifecycle: Lifecycle = { logger, clock, health, host, stop, drainMs: config.drainTimeout, telemetry: undefined, exiting: false };
  watchSignals(lifecycle);
  watchFailures(lifecycle);
  const spanMetrics = config.healthListen ? new SpanMetrics() : undefined;
  const metrics = (format: MetricsFormat): string => metricsPage([served?.metrics?.() ?? '', processMetrics(), spanMetrics?.text(format.openMetrics) ?? ''], format);
  let served: Served | undefined;
  let endpoint: { close(): Promise<void> } | undefined;
  try {
    lifecycle.telemetry = await startTelemetry({
      serviceName: name, serviceVersion: options.version, otlpEndpoint: config.otlpEndpoint, spansFile: config.spansFile, sampler: config.traceSampler,
      contextPropagation: options.contextPropagation, env: host.env, logger, clock, ...(spanMetrics && { spanMetrics }),
    });
    if (config.healthListen) endpoint = await serveHealthEndpoint(config.healthListen, health, metrics);
    served = await started(options.run({ logger, clock, random: systemRandom, health, signal: stop.signal }), lifecycle);
    health.set('', !stop.signal.aborted);
    logger.info('ready', { pid: process.pid });
    await Promise.race([aborted(stop.signal), ...(served.done ? [served.done] : [])]);
  } catch (error) {
    if (!stop.signal.aborted) {
      logger.error(served ? 'failed' : 'could not start', { error: toError(error) });
      lifecycle.failed = true;
    }
  }
  await drain(lifecycle, [served, endpoint]);
}

interface Lifecycle {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly health: Health;
  readonly host: ProcessHost;
  readonly stop: AbortController;
  readonly drainMs: number;
  telemetry: Telemetry | undefined;
  failed?: boolean;
  exiting: boolean;
}

/** A start that goes on after the signal has the drain time to notice it. */
async function started(running: Promise<Served>, { stop, clock, drainMs }: Lifecycle): Promise<Served> {
  const over = new AbortController();
  const late = aborted(stop.signal).then(() => sleep(clock, drainMs, over.signal)).then(() => {
    throw new Error('told to stop while starting, and did not notice in time');
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([running, late]);
  } finally {
    over.abort(new Error('started'));
  }
}

async function drain(lifecycle: Lifecycle, parts: readonly (Pick<Served, 'close'> | undefined)[]): Promise<void> {
  const { logger, clock, health, stop, drainMs, telemetry } = lifecycle;
  health.set('', false);
  stop.abort(new Error('the process is stopping'));
  const over = new AbortController();
  const closed = (async () => {
    for (const part of parts) await part?.close();
    return 'closed' as const;
  })().catch((error: unknown) => {
    logger.error('could not stop cleanly', { error: toError(error) });
    return 'failed' as const;
  });
  const late = sleep(clock, drainMs, over.signal).then(() => 'late' as const, () => 'late' as const);
  const outcome = await Promise.race([closed, late]);
  over.abort(new Error('drained'));
  if (outcome === 'late') logger.warn('work under way did not end in time', { drainMs });
  await flush(telemetry, clock);
  logger.info('stopped', { outcome });
  exit(lifecycle, lifecycle.failed || outcome !== 'closed' ? 1 : 0);
}

function watchSignals(lifecycle: Lifecycle): void {
  const { host, logger, stop } = lifecycle;
  for (const [signal, number] of [['SIGTERM', 15], ['SIGINT', 2]] as const) {
    host.on(signal, () => {
      if (stop.signal.aborted) {
        logger.warn('told to stop again; ending at once', { signal });
        exit(lifecycle, 128 + number);
        return;
      }
      logger.info('stopping', { signal });
      lifecycle.health.set('', false);
      stop.abort(new Error(`received ${signal}`));
    });
  }
}

function watchFailures(lifecycle: Lifecycle): void {
  const { host, logger, clock } = lifecycle;
  const die = (what: string) => (thrown: unknown): void => {
    logger.error(what, { error: toError(thrown) });
    void flush(lifecycle.telemetry, clock).then(() => exit(lifecycle, 1));
  };
  host.on('uncaughtException', die('uncaught exception'));
  host.on('unhandledRejection', die('unhandled rejection'));
}

/** The last spans, but not at the price of hanging: a collector may be gone. */
async function flush(telemetry: Telemetry | undefined, clock: Clock): Promise<void> {
  if (!telemetry) return;
  const over = new AbortController();
  await Promise.race([telemetry.close(), sleep(clock, 2_000, over.signal).catch(() => undefined)]);
  over.abort(new Error('flushed'));
}

function exit(lifecycle: Lifecycle, code: number): void {
  if (lifecycle.exiting) return;
  lifecycle.exiting = true;
  lifecycle.host.exit(code);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
