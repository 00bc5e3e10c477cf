import { deadlineSignal, type Clock } from '@navarch/base';

import type { LogFeed } from '../cache/log-feed';
import type { Deadline } from '../deadline';
import { badRequest, tooLarge } from '../errors';

/** How long a read waits for a version that the log has not shown yet (Kubernetes: 3 s). */
const versionWaitMs = 3_000;

/** A resourceVersion as a number; undefined where empty. Versions are opaque to clients, whole numbers to us. */
export function parseVersion(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const version = Number(text);
  if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(version)) {
    throw badRequest(`resourceVersion: Invalid value: "${text}": must be a whole number, as the server gave it`);
  }
  return version;
}

/** Waits until every write acknowledged before this call is in the cache (the barrier). */
export async function becomeCurrent(feed: LogFeed, deadline: Deadline): Promise<void> {
  const sequence = await feed.log.barrier({ signal: deadline.caller, timeoutMs: deadline.leftMs() });
  await feed.waitFor(sequence, deadline.signal);
}

/**
 * Brings the cache to what a read asks for: absent, everything acknowledged before now; 0, whatever there is; a version,
 * at least that one, else Kubernetes' "Too large resource version".
 */
export async function becomeFresh(feed: LogFeed, clock: Clock, version: number | undefined, deadline: Deadline): Promise<void> {
  if (version === undefined) return becomeCurrent(feed, deadline);
  if (version <= feed.position) return feed.waitFor(version, deadline.signal);
  const wait = deadlineSignal(clock, versionWaitMs, () => tooLarge(version, feed.position), deadline.signal);
  try {
    await feed.waitFor(version, wait.signal);
  } finally {
    wait.dispose();
  }
}
