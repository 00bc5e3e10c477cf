import type { ApiObject } from '@navarch/api';

import { alreadyExists } from '../errors';
import type { Reservation } from '../kind-extension';
import type { Kind } from '../kinds';
import { becomeCurrent } from '../read/freshness';
import type { WriteContext } from './writer';

/** One write of an object that needs more than itself: reserve, write, let go (or give back, where it was not written). */
export class ReservedWrite {
  private held: Reservation | undefined;
  private gone: ApiObject | undefined;

  constructor(private readonly kind: Kind, private readonly ctx: WriteContext) {}

  /** Before each try; what an earlier one had is given back, because the next may need something else. */
  async begin(next: ApiObject, previous: ApiObject | undefined): Promise<void> {
    await this.restart();
    const { extension } = this.kind;
    if (!extension?.reserve) return;
    if (!previous) await this.checkAbsent(next);
    this.held = await extension.reserve(next, previous, this.ctx);
    this.held.confirm();
  }

  /** The try removes the object instead. */
  async removing(last: ApiObject): Promise<void> {
    await this.restart();
    this.gone = last;
  }

  /** Settles what was reserved by how the write ends. */
  async settle<T>(write: Promise<T>): Promise<T> {
    let result: T;
    try {
      result = await write;
    } catch (error) {
      await this.held?.abandon(error);
      throw error;
    }
    await this.held?.commit();
    if (this.gone) await this.kind.extension?.removed?.(this.gone, this.ctx);
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
    this.held = undefined;
    this.gone = undefined;
    await held?.abandon();
  }
}
