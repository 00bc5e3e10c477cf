import { ApiError, silentLogger, type Clock, type Logger, type Random } from '@navarch/base';

import { Barrier } from './barrier';
import { Compaction } from './compaction';
import { SequenceGuard, type LogContext, type LogLimits } from './context';
import type { LogStream } from './log-stream';
import type { ObjectLog } from './object-log';
import { Publisher } from './publisher';
import { LogReader } from './reader';
import { defaultSubjectPrefix } from './subject';

export interface ObjectLogOptions extends Partial<LogLimits> {
  readonly stream: LogStream;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger?: Logger;
  /** First token of every subject; 'kube' unless told. Each log has its own. */
  readonly subjectPrefix?: string;
}

const defaults: LogLimits = { maxTimeoutMs: 60_000, defaultTimeoutMs: 10_000, attemptTimeoutMs: 2_000, graceMs: 60_000, readerBacklog: 200_000 };

/** One replica's access to the log that a stream holds; all replicas' logs over one stream are the same log. */
export function createObjectLog(options: ObjectLogOptions): ObjectLog {
  const context: LogContext = {
    stream: options.stream, clock: options.clock, random: options.random, logger: options.logger ?? silentLogger,
    prefix: checkPrefix(options.subjectPrefix ?? defaultSubjectPrefix), limits: limitsOf(options), guard: new SequenceGuard(),
  };
  const publisher = new Publisher(context);
  const barrier = new Barrier(context);
  const compaction = new Compaction(context, barrier, publisher);
  return {
    publish: (write, call) => publisher.publish(write, call),
    barrier: (call) => barrier.wait(call),
    watchFrom: (position, { signal }) => new LogReader(context, barrier, position).run(signal),
    compact: (floor, call) => compaction.run(floor, call),
    settle: (call) => publisher.settle(call),
    close: async () => {
      context.guard.end(new ApiError('Unavailable', 'the log was closed'));
      await context.stream.close();
    },
  };
}

/** A purge may only remove what no call under way still asks for: the grace period is at least as long as the longest call. */
function limitsOf(options: ObjectLogOptions): LogLimits {
  const limits: LogLimits = {
    maxTimeoutMs: options.maxTimeoutMs ?? defaults.maxTimeoutMs,
    defaultTimeoutMs: options.defaultTimeoutMs ?? defaults.defaultTimeoutMs,
    attemptTimeoutMs: options.attemptTimeoutMs ?? defaults.attemptTimeoutMs,
    graceMs: options.graceMs ?? Math.max(options.maxTimeoutMs ?? 0, defaults.graceMs),
    readerBacklog: options.readerBacklog ?? defaults.readerBacklog,
  };
  if (limits.graceMs < limits.maxTimeoutMs || limits.graceMs <= 0) {
    throw new ApiError('Invalid', `graceMs (${limits.graceMs}) must be at least maxTimeoutMs (${limits.maxTimeoutMs}) and positive`);
  }
  return limits;
}

function checkPrefix(prefix: string): string {
  if (!/^[A-Za-z0-9-]+$/.test(prefix)) throw new ApiError('Invalid', `the subject prefix ${JSON.stringify(prefix)} must be letters, digits and '-'`);
  return prefix;
}
