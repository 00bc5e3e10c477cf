import { intOrString, quantity } from '@navarch/api';
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { CronJob, Job, JobSpec } from '@navarch/proto/k8s/io/api/batch/v1/batch';
import type { PodTemplateSpec, ReplicationController, ResourceQuota, Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { PodDisruptionBudget } from '@navarch/proto/k8s/io/api/policy/v1/policy';

const image = 'busybox:1.35';
/** So soon pods leave a node that is lost: a run is short. */
const tolerationSeconds = 5;
/** The command by which the fake runtime knows a container that ends by itself. */
export const work = 'work';

const meta = (namespace: string, name: string) => ({ metadata: { namespace, name, labels: { app: name } } });
const selector = (name: string) => ({ matchLabels: { app: name } });

function template(name: string, command?: string): PodTemplateSpec {
  return {
    metadata: { labels: { app: name } },
    spec: {
      containers: [{ name: 'main', image, ...(command !== undefined && { command: [command] }) }],
      terminationGracePeriodSeconds: 2,
      tolerations: ['not-ready', 'unreachable'].map((why) => ({ key: `node.kubernetes.io/${why}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds })),
    },
  };
}

export const deployment = (namespace: string, name: string, replicas: number, recreate = false): Deployment => ({
  ...meta(namespace, name),
  spec: {
    replicas, selector: selector(name), template: template(name),
    strategy: recreate ? { type: 'Recreate' } : { type: 'RollingUpdate', rollingUpdate: { maxSurge: intOrString(1), maxUnavailable: intOrString(1) } },
  },
});

export const replicaSet = (namespace: string, name: string, replicas: number): ReplicaSet => ({ ...meta(namespace, name), spec: { replicas, selector: selector(name), template: template(name) } });

export const replicationController = (namespace: string, name: string, replicas: number): ReplicationController => ({
  ...meta(namespace, name), spec: { replicas, selector: { app: name }, template: template(name) },
});

export const statefulSet = (namespace: string, name: string, replicas: number, { parallel = false, retention = 'Retain' }: { parallel?: boolean; retention?: string } = {}): StatefulSet => {
  const { metadata, spec } = template(name);
  return {
    ...meta(namespace, name),
    spec: {
      replicas, serviceName: name, selector: selector(name), podManagementPolicy: parallel ? 'Parallel' : 'OrderedReady',
      persistentVolumeClaimRetentionPolicy: { whenDeleted: retention, whenScaled: retention },
      template: { metadata, spec: { ...spec, containers: (spec?.containers ?? []).map((one) => ({ ...one, volumeMounts: [{ name: 'data', mountPath: '/data' }] })) } },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: quantity('1Mi') } } } }],
    },
  };
};

/** Without claims, so that its pods may go to another node. */
export function wanderingSet(namespace: string, name: string, replicas: number): StatefulSet {
  const { volumeClaimTemplates: _claims, ...spec } = statefulSet(namespace, name, replicas, { parallel: true }).spec ?? {};
  return { ...meta(namespace, name), spec: { ...spec, template: template(name) } };
}

export const daemonSet = (namespace: string, name: string, surge = false): DaemonSet => ({
  ...meta(namespace, name),
  spec: {
    selector: selector(name), template: template(name),
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: intOrString(surge ? 1 : 0), maxUnavailable: intOrString(surge ? 0 : 1) } },
  },
});

const jobSpec = (name: string, over: JobSpec): JobSpec => {
  const { metadata, spec } = template(name, work);
  return { completions: 4, parallelism: 2, backoffLimit: 50, ...over, template: { metadata, spec: { ...spec, restartPolicy: 'Never' } } };
};

export const job = (namespace: string, name: string, indexed: boolean): Job => ({ ...meta(namespace, name), spec: jobSpec(name, { completionMode: indexed ? 'Indexed' : 'NonIndexed' }) });

export const cronJob = (namespace: string, name: string, concurrencyPolicy: string): CronJob => ({
  ...meta(namespace, name),
  spec: { schedule: '* * * * *', concurrencyPolicy, startingDeadlineSeconds: 50, jobTemplate: { spec: jobSpec(name, { completions: 1, parallelism: 1 }) } },
});

export const budget = (namespace: string, name: string, minAvailable: number): PodDisruptionBudget => ({ ...meta(namespace, name), spec: { minAvailable: intOrString(minAvailable), selector: selector(name) } });

export const quota = (namespace: string, pods: number): ResourceQuota => ({ metadata: { namespace, name: 'limit' }, spec: { hard: { pods: quantity(String(pods)) } } });

export const service = (namespace: string, name: string): Service => ({ ...meta(namespace, name), spec: { selector: { app: name }, ports: [{ port: 80 }] } });
