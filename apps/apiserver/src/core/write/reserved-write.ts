import type { ApiObject } from '@navarch/api';

import { alreadyExists } from '../errors';
import type { Reservation } from '../kind-extension';
import type { StoredObject } from '../cache/stored-object';
import type { Kind } from '../kinds';
import { becomeCurrent } from '../read/freshness';
import type { WriteContext } from './writer';

/** What writes of all kinds need alike. */
export interface CommonReservations {
  /** Undefined: the write needs nothing. Throws where it may not have what it needs, and then has taken nothing. */
  reserve(kind: Kind, next: ApiObject, previous: ApiObject | undefined, ctx: WriteContext): Promise<Reservation | undefined>;
  /** The object is gone. Must not fail. */
  removed(last: ApiObject): Promise<void>;
}

/** One write of an object that needs more than itself: reserve, write, let go (or give back, where it was not written). */
export class ReservedWrite {
  private held: Reservation[] = [];
  private gone: ApiObject | undefined;

  constructor(private readonly kind: Kind, private readonly ctx: WriteContext, private readonly common?: CommonReservations) {}

  /** Before each try; what an earlier one had is given back, because the next may need something else. */
  async begin(next: ApiObject, previous: ApiObject | undefined): Promise<void> {
    await this.restart();
    const { kind, ctx, common } = this;
    if (!previous) await this.checkAbsent(next);
    if (kind.extension?.reserve) this.held.push(await kind.extension.reserve(next, previous, ctx));
    try {
      const more = await common?.reserve(kind, next, previous, ctx);
      if (more) this.held.push(more);
      for (const held of this.held) held.confirm();
    } catch (error) {
      await this.restart();
      throw error;
    }
  }

  /** The try removes the object instead. */
  async removing(last: ApiObject): Promise<void> {
    await this.restart();
    this.gone = last;
  }

  /** Settles what was reserved by how the write ends. */
  async settle(write: Promise<StoredObject>): Promise<StoredObject> {
    let result: StoredObject;
    try {
      result = await write;
    } catch (error) {
      for (const held of this.held) await held.abandon(error);
      throw error;
    }
    for (const held of this.held) await held.commit(result);
    if (this.gone && !this.ctx.dryRun) {
      await this.kind.extension?.removed?.(this.gone, this.ctx);
      await this.common?.removed(this.gone);
    }
    return result;
  }

  /** What a new object would reserve may be what a present one of its name has: that it is there is the better answer. */
  private async checkAbsent({ metadata = {} }: ApiObject): Promise<void> {
    const { cache, feed, resource } = this.kind;
    const { namespace = '', name = '' } = metadata;
    if (!cache.get(namespace, name)) return;
    await becomeCurrent(feed, this.ctx.deadline);
    if (cache.get(namespace, name)) throw alreadyExists(resource, name);
  }

  private async restart(): Promise<void> {
    const { held } = this;
    this.held = [];
    this.gone = undefined;
    for (const each of held) await each.abandon();
  }
}
