import type { ObjectChange } from './informer';

/** Why a key waits for its reconcile, as far as tracing cares. */
export interface Wake {
  /** The traceparent under which the reconcile runs; absent: in a trace of its own. */
  readonly parent?: string;
  readonly links: readonly string[];
  /** Commit time of the first event, milliseconds since 1970; 0 where unknown. */
  readonly commitTimeMs: number;
}

const maxLinks = 32;

/**
 * Judges an event: the write that changed what is wanted (create, spec, delete) is a parent. A status write, a Lease
 * renewal or a resync is not: it would extend a finished trace for ever. It is linked, unless `unfinished` says that the
 * object has not reached what its origin wanted: then its origin is the parent still, also after a restart.
 */
export function wakeOf<T>({ type, headers, initial, object }: ObjectChange<T>, unfinished?: (object: T) => boolean): Wake | undefined {
  const { traceparent, origin, commitTimeMs } = headers;
  if (type === 'DELETED') return traceparent === undefined ? undefined : { parent: traceparent, links: [], commitTimeMs };
  if (origin !== undefined && (origin === traceparent || unfinished?.(object))) return { parent: origin, links: [], commitTimeMs };
  if (initial) return undefined;
  return { links: [origin, traceparent].filter((link) => link !== undefined), commitTimeMs };
}

/** The wakes of each waiting key, merged: the first parent stays, further ones become links, of which a bounded number is kept. */
export class Wakes {
  private readonly byKey = new Map<string, Wake>();

  add(key: string, wake: Wake): void {
    const known = this.byKey.get(key);
    if (!known) {
      this.byKey.set(key, wake);
      return;
    }
    const parent = known.parent ?? wake.parent;
    const links = [...known.links, ...wake.links, ...(wake.parent === undefined ? [] : [wake.parent])];
    const distinct = [...new Set(links)].filter((link) => link !== parent).slice(0, maxLinks);
    this.byKey.set(key, { ...(parent !== undefined && { parent }), links: distinct, commitTimeMs: known.commitTimeMs || wake.commitTimeMs });
  }

  take(key: string): Wake | undefined {
    const wake = this.byKey.get(key);
    this.byKey.delete(key);
    return wake;
  }
}
