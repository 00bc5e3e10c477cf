import { ApiError } from '@navarch/base';
import { SchedulerServiceService } from '@navarch/proto/navarch/scheduler/v1/scheduler_service';
import { grpcService, type CallContext, type GrpcMethod } from '@navarch/service';

import type { RunningScheduler } from './app';

/** Whose certificate may ask: administrators of the cluster. What it tells crosses namespaces. */
const admitted = 'system:masters';

/** navarch.scheduler.v1.SchedulerService over a running scheduler. */
export function diagnoseService(scheduler: Pick<RunningScheduler, 'diagnose' | 'leading'>): GrpcMethod[] {
  return grpcService(SchedulerServiceService, {
    diagnose: async ({ namespace = 'default', name = '' }, context) => {
      authorize(context);
      if (name === '') throw new ApiError('BadRequest', 'name: Required value');
      if (!scheduler.leading) throw new ApiError('Unavailable', 'this scheduler does not lead; ask the one whose Lease kube-system/kube-scheduler names');
      const found = scheduler.diagnose(namespace, name);
      if (!found) throw new ApiError('NotFound', `pod "${namespace}/${name}" is not known to wait for a node`, { kind: 'pods', name });
      const { uid, message, attempts, triedAtMs, diagnosis } = found;
      return {
        uid, message, attempts, triedAtMs, nodes: diagnosis?.nodeCount ?? 0, rejectedBy: [...(diagnosis?.rejectedBy ?? [])],
        refused: [...(diagnosis?.nodesByReason ?? [])].map(([reason, nodes]) => ({ reason, nodes: [...nodes] })),
      };
    },
  });
}

function authorize({ peer }: CallContext): void {
  if (!peer) throw new ApiError('Unauthorized', 'a client certificate of the cluster is needed');
  if (!peer.organizations.includes(admitted)) throw new ApiError('Forbidden', `User "${peer.commonName}" cannot ask the scheduler: only ${admitted} may`);
}
