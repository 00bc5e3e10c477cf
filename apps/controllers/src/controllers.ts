import { startClusterRoleAggregation } from './clusterrole/aggregation/aggregation.controller';
import type { StartController } from './dependencies';
import { startEndpoints } from './endpoints/endpoints.controller';
import { startEndpointSliceMirroring } from './endpointslice-mirroring/endpointslice-mirroring.controller';
import { startEndpointSlices } from './endpointslice/endpointslice.controller';
import { startGarbageCollection } from './garbagecollector/garbage-collector.controller';
import { startCronJob } from './cronjob/cron-job.controller';
import { startJobExecution } from './job/execution/job-execution.controller';
import { startTrackingFinalizer } from './job/tracking-finalizer/tracking-finalizer.controller';
import { startDaemonSets } from './daemonset/daemon-set.controller';
import { startDeployment } from './deployment/deployment.controller';
import { startDnsLiveness } from './dns/liveness/dns-liveness.controller';
import { startDisruption } from './disruption/disruption.controller';
import { startNamespaceLifecycle } from './namespace/lifecycle/namespace-lifecycle.controller';
import { startNodeIpam } from './node/ipam/node-ipam.controller';
import { startNodeLifecycle } from './node/lifecycle/node-lifecycle.controller';
import { startTaintEviction } from './node/taint-eviction/taint-eviction.controller';
import { startPodAutoscaler } from './podautoscaler/podautoscaler.controller';
import { startPodGarbageCollection } from './pod/garbage-collection/pod-garbage-collection.controller';
import { startReplicaSet } from './replicaset/replicaset.controller';
import { startReplicationController } from './replicationcontroller/replicationcontroller.controller';
import { startResourceQuota } from './resourcequota/resource-quota.controller';
import { startDefaultAccount } from './serviceaccount/default-account/default-account.controller';
import { startRootCaPublisher } from './serviceaccount/root-ca/root-ca.controller';
import { startSecretTokens } from './serviceaccount/secret-tokens/secret-tokens.controller';
import { startServiceCidrProtection } from './servicecidr/protection/servicecidr-protection.controller';
import { startStatefulSets } from './statefulset/stateful-set.controller';
import { startTtlAfterFinished } from './ttl-after-finished/ttl-after-finished.controller';
import { startClaimBinding } from './volume/binding/claim-binding.controller';
import { startEphemeralClaims } from './volume/ephemeral/ephemeral-claims.controller';
import { startVolumeProtection } from './volume/protection/volume-protection.controller';

/** All there are, by the folder that holds them. */
export const controllers: Readonly<Record<string, StartController>> = {
  'clusterrole/aggregation': startClusterRoleAggregation,
  endpoints: startEndpoints,
  endpointslice: startEndpointSlices,
  'endpointslice-mirroring': startEndpointSliceMirroring,
  'servicecidr/protection': startServiceCidrProtection,
  garbagecollector: startGarbageCollection,
  'cronjob': startCronJob,
  'job/execution': startJobExecution,
  'job/tracking-finalizer': startTrackingFinalizer,
  'daemonset': startDaemonSets,
  'deployment': startDeployment,
  'disruption': startDisruption,
  'dns/liveness': startDnsLiveness,
  'namespace/lifecycle': startNamespaceLifecycle,
  'node/ipam': startNodeIpam,
  'node/lifecycle': startNodeLifecycle,
  'node/taint-eviction': startTaintEviction,
  'pod/garbage-collection': startPodGarbageCollection,
  'podautoscaler': startPodAutoscaler,
  'replicaset': startReplicaSet,
  'replicationcontroller': startReplicationController,
  'resourcequota': startResourceQuota,
  'serviceaccount/default-account': startDefaultAccount,
  'serviceaccount/root-ca': startRootCaPublisher,
  'serviceaccount/secret-tokens': startSecretTokens,
  'statefulset': startStatefulSets,
  'ttl-after-finished': startTtlAfterFinished,
  'volume/binding': startClaimBinding,
  'volume/ephemeral': startEphemeralClaims,
  'volume/protection': startVolumeProtection,
};
