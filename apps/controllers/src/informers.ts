import {
  clusterRoles, configMaps, controllerRevisions, cronJobs, daemonSets, deployments, endpoints, endpointSlices, horizontalPodAutoscalers, ipAddresses, jobs, leases, namespaces, nodes, persistentVolumeClaims, persistentVolumes, podDisruptionBudgets, pods, replicaSets, replicationControllers, resourceQuotas, secrets, serviceAccounts, serviceCidrs, services, statefulSets, storageClasses, type ApiObject, type Resource,
} from '@navarch/api';
import type { Clock, Logger, Random } from '@navarch/base';
import { createInformer, type ApiClient, type IndexFunction, type Informer } from '@navarch/client';
import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { HorizontalPodAutoscaler } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { CronJob, Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';
import type { ConfigMap, Endpoints, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, ReplicationController, ResourceQuota, Secret, Service, ServiceAccount } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import type { IPAddress, ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';
import type { PodDisruptionBudget } from '@navarch/proto/k8s/io/api/policy/v1/policy';
import type { ClusterRole } from '@navarch/proto/k8s/io/api/rbac/v1/rbac';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

import { configIndex } from './workload/config-use';
import { dnsServerLabel, serverOf } from './dns/liveness/plan-slice';
import { slicesByService } from './endpointslice/slice-labels';
import { podsByLabel, servicesBySelector } from './service/selection';
import { byTokenAccount } from './serviceaccount/secret-tokens/plan-secret-token';
import { controllerUid } from './workload/owned';

/** One cache per kind, shared by all controllers. */
export interface Informers {
  readonly nodes: Informer<Node>;
  /** Indexed by `nodeName` ('' for pods without a node), `controllerUid` (see workload/owned.ts) and `label` (see service/selection.ts). */
  readonly pods: Informer<Pod>;
  /** Those of nodes only. */
  readonly nodeLeases: Informer<Lease>;
  /** Those of DNS servers. Indexed by `dnsServer`: the server's node. */
  readonly dnsLeases: Informer<Lease>;
  readonly namespaces: Informer<Namespace>;
  readonly serviceAccounts: Informer<ServiceAccount>;
  readonly clusterRoles: Informer<ClusterRole>;
  readonly configMaps: Informer<ConfigMap>;
  /** Indexed by `tokenAccount`: token Secrets by `namespace/account`. */
  readonly secrets: Informer<Secret>;
  /** As StatefulSets and DaemonSets, indexed by `usesConfig` where they ask for it (see workload/config-use.ts). */
  readonly deployments: Informer<Deployment>;
  /** Indexed by `controllerUid`. */
  readonly replicaSets: Informer<ReplicaSet>;
  readonly replicationControllers: Informer<ReplicationController>;
  readonly statefulSets: Informer<StatefulSet>;
  readonly daemonSets: Informer<DaemonSet>;
  /** Indexed by `controllerUid`. */
  readonly controllerRevisions: Informer<ControllerRevision>;
  readonly persistentVolumeClaims: Informer<PersistentVolumeClaim>;
  readonly persistentVolumes: Informer<PersistentVolume>;
  readonly storageClasses: Informer<StorageClass>;
  readonly resourceQuotas: Informer<ResourceQuota>;
  /** Indexed by `controllerUid`. */
  readonly jobs: Informer<Job>;
  readonly cronJobs: Informer<CronJob>;
  readonly podDisruptionBudgets: Informer<PodDisruptionBudget>;
  readonly horizontalPodAutoscalers: Informer<HorizontalPodAutoscaler>;
  /** Indexed by `selector` (see service/selection.ts). */
  readonly services: Informer<Service>;
  readonly endpoints: Informer<Endpoints>;
  /** Indexed by `service`: `namespace/name`, and by `dnsServer`, as dnsLeases. */
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly serviceCidrs: Informer<ServiceCIDR>;
  readonly ipAddresses: Informer<IPAddress>;
}

export const nodeLeaseNamespace = 'kube-node-lease';

export function createInformers({ client, ...common }: { client: ApiClient; clock: Clock; random: Random; logger: Logger }): Informers {
  const inform = <T extends ApiObject>(resource: Resource<T>, indexes: Readonly<Record<string, IndexFunction<T>>> = {}): Informer<T> =>
    createInformer({ ...common, client: client.resource(resource), resource, indexes });
  return {
    nodes: inform(nodes),
    pods: inform(pods, { nodeName: (pod) => [pod.spec?.nodeName ?? ''], controllerUid, label: podsByLabel }),
    nodeLeases: createInformer({ ...common, client: client.resource(leases), resource: leases, namespace: nodeLeaseNamespace }),
    dnsLeases: createInformer({ ...common, client: client.resource(leases), resource: leases, namespace: 'kube-system', labelSelector: dnsServerLabel, indexes: { dnsServer: serverOf } }),
    namespaces: inform(namespaces),
    serviceAccounts: inform(serviceAccounts),
    clusterRoles: inform(clusterRoles),
    configMaps: inform(configMaps),
    secrets: inform(secrets, { tokenAccount: byTokenAccount }),
    deployments: inform(deployments, { usesConfig: configIndex }),
    replicaSets: inform(replicaSets, { controllerUid }),
    replicationControllers: inform(replicationControllers),
    statefulSets: inform(statefulSets, { usesConfig: configIndex }),
    daemonSets: inform(daemonSets, { usesConfig: configIndex }),
    controllerRevisions: inform(controllerRevisions, { controllerUid }),
    persistentVolumeClaims: inform(persistentVolumeClaims),
    persistentVolumes: inform(persistentVolumes),
    storageClasses: inform(storageClasses),
    resourceQuotas: inform(resourceQuotas),
    jobs: inform(jobs, { controllerUid }),
    cronJobs: inform(cronJobs),
    podDisruptionBudgets: inform(podDisruptionBudgets),
    horizontalPodAutoscalers: inform(horizontalPodAutoscalers),
    services: inform(services, { selector: servicesBySelector }),
    endpoints: inform(endpoints),
    endpointSlices: inform(endpointSlices, { service: slicesByService, dnsServer: serverOf }),
    serviceCidrs: inform(serviceCidrs),
    ipAddresses: inform(ipAddresses),
  };
}
