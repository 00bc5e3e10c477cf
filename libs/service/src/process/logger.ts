import type { LogFields, Logger } from '@navarch/base';
import { trace } from '@opentelemetry/api';
import pino, { type DestinationStream } from 'pino';

import { prettyLine } from './pretty';
import { redact } from './redact';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  /** The process; in every line. */
  readonly name: string;
  readonly level?: LogLevel;
  /** `auto`: lines for people on a terminal, JSON elsewhere. */
  readonly format?: 'auto' | 'json' | 'pretty';
  /** Where lines go; stderr unless told. */
  readonly destination?: DestinationStream & { readonly isTTY?: boolean };
}

/**
 * Structured logs as one JSON object a line (`time`, `level`, `name`, `msg`, then the fields), with `trace_id` and
 * `span_id` where a span is active. Secrets are left out: see `redact`. Lines are written synchronously: the last words of a
 * process that dies are the ones that matter.
 */
export function createLogger({ name, level = 'info', format = 'auto', destination }: LoggerOptions): Logger {
  const isTerminal = destination ? destination.isTTY === true : process.stderr.isTTY;
  const sink = destination ?? pino.destination({ fd: 2, sync: true });
  const pretty = format === 'pretty' || (format === 'auto' && isTerminal);
  const stream: DestinationStream = pretty ? { write: (line) => void sink.write(prettyLine(line, isTerminal)) } : sink;
  const root = pino({
    level, base: { name }, timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    mixin: activeSpan,
  }, stream);
  return wrap(root);
}

function wrap(logger: pino.Logger): Logger {
  const write = (level: LogLevel) => (message: string, fields?: LogFields): void => {
    if (!logger.isLevelEnabled(level)) return;
    if (fields) logger[level](redact(fields), message);
    else logger[level](message);
  };
  return {
    debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'),
    child: (fields) => wrap(logger.child(redact(fields) as Record<string, unknown>)),
  };
}

function activeSpan(): object {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
