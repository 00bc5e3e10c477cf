import { sleep, toError, type Clock, type Logger } from '@navarch/base';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';

export interface LogSizesOptions {
  readonly connection: NatsConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  /** JetStream streams by the name that their log has in metrics. */
  readonly streams: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** Milliseconds between two looks; 15,000 unless told: what a scraper usually takes. */
  readonly intervalMs?: number;
}

export interface LogSizes {
  /** Prometheus' text format; empty until the first look. */
  text(): string;
  readonly done: Promise<void>;
}

/** What each log takes at the NATS server, for metrics: bytes and messages, and how far apart its first and last sequence are. */
export function watchLogSizes({ connection, clock, logger, streams, signal, intervalMs = 15_000 }: LogSizesOptions): LogSizes {
  const seen = new Map<string, { readonly bytes: number; readonly messages: number; readonly last: number }>();
  const look = async (): Promise<void> => {
    const manager = await jetstreamManager(connection, { checkAPI: false });
    for (const [log, stream] of Object.entries(streams)) {
      const { state } = await manager.streams.info(stream);
      seen.set(log, { bytes: state.bytes, messages: state.messages, last: state.last_seq });
    }
  };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await look().catch((error: unknown) => logger.debug('the size of the logs is not known', { error: toError(error).message }));
      await sleep(clock, intervalMs, signal).catch(() => undefined);
    }
  };
  return { done: run(), text: () => (seen.size === 0 ? '' : page([...seen])) };
}

function page(logs: readonly (readonly [string, { readonly bytes: number; readonly messages: number; readonly last: number }])[]): string {
  const gauge = (name: string, help: string, field: 'bytes' | 'messages' | 'last'): string[] => [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...logs.map(([log, size]) => `${name}{log="${log}"} ${size[field]}`)];
  return [
    ...gauge('navarch_log_bytes', 'Bytes that a log takes at the NATS server.', 'bytes'), ...gauge('navarch_log_messages', 'Writes that a log still holds.', 'messages'),
    ...gauge('navarch_log_last_sequence', 'Sequence of the last write of a log.', 'last'), '',
  ].join('\n');
}
