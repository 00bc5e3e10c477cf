import { ApiError, randomUuid } from '@navarch/base';

import { backOff, epochSubject, type LogContext } from './context';

/** Which history the log is: written once as its first message, so that a stream made anew is told from the old one. */
export interface Epoch {
  readonly id: string;
  readonly sequence: number;
}

const epochHeader = 'Navarch-Epoch';

/** Reads the log's epoch and, in a log that has none, writes it. */
export async function readEpoch(context: LogContext): Promise<Epoch> {
  const { limits, prefix, random, stream } = context;
  const subject = epochSubject(prefix);
  for (let failures = 0; failures < 5; failures++) {
    const message = await stream.lastOf(subject);
    if (message) return { id: message.header(epochHeader) ?? '', sequence: message.sequence };
    await stream.publish({ subject, headers: { [epochHeader]: randomUuid(random) }, body: new Uint8Array(0), expectedSequence: 0 }, limits.attemptTimeoutMs);
    if (failures > 0) await backOff(context, failures, limits.attemptTimeoutMs, context.guard.ended);
  }
  throw new ApiError('Unavailable', "the log's epoch could not be read", { retryAfterSeconds: 1 });
}

/**
 * Makes sure that the epoch is in the log before this instance writes anything: were it written later, its sequence would not tell where the
 * history began. Nothing to wait for once it is.
 */
export function beginHistory(context: LogContext): Promise<void> | undefined {
  const { guard } = context;
  if (guard.historyBegun === true) return undefined;
  guard.historyBegun ??= readEpoch(context).then(() => { guard.historyBegun = true; }, (error: unknown) => {
    guard.historyBegun = undefined;
    throw error;
  });
  return guard.historyBegun;
}
