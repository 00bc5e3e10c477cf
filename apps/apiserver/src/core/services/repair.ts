/** Now and then makes Services and what is reserved for them agree: what a crash between two writes left behind goes, what was lost is made again. */
import { services } from '@navarch/api';
import { hasReason, sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { EventRecorder } from '@navarch/client';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';

import { startDeadline } from '../deadline';
import type { Kinds } from '../kinds';
import type { WriteContext } from '../write/writer';
import { contains } from './address-range';
import { claimsOf } from './claims';
import { reservationGraceMs, type ServiceReservations } from './extension';
import { planRepair, type RepairAction } from './plan-repair';
import { holderOf, reservedFor, type Holder, type Reservations } from './reservations';

/** Kubernetes' period. */
const intervalMs = 180_000;
const passMs = 60_000;

export interface RepairOptions {
  readonly kinds: Kinds;
  readonly reservations: ServiceReservations;
  readonly recorder: Pick<EventRecorder, 'event'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** Runs until the signal aborts. Safe to run at several replicas: every write is compare and set. */
export async function runServiceRepair(options: RepairOptions): Promise<void> {
  const { clock, logger, signal } = options;
  while (!signal.aborted) {
    try {
      await repairOnce(options);
    } catch (error) {
      if (!signal.aborted) logger.warn('reservations of Services could not be repaired', { error: toError(error).message });
    }
    await sleep(clock, intervalMs, signal).catch(() => undefined);
  }
}

/** What one kind of unit is called where people hear of it; after Kubernetes' repair controllers. */
interface Wording {
  readonly reasons: Readonly<Record<'taken' | 'lost' | 'out of range', string>>;
  readonly text: (unit: string) => string;
}

const addressWording: Wording = { reasons: { taken: 'ClusterIPAlreadyAllocated', lost: 'ClusterIPNotAllocated', 'out of range': 'ClusterIPOutOfRange' }, text: (unit) => `Cluster IP ${unit}` };
const portWording: Wording = { reasons: { taken: 'PortAlreadyAllocated', lost: 'PortNotAllocated', 'out of range': 'PortOutOfRange' }, text: (unit) => `Port ${unit}` };
const endings = { taken: 'was assigned to multiple services; please recreate service', lost: 'is not allocated; repairing', 'out of range': 'is not within any configured range; please recreate service' } as const;

export async function repairOnce(options: RepairOptions): Promise<void> {
  const { kinds, reservations: { addresses, ports, ranges, portRange }, clock, signal } = options;
  const deadline = startDeadline(clock, passMs, signal);
  const ctx: WriteContext = { deadline, dryRun: false, context: ROOT_CONTEXT };
  try {
    await addresses.becomeCurrent(ctx);
    const present = [...kinds.get(services.group, services.plural).cache.snapshot().values()].sort((left, right) => ageOrder(left.metadata) - ageOrder(right.metadata)).map(({ object }) => object as Service);
    const known = ranges();
    await repairUnits(options, addresses, present.flatMap(unitsOf('addresses')), (unit) => known.some((range) => contains(range, unit)), addressWording, ctx);
    await repairUnits(options, ports, present.flatMap(unitsOf('ports')), (unit) => Number(unit) >= portRange.first && Number(unit) <= portRange.last, portWording, ctx);
  } finally {
    deadline.dispose();
  }
}

const ageOrder = ({ creationTimestamp }: { creationTimestamp?: { seconds?: number | undefined } | undefined }): number => Number(creationTimestamp?.seconds ?? 0);

const unitsOf = (what: 'addresses' | 'ports') => (service: Service): { unit: string; holder: Holder }[] =>
  claimsOf(service.spec)[what].map((unit) => ({ unit, holder: holderOf(service) }));

async function repairUnits(
  { clock, recorder, logger }: RepairOptions, reservations: Reservations, claims: { unit: string; holder: Holder }[], isInRange: (unit: string) => boolean, wording: Wording, ctx: WriteContext,
): Promise<void> {
  const reserved = reservations.all().map(({ name, uid, object, timeMs }) => ({ unit: name, uid, holder: reservedFor(object), ageMs: clock.now() - timeMs }));
  const carryOut = async (action: RepairAction): Promise<void> => {
    if (action.type === 'report') {
      const { unit, holder, what } = action;
      recorder.event({ apiVersion: 'v1', kind: 'Service', ...holder }, 'Warning', wording.reasons[what], `${wording.text(unit)} ${endings[what]}`);
      return;
    }
    if (action.type === 'release') await reservations.giveBack(action.reserved.unit, action.reserved.holder, ctx, action.reserved.uid);
    else await reservations.take(action.unit, action.holder, ctx);
    logger.info('reservation repaired', { action: action.type, unit: action.type === 'release' ? action.reserved.unit : action.unit });
  };
  for (const action of planRepair({ claims, reserved, isInRange, graceMs: reservationGraceMs })) {
    try {
      await carryOut(action);
    } catch (error) {
      if (!hasReason(error, 'Conflict', 'NotFound')) throw error;
    }
  }
}
