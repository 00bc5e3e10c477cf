import { ApiError } from '@navarch/base';
import { KubeletServiceService } from '@navarch/proto/navarch/kubelet/v1/kubelet_service';
import { connectGrpc, type TlsMaterial } from '@navarch/service';

import type { KubeletConnector } from '../core/pods/log';

/** Where a kubelet says that it listens: `unix:/…` or `host:port`. */
export const kubeletEndpointAnnotation = 'navarch.io/kubelet-endpoint';

/**
 * Reaches kubelets by gRPC. The certificate must bear the node's name, so that one node cannot answer for another. A
 * connection lasts as long as its request: logs are read rarely, and nodes come and go.
 */
export function grpcKubelets(tls: TlsMaterial | 'insecure'): KubeletConnector {
  return {
    async *containerLog(node, { namespace, pod, podUid, options }, signal) {
      const name = node.metadata?.name ?? '';
      const target = node.metadata?.annotations?.[kubeletEndpointAnnotation];
      if (!target) throw new ApiError('Unavailable', `node "${name}" does not say where its kubelet listens (annotation ${kubeletEndpointAnnotation})`);
      const channel = connectGrpc({ target, tls, serverName: name });
      try {
        const log = channel.serverStream(KubeletServiceService.containerLog, { namespace, pod, podUid, options }, { signal });
        for await (const { data } of log) if (data) yield data;
      } finally {
        channel.close();
      }
    },
  };
}
