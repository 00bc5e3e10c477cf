import { randomUuid, type Clock, type Logger, type Random } from '@navarch/base';
import { createEventRecorder, runLeaderElection, type ApiClient } from '@navarch/client';
import { runCompactor, type CompactionPolicy, type ObjectLog } from '@navarch/store';

import type { ApiCore } from './core/core';
import { sweepEvents } from './core/events-sweeper';
import { runServiceRepair } from './core/services/repair';

const minuteMs = 60_000;

export interface MaintenanceOptions {
  readonly core: ApiCore;
  readonly logs: Readonly<Record<'objects' | 'events', ObjectLog>>;
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Kubernetes compacts every five minutes what is older than five minutes. */
  readonly compaction?: CompactionPolicy;
  readonly eventTtlMs?: number;
}

const defaultCompaction: CompactionPolicy = { intervalMs: minuteMs, keepMs: 5 * minuteMs, keepVersions: 1_000 };

/** What exactly one replica does: compaction of both logs, expiry of events, and repair of what is reserved for Services. */
export function runMaintenance(options: MaintenanceOptions): Promise<void> {
  const { core, logs, client, clock, random, logger, signal, compaction: policy = defaultCompaction, eventTtlMs: ttlMs = 60 * minuteMs } = options;
  const recorder = createEventRecorder({ client, clock, random, logger, component: 'apiserver' });
  const lead = async (leading: AbortSignal): Promise<void> => {
    const kind = core.kinds.get('', 'events');
    await Promise.all([
      runCompactor({ log: logs.objects, clock, policy, signal: leading, logger: logger.child({ log: 'objects' }) }),
      runCompactor({ log: logs.events, clock, policy, signal: leading, logger: logger.child({ log: 'events' }) }),
      runServiceRepair({ kinds: core.kinds, reservations: core.serviceReservations, recorder, clock, logger, signal: leading }),
      sweepEvents({ kind, clock, random, logger, ttlMs, intervalMs: minuteMs, signal: leading }),
    ]);
  };
  return runLeaderElection({
    client, clock, random, logger, identity: `apiserver-${randomUuid(random)}`, namespace: 'kube-system', name: 'navarch-apiserver', lead, signal,
  });
}
