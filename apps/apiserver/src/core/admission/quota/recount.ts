import { addQuantity, maxQuantity, quantity, type ApiObject, type ResourceList } from '@navarch/api';
import type { ResourceQuota } from '@navarch/proto/k8s/io/api/core/v1/core';

import { parseSelection } from '../../cache/selection';
import type { Kind, Kinds } from '../../kinds';
import { covers, reservationLifeMs, reservationsOf, type Reservation } from './reservations';
import { inScopes } from './scopes';
import { tracks, usageOf } from './usage';

export interface Recount {
  readonly used: ResourceList;
  /** Promises whose objects have not been seen yet. */
  readonly reservations: readonly Reservation[];
}

/** What of an object's usage this quota limits. */
export function chargedUsage({ spec = {} }: ResourceQuota, { resource }: Pick<Kind, 'resource'>, object: ApiObject | undefined, nowMs: number): ResourceList {
  if (!object || !inScopes(resource, object, spec)) return {};
  return Object.fromEntries(Object.entries(usageOf(resource, object, nowMs)).filter(([name]) => spec.hard !== undefined && Object.hasOwn(spec.hard, name)));
}

/**
 * What a quota's namespace uses: its objects in the caches, and what is promised to writes that are not seen there yet. All kinds
 * are fed in the order of one log, so a cache that has this version of the quota has every object written before it: whatever was
 * struck from the promises by then is counted here. `isOver` knows promises of which this replica has seen the end.
 */
export function recount(kinds: Kinds, quota: ResourceQuota, nowMs: number, isOver: (reservation: Reservation) => boolean): Recount {
  const hard = Object.keys(quota.spec?.hard ?? {});
  const namespace = quota.metadata?.namespace ?? '';
  const promised = new Map<string, Reservation[]>();
  for (const reservation of reservationsOf(quota)) {
    if (nowMs - reservation.sinceMs > reservationLifeMs) continue;
    promised.set(reservation.uid, [...(promised.get(reservation.uid) ?? []), reservation]);
  }
  const used: ResourceList = Object.fromEntries(hard.map((name) => [name, quantity(0)]));
  const left: Reservation[] = [];
  const add = (usage: ResourceList): void => {
    for (const [name, amount] of Object.entries(usage)) used[name] = addQuantity(used[name], amount);
  };
  for (const kind of kinds.all()) {
    if (!kind.resource.namespaced || !hard.some((name) => tracks(kind.resource, name))) continue;
    for (const { object, uid } of kind.cache.select(parseSelection(kind.resource, { group: kind.resource.group, version: kind.resource.version, resource: kind.resource.plural, namespace }, {}))) {
      let usage = chargedUsage(quota, kind, object, nowMs);
      const pending = (promised.get(uid) ?? []).filter((reservation) => !covers(usage, reservation.usage) && !isOver(reservation));
      promised.delete(uid);
      left.push(...pending);
      for (const reservation of pending) usage = greater(usage, reservation.usage);
      add(usage);
    }
  }
  for (const reservations of promised.values()) {
    const pending = reservations.filter((reservation) => !isOver(reservation));
    left.push(...pending);
    add(pending.reduce<ResourceList>((usage, reservation) => greater(usage, reservation.usage), {}));
  }
  return { used, reservations: left };
}

export function greater(left: ResourceList, right: ResourceList): ResourceList {
  const result = { ...left };
  for (const [name, amount] of Object.entries(right)) result[name] = result[name] ? maxQuantity(result[name], amount) : amount;
  return result;
}
