import { leases, namespaces, nodes, pods, serviceAccounts } from '@navarch/api';
import type { Clock, Logger, Random } from '@navarch/base';
import { createInformer, type ApiClient, type Informer } from '@navarch/client';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { Namespace, Node, Pod, ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';

/** One cache per kind, shared by all controllers. */
export interface Informers {
  readonly nodes: Informer<Node>;
  /** Indexed by `nodeName` ('' for pods without a node). */
  readonly pods: Informer<Pod>;
  /** Those of nodes only. */
  readonly nodeLeases: Informer<Lease>;
  readonly namespaces: Informer<Namespace>;
  readonly serviceAccounts: Informer<ServiceAccount>;
}

export const nodeLeaseNamespace = 'kube-node-lease';

export function createInformers({ client, ...common }: { client: ApiClient; clock: Clock; random: Random; logger: Logger }): Informers {
  return {
    nodes: createInformer({ ...common, client: client.resource(nodes), resource: nodes }),
    pods: createInformer({ ...common, client: client.resource(pods), resource: pods, indexes: { nodeName: (pod) => [pod.spec?.nodeName ?? ''] } }),
    nodeLeases: createInformer({ ...common, client: client.resource(leases), resource: leases, namespace: nodeLeaseNamespace }),
    namespaces: createInformer({ ...common, client: client.resource(namespaces), resource: namespaces }),
    serviceAccounts: createInformer({ ...common, client: client.resource(serviceAccounts), resource: serviceAccounts }),
  };
}
