import { codecFor, defineResource, timeFromMs, type Resource } from '@navarch/api';
import { hasReason, isAlreadyExists, isNotFound, randomUuid, toError, type Clock, type Logger, type Random } from '@navarch/base';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { IPAddress } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import type { StoredObject } from '../cache/stored-object';
import type { Kind } from '../kinds';
import { becomeCurrent } from '../read/freshness';
import type { WriteContext } from '../write/writer';

/** Whose a reservation is: the parent's name alone could be that of a later Service. */
const holderAnnotation = 'navarch.io/service-uid';

/**
 * Node ports as objects of the log that no door serves: one per port, so that two writers meet only where they want the
 * same one. It has an IPAddress' form, because it says the same thing of another number.
 */
export const nodePortReservations: Resource<IPAddress> = defineResource<IPAddress>({
  group: 'navarch.io', version: 'v1', kind: 'NodePort', plural: 'nodeports', namespaced: false,
  codec: codecFor<IPAddress>('k8s.io.api.networking.v1.IPAddress'),
  validateCreate: () => [], validateUpdate: () => [], columns: [],
});

/** A Service as it holds something. */
export interface Holder {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export const holderOf = ({ metadata = {} }: Service): Holder => ({ namespace: metadata.namespace ?? '', name: metadata.name ?? '', uid: metadata.uid ?? '' });

/** The Service that a reservation names; undefined where it is not a Service's. A reservation made by hand names no uid. */
export function reservedFor({ spec, metadata = {} }: IPAddress): Holder | undefined {
  const { group, resource, namespace = '', name = '' } = spec?.parentRef ?? {};
  return group || resource !== 'services' ? undefined : { namespace, name, uid: metadata.annotations?.[holderAnnotation] ?? '' };
}

export const isHeldBy = (held: Holder, holder: Holder): boolean =>
  held.namespace === holder.namespace && held.name === holder.name && (held.uid === '' || held.uid === holder.uid);

export interface ReservationDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * One resource that Services hold exclusively, an object per unit whose name is the unit. Creating the object is taking
 * the unit: compare and set lets one of any number of replicas have it.
 */
export class Reservations {
  constructor(private readonly kind: () => Kind, private readonly deps: ReservationDependencies, private readonly labelsOf: (unit: string) => Record<string, string> = () => ({})) {}

  /** As far as this replica knows; only `take` can tell. */
  isFree(unit: string): boolean {
    return !this.get(unit);
  }

  get count(): number {
    return this.kind().cache.size;
  }

  get(unit: string): StoredObject<IPAddress> | undefined {
    return this.kind().cache.get('', unit) as StoredObject<IPAddress> | undefined;
  }

  /** All of them, as they are now. */
  all(): StoredObject<IPAddress>[] {
    return [...this.kind().cache.snapshot().values()] as StoredObject<IPAddress>[];
  }

  /** Whether it was free, and now is the holder's. A dry run only looks. */
  async take(unit: string, { namespace, name, uid }: Holder, ctx: WriteContext): Promise<boolean> {
    const { clock, random } = this.deps;
    const object: IPAddress = {
      metadata: { name: unit, uid: randomUuid(random), creationTimestamp: timeFromMs(Math.floor(clock.now() / 1_000) * 1_000), labels: this.labelsOf(unit), annotations: { [holderAnnotation]: uid } },
      spec: { parentRef: { group: '', resource: 'services', namespace, name } },
    };
    try {
      await this.kind().store.create(object, ctx);
      return true;
    } catch (error) {
      if (isAlreadyExists(error)) return false;
      throw error;
    }
  }

  /** Gives back what is still the holder's; the state may be named that must not have changed. */
  async giveBack(unit: string, holder: Holder, ctx: WriteContext, uid?: string): Promise<void> {
    try {
      await this.kind().store.mutate('', unit, ({ object, uid: present }) => {
        const held = reservedFor(object);
        const remove = held && isHeldBy(held, holder) && (uid === undefined || uid === present);
        return remove ? { type: 'remove', last: object } : { type: 'keep' };
      }, ctx);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** The same for many where nobody waits for the outcome: what stays behind is a leak, which repair finds. */
  async tryGiveBack(units: readonly string[], holder: Holder, ctx: WriteContext): Promise<void> {
    const results = await Promise.allSettled(units.map((unit) => this.giveBack(unit, holder, ctx)));
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') this.deps.logger.warn('reservation not given back; repair will', { unit: units[index], holder: `${holder.namespace}/${holder.name}`, error: toError(result.reason).message });
    }
  }

  async becomeCurrent({ deadline }: Pick<WriteContext, 'deadline'>): Promise<void> {
    await becomeCurrent(this.kind().feed, deadline);
  }
}

/** Whether a failed write has certainly left nothing behind; else what was reserved for it must stay until somebody knows. */
export const leftNothing = (error: unknown): boolean =>
  hasReason(error, 'BadRequest', 'Invalid', 'Forbidden', 'NotFound', 'AlreadyExists', 'Conflict', 'RequestEntityTooLarge', 'TooManyRequests');
