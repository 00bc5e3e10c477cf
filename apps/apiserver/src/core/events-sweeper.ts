import { hasReason, randomUuid, sleep, toError, type Clock, type Logger, type Random } from '@navarch/base';

import type { StoredObject } from './cache/stored-object';
import type { Kind } from './kinds';

export interface SweeperOptions {
  readonly kind: Kind;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Age by last write at which an event goes; Kubernetes: one hour. */
  readonly ttlMs: number;
  readonly intervalMs: number;
  readonly signal: AbortSignal;
}

/** Deletes at once, so that a backlog does not flood the log. */
const concurrency = 16;

/**
 * Events expire by tombstones, like every delete: watchers see them go and nothing comes back. Run by the elected
 * replica; a second one would only lose the compare-and-set.
 */
export async function sweepEvents(options: SweeperOptions): Promise<void> {
  const { clock, intervalMs, logger, signal } = options;
  while (!signal.aborted) {
    try {
      const removed = await sweepOnce(options);
      if (removed > 0) logger.info('expired events removed', { removed });
    } catch (error) {
      if (signal.aborted) return;
      logger.warn('expired events could not be removed', { error: toError(error).message });
    }
    await sleep(clock, intervalMs, signal).catch(() => undefined);
  }
}

/** One pass over the cache; answers how many events it removed. */
export async function sweepOnce({ kind, clock, random, ttlMs, signal }: SweeperOptions): Promise<number> {
  const dueMs = clock.now() - ttlMs;
  const expired = [...kind.cache.snapshot().values()].filter(({ timeMs }) => timeMs <= dueMs);
  let next = 0;
  let removed = 0;
  const worker = async (): Promise<void> => {
    for (let event = expired[next++]; event && !signal.aborted; event = expired[next++]) {
      if (await remove(kind, event, random, signal)) removed++;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return removed;
}

async function remove({ feed, store, resource }: Kind, event: StoredObject, random: Random, signal: AbortSignal): Promise<boolean> {
  const { namespace, name, uid, sequence, traceparent, origin } = event;
  const key = { group: resource.group, resource: resource.plural, namespace, name };
  try {
    const result = await feed.log.publish({
      key, verb: 'delete', uid, messageId: randomUuid(random), expectedSequence: sequence, body: store.encode(event.object), traceparent, origin,
    }, { signal });
    return result.outcome === 'committed';
  } catch (error) {
    if (hasReason(error, 'Timeout')) return false;
    throw error;
  }
}
