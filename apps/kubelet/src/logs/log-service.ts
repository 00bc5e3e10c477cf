import { ApiError } from '@navarch/base';
import { KubeletServiceService } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import { grpcService, type GrpcMethod, type PeerIdentity } from '@navarch/service';

import type { Kubelet } from '../app';
import { statsResponse } from '../stats/stats-response';
import { streamHandlers } from '../streaming/stream-handlers';

/** What a kubelet serves, to the apiserver only: everyone else asks the apiserver, who knows what they may. */
export function kubeletMethods({ logs, streams, http, stats }: Pick<Kubelet, 'logs' | 'streams' | 'http' | 'stats'>): GrpcMethod[] {
  return grpcService(KubeletServiceService, {
    async *containerLog({ namespace = '', pod = '', podUid, options = {} }, { peer, signal }) {
      requireApiserver(peer);
      for await (const data of logs.read({ namespace, pod, ...(podUid && { podUid }), options }, signal)) yield { data: Buffer.from(data) };
    },
    async stats(_request, { peer }) {
      requireApiserver(peer);
      return statsResponse(stats());
    },
    ...streamHandlers(streams, http, requireApiserver),
  });
}

function requireApiserver(peer: PeerIdentity | undefined): void {
  if (!peer) throw new ApiError('Unauthorized', 'a kubelet answers only to clients with a certificate');
  if (!peer.organizations.includes('system:masters')) throw new ApiError('Forbidden', `"${peer.commonName}" may not ask a kubelet`);
}
