import type { Clock } from '@navarch/base';

import type { StoredObject } from '../cache/stored-object';
import { defaultTimeoutMs, startDeadline } from '../deadline';
import type { Kinds } from '../kinds';
import { becomeCurrent } from './freshness';

export interface ObjectPlace {
  readonly group?: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name: string;
}

/** An object that is `acceptable` (present, unless told more); undefined only after a current read had none. */
export type FindCurrent = (place: ObjectPlace, signal?: AbortSignal, acceptable?: (object: StoredObject) => boolean) => Promise<StoredObject | undefined>;

/** Looks in the cache. What it lacks may have been made a moment ago, so only a current read may say that there is none. */
export function currentObjects(kinds: Kinds, clock: Clock): FindCurrent {
  return async ({ group = '', plural, namespace = '', name }, signal = new AbortController().signal, acceptable = () => true) => {
    const { cache, feed } = kinds.get(group, plural);
    const cached = cache.get(namespace, name);
    if (cached && acceptable(cached)) return cached;
    const deadline = startDeadline(clock, defaultTimeoutMs, signal);
    try {
      await becomeCurrent(feed, deadline);
    } finally {
      deadline.dispose();
    }
    const current = cache.get(namespace, name);
    return current && acceptable(current) ? current : undefined;
  };
}
