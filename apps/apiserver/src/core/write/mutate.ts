import { deepEqual, withResourceVersion, type ApiObject, type Resource } from '@navarch/api';
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

/** Reads and writes of one kind's objects, in one of its forms. */
export type ObjectStore = Pick<KindStore, 'find' | 'create' | 'mutate' | 'encode'>;

interface Write {
  readonly type: 'write';
  readonly verb: 'update' | 'delete';
  readonly object: ApiObject;
  readonly body: Uint8Array;
}

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
    const body = this.encode(object);
    let current = this.cache.get(namespace, name);
    let expected = this.cache.tombstone(namespace, name);
    for (let tries = 0; tries < maxTries; tries++) {
      if (current) {
        await becomeCurrent(this.feed, ctx.deadline);
        if (this.cache.get(namespace, name)) throw alreadyExists(this.resource, name);
        expected = this.cache.tombstone(namespace, name);
      }
      const outcome = await this.writer.write({ verb: 'create', object, body, expected }, ctx);
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
      const decided = await this.decideOn(current, decide);
      if (decided.type !== 'write') {
        if (proven) return settle(decided, current);
        await becomeCurrent(this.feed, ctx.deadline);
        const seen = this.cache.get(namespace, name);
        if (!seen) throw notFound(this.resource, name);
        if (seen.sequence === current.sequence) return settle(decided, current);
        [current, proven] = [seen, true];
        continue;
      }
      const outcome = await this.apply(decided, current, ctx);
      if (outcome.type === 'written') return outcome.object;
      await this.catchUp(outcome.currentSequence, ctx.deadline);
      const seen = this.cache.get(namespace, name);
      if (!seen) throw notFound(this.resource, name);
      [current, proven] = [seen, true];
    }
    throw contention(this.resource, name);
  }

  private apply(decided: Write, previous: StoredObject, ctx: WriteContext): ReturnType<ObjectWriter['write']> {
    return this.writer.write({ ...decided, previous, expected: previous.sequence }, ctx);
  }

  private async decideOn(current: StoredObject, decide: Decide): Promise<Write | { type: 'keep' } | { type: 'failed'; error: ApiError }> {
    try {
      const decision = await decide(current);
      if (decision.type === 'keep') return decision;
      if (decision.type === 'remove') return { type: 'write', verb: 'delete', object: decision.last, body: this.encode(decision.last) };
      const body = this.encode(decision.next);
      return this.same(body, current) ? { type: 'keep' } : { type: 'write', verb: 'update', object: decision.next, body };
    } catch (error) {
      if (isApiError(error)) return { type: 'failed', error };
      throw error;
    }
  }

  /** A write that changes nothing is not written. Maps may be in another order, so equal lengths are looked at twice. */
  private same(body: Uint8Array, current: StoredObject): boolean {
    const bytes = withResourceVersion(body, current.resourceVersion);
    if (bytes.length !== current.bytes.length) return false;
    return Buffer.compare(bytes, current.bytes) === 0 || deepEqual(this.resource.codec.decode(bytes), current.object);
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
