import { isDeepStrictEqual } from 'node:util';

import type { ApiObject, Resource } from '@navarch/api';
import { ApiError, isApiError } from '@navarch/base';

import type { KindCache } from '../cache/kind-cache';
import type { LogFeed } from '../cache/log-feed';
import type { StoredObject } from '../cache/stored-object';
import type { Deadline } from '../deadline';
import { alreadyExists, notFound, qualified } from '../errors';
import { becomeCurrent } from '../read/freshness';
import type { ObjectWriter, WriteContext } from './writer';

/** What a read-modify-write makes of the object's present state. */
export type Decision<T extends ApiObject = ApiObject> =
  | { readonly type: 'update'; readonly next: T }
  /** Removes it; `last` is the state the tombstone carries. */
  | { readonly type: 'remove'; readonly last: T }
  | { readonly type: 'keep' };

export type Decide = (current: StoredObject) => Decision | Promise<Decision>;

/** Each try starts from a newer state than the one before, so more than this many means real contention. */
const maxTries = 100;

/**
 * Compare-and-set against one kind. The cache may be a moment behind: what would refuse a write or leave it out is only
 * believed of a state known to be current, while a write itself needs no such proof, because the log compares.
 */
export class KindStore {
  constructor(private readonly feed: LogFeed, readonly cache: KindCache, private readonly writer: ObjectWriter) {}

  private get resource(): Resource {
    return this.cache.resource;
  }

  /** An object's stored form. */
  encode(object: ApiObject): Uint8Array {
    return this.writer.encode(object);
  }

  /** The object, current; throws NotFound only after a current read. */
  async find(namespace: string, name: string, deadline: Deadline): Promise<StoredObject> {
    const cached = this.cache.get(namespace, name);
    if (cached) return cached;
    await becomeCurrent(this.feed, deadline);
    const current = this.cache.get(namespace, name);
    if (!current) throw notFound(this.resource, name);
    return current;
  }

  /** Writes a new object over nothing or over a tombstone; AlreadyExists where something lives under the name. */
  async create(object: ApiObject, ctx: WriteContext): Promise<StoredObject> {
    const { namespace = '', name = '' } = object.metadata ?? {};
    if (ctx.dryRun) await becomeCurrent(this.feed, ctx.deadline);
    let current = this.cache.get(namespace, name);
    let expected = this.cache.tombstone(namespace, name);
    for (let tries = 0; tries < maxTries; tries++) {
      if (current) {
        await becomeCurrent(this.feed, ctx.deadline);
        if (this.cache.get(namespace, name)) throw alreadyExists(this.resource, name);
        expected = this.cache.tombstone(namespace, name);
      }
      const outcome = await this.writer.write({ verb: 'create', object, expected }, ctx);
      if (outcome.type === 'written') return outcome.object;
      await this.catchUp(outcome.currentSequence, ctx.deadline);
      current = this.cache.get(namespace, name);
      expected = outcome.currentSequence ?? this.cache.tombstone(namespace, name);
    }
    throw contention(this.resource, name);
  }

  /** Reads, decides, writes; decides anew whenever someone else wrote in between. Answers the object as it then is. */
  async mutate(namespace: string, name: string, decide: Decide, ctx: WriteContext): Promise<StoredObject> {
    let current = await this.find(namespace, name, ctx.deadline);
    let proven = false;
    for (let tries = 0; tries < maxTries; tries++) {
      const decision = await this.decideOn(current, decide);
      if (decision.type === 'failed' || decision.type === 'keep') {
        if (proven) return settle(decision, current);
        await becomeCurrent(this.feed, ctx.deadline);
        const seen = this.cache.get(namespace, name);
        if (!seen) throw notFound(this.resource, name);
        if (seen.sequence === current.sequence) return settle(decision, current);
        [current, proven] = [seen, true];
        continue;
      }
      const outcome = await this.apply(decision, current, ctx);
      if (outcome.type === 'written') return outcome.object;
      await this.catchUp(outcome.currentSequence, ctx.deadline);
      const seen = this.cache.get(namespace, name);
      if (!seen) throw notFound(this.resource, name);
      [current, proven] = [seen, true];
    }
    throw contention(this.resource, name);
  }

  private apply(decision: Exclude<Decision, { type: 'keep' }>, previous: StoredObject, ctx: WriteContext): ReturnType<ObjectWriter['write']> {
    const expected = previous.sequence;
    return decision.type === 'remove'
      ? this.writer.write({ verb: 'delete', object: decision.last, previous, expected }, ctx)
      : this.writer.write({ verb: 'update', object: decision.next, previous, expected }, ctx);
  }

  private async decideOn(current: StoredObject, decide: Decide): Promise<Decision | { type: 'failed'; error: ApiError }> {
    try {
      const decision = await decide(current);
      return decision.type === 'update' && this.same(decision.next, current) ? { type: 'keep' } : decision;
    } catch (error) {
      if (isApiError(error)) return { type: 'failed', error };
      throw error;
    }
  }

  /** A write that changes nothing is not written. Maps may be in another order, so equal lengths are looked at twice. */
  private same(next: ApiObject, current: StoredObject): boolean {
    const bytes = this.writer.encode(next);
    const before = this.writer.encode(current.object);
    if (bytes.length !== before.length) return false;
    if (Buffer.compare(bytes, before) === 0) return true;
    const { codec } = this.resource;
    return isDeepStrictEqual(codec.decode(bytes), codec.decode(before));
  }

  private async catchUp(sequence: number | undefined, deadline: Deadline): Promise<void> {
    if (sequence === undefined) return becomeCurrent(this.feed, deadline);
    await this.feed.waitFor(sequence, deadline.signal);
  }
}

function settle(decision: { type: 'failed'; error: ApiError } | { type: 'keep' }, current: StoredObject): StoredObject {
  if (decision.type === 'failed') throw decision.error;
  return current;
}

const contention = (resource: Resource, name: string): ApiError =>
  new ApiError('ServerTimeout', `${qualified(resource)} "${name}" is being written too often by others; try again`, { retryAfterSeconds: 1 });
