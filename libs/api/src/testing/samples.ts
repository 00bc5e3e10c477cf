import type { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { HorizontalPodAutoscaler } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import type { PodDisruptionBudget } from '@navarch/proto/k8s/io/api/policy/v1/policy';
import type { CronJob, Job } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type {
  ConfigMap, Endpoints, Event, LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod, PodTemplate, PodTemplateSpec, ReplicationController,
  ResourceQuota, Secret, Service, ServiceAccount,
} from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Event as NewEvent } from '@navarch/proto/k8s/io/api/events/v1/events';
import type { Lease } from '@navarch/proto/k8s/io/api/coordination/v1/coordination';

import type { ApiObject } from '../resource';
import { platformObjects } from './platform-samples';

const template: PodTemplateSpec = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const selector = { matchLabels: { app: 'web' } };
const jobTemplate: PodTemplateSpec = { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'web:1' }] } };

/** The least that each kind accepts, as a client sends it: without defaults and without what the server sets. */
export const minimalObjects: Readonly<Record<string, ApiObject>> = {
  ...platformObjects,
  namespaces: { metadata: { name: 'team' } } satisfies Namespace,
  nodes: { metadata: { name: 'node-1' } } satisfies Node,
  pods: { metadata: { name: 'web', namespace: 'team' }, spec: { containers: [{ name: 'main', image: 'web:1' }] } } satisfies Pod as ApiObject,
  configmaps: { metadata: { name: 'settings', namespace: 'team' } } satisfies ConfigMap,
  secrets: { metadata: { name: 'token', namespace: 'team' } } satisfies Secret,
  serviceaccounts: { metadata: { name: 'robot', namespace: 'team' } } satisfies ServiceAccount,
  events: { metadata: { name: 'web.1', namespace: 'team' }, involvedObject: { kind: 'Pod', name: 'web', namespace: 'team' } } satisfies Event as ApiObject,
  'events.v1.events.k8s.io': {
    metadata: { name: 'web.1', namespace: 'team' }, regarding: { kind: 'Pod', name: 'web', namespace: 'team' }, eventTime: { seconds: 1 }, type: 'Normal',
    reason: 'Pulled', action: 'Pull', reportingController: 'example.com/agent', reportingInstance: 'agent-1',
  } satisfies NewEvent as ApiObject,
  leases: { metadata: { name: 'leader', namespace: 'team' } } satisfies Lease,
  deployments: { metadata: { name: 'web', namespace: 'team' }, spec: { selector, template } } satisfies Deployment as ApiObject,
  replicasets: { metadata: { name: 'web', namespace: 'team' }, spec: { selector, template } } satisfies ReplicaSet as ApiObject,
  statefulsets: { metadata: { name: 'web', namespace: 'team' }, spec: { selector, template } } satisfies StatefulSet as ApiObject,
  daemonsets: { metadata: { name: 'web', namespace: 'team' }, spec: { selector, template } } satisfies DaemonSet as ApiObject,
  controllerrevisions: { metadata: { name: 'web-1', namespace: 'team' }, data: { raw: Buffer.from('{}') } } satisfies ControllerRevision as ApiObject,
  jobs: { metadata: { name: 'once', namespace: 'team' }, spec: { template: jobTemplate } } satisfies Job as ApiObject,
  services: { metadata: { name: 'web', namespace: 'team' }, spec: { ports: [{ port: 80 }] } } satisfies Service as ApiObject,
  endpoints: { metadata: { name: 'web', namespace: 'team' } } satisfies Endpoints,
  persistentvolumes: {
    metadata: { name: 'disk' }, spec: { capacity: { storage: { string: '1Gi' } }, accessModes: ['ReadWriteOnce'], persistentVolumeSource: { hostPath: { path: '/data' } } },
  } satisfies PersistentVolume as ApiObject,
  persistentvolumeclaims: {
    metadata: { name: 'data', namespace: 'team' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: { string: '1Gi' } } } },
  } satisfies PersistentVolumeClaim as ApiObject,
  podtemplates: { metadata: { name: 'web', namespace: 'team' }, template } satisfies PodTemplate as ApiObject,
  replicationcontrollers: { metadata: { name: 'web', namespace: 'team' }, spec: { template } } satisfies ReplicationController as ApiObject,
  resourcequotas: { metadata: { name: 'all', namespace: 'team' } } satisfies ResourceQuota,
  limitranges: { metadata: { name: 'all', namespace: 'team' } } satisfies LimitRange,
  endpointslices: { metadata: { name: 'web-1', namespace: 'team' }, addressType: 'IPv4' } satisfies EndpointSlice as ApiObject,
  poddisruptionbudgets: { metadata: { name: 'web', namespace: 'team' } } satisfies PodDisruptionBudget,
  horizontalpodautoscalers: { metadata: { name: 'web', namespace: 'team' }, spec: { scaleTargetRef: { kind: 'Deployment', name: 'web' }, maxReplicas: 3 } } satisfies HorizontalPodAutoscaler as ApiObject,
  cronjobs: { metadata: { name: 'nightly', namespace: 'team' }, spec: { schedule: '0 3 * * *', jobTemplate: { spec: { template: jobTemplate } } } } satisfies CronJob as ApiObject,
};
