/**
 * Services hold addresses and node ports that nobody else may hold. No write spans two objects, so each is first reserved
 * (an IPAddress, a node port's object), then the Service is written, then what it no longer needs is given back; `repair.ts`
 * mends what a crash left between two of these steps.
 */
import { fieldErrorsToApiError, services, type ApiObject, type IpFamily } from '@navarch/api';
import { ApiError } from '@navarch/base';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import type { KindExtension, Reservation } from '../kind-extension';
import type { Kinds } from '../kinds';
import type { WriteContext } from '../write/writer';
import { addressRange, type AddressRange, type PortRange } from './address-range';
import { ServiceAllocator } from './allocator';
import { claimsOf, noClaims, without } from './claims';
import { settleFamilies } from './families';
import { holderOf, leftNothing, nodePortReservations, Reservations, type ReservationDependencies } from './reservations';

/** A write that takes longer is given up: repair takes back a reservation that nobody claims after `reservationGraceMs`. */
const writeWithinMs = 120_000;
export const reservationGraceMs = 300_000;

/** The range that the apiserver makes from its own flags. */
export const defaultRangeName = 'kubernetes';

export interface ServiceReservations {
  readonly addresses: Reservations;
  readonly ports: Reservations;
  readonly ranges: () => readonly AddressRange[];
  readonly portRange: PortRange;
}

export function serviceReservations(kinds: () => Kinds, portRange: PortRange, deps: ReservationDependencies): ServiceReservations {
  const labels = (address: string): Record<string, string> =>
    ({ 'ipaddress.kubernetes.io/ip-family': address.includes(':') ? 'IPv6' : 'IPv4', 'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io' });
  const { group, plural } = nodePortReservations;
  return {
    addresses: new Reservations(() => kinds().get('networking.k8s.io', 'ipaddresses'), deps, labels),
    ports: new Reservations(() => kinds().get(group, plural), deps),
    ranges: () => usableRanges([...kinds().get('networking.k8s.io', 'servicecidrs').cache.snapshot().values()].map(({ object }) => object as ServiceCIDR)),
    portRange,
  };
}

/** The ranges that addresses may come from: the cluster's own first, then the others by name. */
export function usableRanges(cidrs: readonly ServiceCIDR[]): AddressRange[] {
  const isDefault = ({ metadata }: ServiceCIDR): number => (metadata?.name === defaultRangeName ? 0 : 1);
  return cidrs
    .filter(({ metadata, status }) => !metadata?.deletionTimestamp && !status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'False'))
    .sort((left, right) => isDefault(left) - isDefault(right))
    .flatMap(({ spec }) => (spec?.cidrs ?? []).flatMap(rangeIfAny));
}

/** A range of one address (IPv4 /31, /32) has room for none; it may be there, but gives nothing. */
function rangeIfAny(cidr: string): AddressRange[] {
  try {
    return [addressRange(cidr)];
  } catch {
    return [];
  }
}

export function serviceExtension({ addresses, ports, ranges, portRange }: ServiceReservations, deps: ReservationDependencies): KindExtension {
  const allocator = new ServiceAllocator({ addresses, ports, ranges, portRange, random: deps.random });
  const families = (): IpFamily[] => [...new Set(ranges().map(({ family }) => family))];
  return {
    group: services.group, plural: services.plural,
    prepare(next: ApiObject, previous?: ApiObject) {
      const service: Service = next;
      const errors = settleFamilies((service.spec ??= {}), (previous as Service | undefined)?.spec, families());
      if (errors.length > 0) throw fieldErrorsToApiError(services, service.metadata?.name ?? '', errors);
    },
    async reserve(next: ApiObject, previous: ApiObject | undefined, ctx: WriteContext): Promise<Reservation> {
      const [after, before]: [Service, Service | undefined] = [next, previous];
      const sinceMs = deps.clock.monotonic();
      const reserved = await allocator.reserve(after, before, ctx);
      const holder = holderOf(after);
      return {
        confirm() {
          if (deps.clock.monotonic() - sinceMs > writeWithinMs) throw new ApiError('Unavailable', 'the addresses reserved for this write may no longer be ours', { retryAfterSeconds: 1 });
        },
        commit: () => allocator.giveBack(before ? without(claimsOf(before.spec), claimsOf(after.spec)) : noClaims, holder, ctx),
        abandon: async (error) => {
          if (error === undefined || leftNothing(error)) await allocator.giveBack(reserved, holder, ctx);
        },
      };
    },
    removed: (last: ApiObject, ctx: WriteContext) => allocator.giveBack(claimsOf((last as Service).spec), holderOf(last), ctx),
  };
}
