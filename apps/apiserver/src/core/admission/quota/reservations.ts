import { compareQuantity, quantity, type ResourceList } from '@navarch/api';
import type { ResourceQuota } from '@navarch/proto/k8s/io/api/core/v1/core';

/** Kept on the quota itself, so that what is used and what is promised change in one write. Only the server writes it. */
export const reservationsAnnotation = 'navarch.io/quota-reservations';
/** A write that did not land by then never will: requests take at most a minute. */
export const reservationLifeMs = 300_000;

/** What a write under way will make an object use. */
export interface Reservation {
  readonly id: string;
  readonly uid: string;
  readonly usage: ResourceList;
  readonly sinceMs: number;
}

type Stored = readonly [id: string, uid: string, sinceMs: number, usage: Readonly<Record<string, string>>];

/** Those on the quota; whatever else is written there (by hand) is none. */
export function reservationsOf({ metadata }: ResourceQuota): Reservation[] {
  const text = metadata?.annotations?.[reservationsAnnotation];
  if (text === undefined) return [];
  try {
    return (JSON.parse(text) as Stored[]).map(([id, uid, sinceMs, usage]) =>
      ({ id, uid, sinceMs, usage: Object.fromEntries(Object.entries(usage).map(([resource, amount]) => [resource, quantity(amount)])) }));
  } catch {
    return [];
  }
}

export function withReservations(quota: ResourceQuota, reservations: readonly Reservation[]): ResourceQuota {
  const { [reservationsAnnotation]: _old, ...others } = quota.metadata?.annotations ?? {};
  const stored = reservations.map(({ id, uid, sinceMs, usage }): Stored =>
    [id, uid, sinceMs, Object.fromEntries(Object.entries(usage).map(([resource, amount]) => [resource, amount.string ?? '0']))]);
  const annotations = stored.length > 0 ? { ...others, [reservationsAnnotation]: JSON.stringify(stored) } : others;
  return { ...quota, metadata: { ...quota.metadata, annotations: Object.keys(annotations).length > 0 ? annotations : undefined } };
}

/** Whether `usage` has at least all of `reserved`. */
export const covers = (usage: ResourceList, reserved: ResourceList): boolean => Object.entries(reserved).every(([name, amount]) => compareQuantity(usage[name], amount) >= 0);
