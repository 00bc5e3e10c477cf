import { ApiError } from '@navarch/base';
import { createObjectLog, defaultSubjectPrefix, type ObjectLog, type ObjectLogOptions } from '@navarch/store';
import type { NatsConnection } from '@nats-io/transport-node';

import { openNatsStream } from './nats-stream';
import type { StreamShape } from './stream-config';

export interface NatsLogOptions extends Omit<ObjectLogOptions, 'stream'> {
  readonly connection: NatsConnection;
  /** Name of the JetStream stream. */
  readonly stream: string;
  /** 1, 3 or 5 copies of every message; 1 unless told. */
  readonly replicas?: number;
  /** How long a repeated message is known, milliseconds; 2 minutes unless told, and always longer than any call. */
  readonly duplicateWindowMs?: number;
  readonly purpose?: StreamShape['purpose'];
}

/** The object log in a JetStream stream, which is made where there is none. Closing the log leaves the connection open. */
export async function connectNatsLog(options: NatsLogOptions): Promise<ObjectLog> {
  const { connection, purpose, replicas = 1, duplicateWindowMs = 120_000, subjectPrefix = defaultSubjectPrefix } = options;
  const longestCallMs = options.maxTimeoutMs ?? 60_000;
  if (duplicateWindowMs <= longestCallMs) throw new ApiError('Invalid', `duplicateWindowMs (${duplicateWindowMs}) must be longer than any call (${longestCallMs})`);
  const stream = await openNatsStream({ connection, clock: options.clock, stream: options.stream, subjectPrefix, replicas, duplicateWindowMs, ...(purpose && { purpose }) });
  return createObjectLog({ ...options, stream, subjectPrefix });
}
