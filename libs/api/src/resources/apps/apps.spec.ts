import type { ControllerRevision, DaemonSet, DaemonSetSpec, Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec, StatefulSet, StatefulSetSpec } from '@navarch/proto/k8s/io/api/apps/v1/apps';

import { intOrString } from '../../scalars/int-or-string';
import { cells, created, refused, statusRefused, updated } from '../../testing/kind-tools';
import { controllerRevisions } from './controllerrevisions';
import { daemonSets } from './daemonsets';
import { deployments } from './deployments';
import { replicaSets } from './replicasets';
import { statefulSets } from './statefulsets';

const selector = { matchLabels: { app: 'web' } };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'main', image: 'web:1' }] } };
const deployment = (spec: DeploymentSpec = {}): Deployment => ({ spec: { selector, template, ...spec } });
const replicaSet = (spec: ReplicaSetSpec = {}): ReplicaSet => ({ spec: { selector, template, ...spec } });
const daemonSet = (spec: DaemonSetSpec = {}): DaemonSet => ({ spec: { selector, template, ...spec } });
const statefulSet = (spec: StatefulSetSpec = {}): StatefulSet => ({ spec: { selector, template, ...spec } });
const percent = intOrString;

describe('deployments', () => {
  it('have Kubernetes’ defaults', () => {
    const { spec, metadata } = created(deployments, deployment());
    expect(spec).toMatchObject({
      replicas: 1, revisionHistoryLimit: 10, progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: percent('25%'), maxSurge: percent('25%') } },
      template: { spec: { restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler', securityContext: {} } },
    });
    expect(metadata?.generation).toBe(1);
    expect(created(deployments, deployment({ strategy: { type: 'Recreate' }, replicas: 0 })).spec).toMatchObject({ replicas: 0, strategy: { type: 'Recreate' } });
    expect(created(deployments, deployment({ strategy: { type: 'Recreate' } })).spec?.strategy?.rollingUpdate).toBeUndefined();
  });

  it.each<[string, DeploymentSpec, string[]]>([
    ['no selector', { selector: undefined }, ['spec.selector: Required value', 'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    ['an empty selector', { selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for deployment']],
    ['a selector for other pods', { selector: { matchLabels: { app: 'db' } } }, ['spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`']],
    ['a size below zero', { replicas: -1 }, ['spec.replicas: Invalid value: -1: must be greater than or equal to 0']],
    ['pods that end', { template: { ...template, spec: { ...template.spec, restartPolicy: 'Never', activeDeadlineSeconds: 5 } } }, [
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      'spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in ReplicaSet is not Supported',
    ]],
    ['a broken pod', { template: { ...template, spec: { containers: [{ name: 'main' }] } } }, ['spec.template.spec.containers[0].image: Required value']],
    ['an unknown strategy', { strategy: { type: 'Magic' } }, ['spec.strategy: Unsupported value: "Magic": supported values: "Recreate", "RollingUpdate"']],
    ['two strategies', { strategy: { type: 'Recreate', rollingUpdate: {} } }, ["spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"]],
    ['a rollout that cannot move', { strategy: { rollingUpdate: { maxSurge: percent(0), maxUnavailable: percent('0%') } } }, ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0']],
    ['more than all', { strategy: { rollingUpdate: { maxUnavailable: percent('101%') } } }, ['spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%']],
    ['no percentage', { strategy: { rollingUpdate: { maxSurge: percent('a lot') } } }, [
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: \"a lot\": a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ]],
    ['a deadline before readiness', { minReadySeconds: 600 }, ['spec.progressDeadlineSeconds: Invalid value: 600: must be greater than minReadySeconds']],
    ['negative numbers', { minReadySeconds: -1, revisionHistoryLimit: -1 }, [
      'spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0', 'spec.revisionHistoryLimit: Invalid value: -1: must be greater than or equal to 0',
    ]],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(deployments, deployment(spec))).toEqual(complaints);
  });

  it('keep their selector', () => {
    const labels = { app: 'web', tier: 'front' };
    const before = created(deployments, deployment({ template: { ...template, metadata: { labels } } }));
    const { errors } = updated(deployments, before, ({ spec }) => Object.assign(spec as object, { selector: { matchLabels: labels } }));
    expect(errors).toEqual(['spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable']);
  });

  it('count as new when spec or annotations change, not when labels do', () => {
    const before = created(deployments, deployment());
    const generation = (change: (object: Deployment) => void): number | undefined => updated(deployments, before, change).next.metadata?.generation;
    expect(generation(({ spec }) => void ((spec as DeploymentSpec).replicas = 2))).toBe(2);
    expect(generation((object) => void (object.metadata = { ...object.metadata, annotations: { a: 'b' } }))).toBe(2);
    expect(generation((object) => void (object.metadata = { ...object.metadata, labels: { a: 'b' } }))).toBe(1);
  });

  it('tell a status that adds up', () => {
    const before: Deployment = { ...created(deployments, deployment()), status: { collisionCount: 2 } };
    expect(statusRefused(deployments, before, { replicas: 1, updatedReplicas: 2, readyReplicas: 0, availableReplicas: 1, unavailableReplicas: -1, collisionCount: 1 })).toEqual([
      'status.unavailableReplicas: Invalid value: -1: must be greater than or equal to 0', 'status.updatedReplicas: Invalid value: 2: cannot be greater than status.replicas',
      'status.availableReplicas: Invalid value: 1: cannot be greater than readyReplicas', 'status.collisionCount: Invalid value: 1: cannot be decremented',
    ]);
    expect(statusRefused(deployments, before, { replicas: 2, readyReplicas: 2, availableReplicas: 1, collisionCount: 3 })).toEqual([]);
  });

  it('print what Kubernetes prints', () => {
    const object: Deployment = { ...created(deployments, deployment({ replicas: 3 })), status: { readyReplicas: 2, updatedReplicas: 3, availableReplicas: 1 } };
    expect(cells(deployments, object)).toEqual({ Name: 'x', Ready: '2/3', 'Up-to-date': 3, Available: 1, Age: '<unknown>', Containers: 'main', Images: 'web:1', Selector: 'app=web' });
  });

  it('scale by their replicas', () => {
    const object: Deployment = { ...created(deployments, deployment()), status: { replicas: 4 } };
    expect(deployments.scale?.read(object)).toMatchObject({ metadata: { name: 'x', uid: 'u1' }, spec: { replicas: 1 }, status: { replicas: 4, selector: 'app=web' } });
    expect(deployments.scale?.write(object, 0).spec?.replicas).toBe(0);
    expect(object.spec?.replicas).toBe(1);
  });
});

describe('replica sets', () => {
  it('have one pod unless told otherwise, and keep their selector', () => {
    const before = created(replicaSets, replicaSet());
    expect(before.spec?.replicas).toBe(1);
    expect(refused(replicaSets, replicaSet({ selector: {} }))).toEqual(['spec.selector: Invalid value: {}: empty selector is invalid for deployment']);
    const { errors, next } = updated(replicaSets, before, ({ spec }) => Object.assign(spec as object, { selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }));
    expect(errors).toEqual(['spec.selector: Invalid value: {"matchExpressions":[{"key":"app","operator":"Exists"}]}: field is immutable']);
    expect(next.metadata?.generation).toBe(2);
  });

  it('print counts, and are found by them', () => {
    const object: ReplicaSet = { ...created(replicaSets, replicaSet({ replicas: 3 })), status: { replicas: 2, readyReplicas: 1 } };
    expect(cells(replicaSets, object)).toMatchObject({ Desired: 3, Current: 2, Ready: 1, Selector: 'app=web' });
    expect(replicaSets.fieldSelectors['status.replicas']?.(object)).toBe('2');
  });
});

describe('daemon sets', () => {
  it('have Kubernetes’ defaults', () => {
    const { spec, metadata } = created(daemonSets, daemonSet());
    expect(spec).toMatchObject({ revisionHistoryLimit: 10, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: percent(1), maxSurge: percent(0) } } });
    expect(metadata?.annotations).toEqual({ 'deprecated.daemonset.template.generation': '1' });
  });

  it('count the changes of their template apart from those of their spec', () => {
    const before = created(daemonSets, daemonSet());
    const outside = updated(daemonSets, before, ({ spec }) => void ((spec as DaemonSetSpec).minReadySeconds = 5)).next;
    expect(outside.metadata).toMatchObject({ generation: 2, annotations: { 'deprecated.daemonset.template.generation': '1' } });
    const inside = updated(daemonSets, outside, (object) => {
      object.metadata = { ...object.metadata, annotations: undefined };
      object.spec = { ...object.spec, template: { ...template, spec: { containers: [{ name: 'main', image: 'web:2' }] } } };
    }).next;
    expect(inside.metadata).toMatchObject({ generation: 3, annotations: { 'deprecated.daemonset.template.generation': '2' } });
  });

  it.each<[string, DaemonSetSpec, string[]]>([
    ['an empty selector', { selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for daemonset']],
    ['both ways of rolling', { updateStrategy: { rollingUpdate: { maxSurge: percent(1) } } }, ['spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: may not be set when maxUnavailable is non-zero']],
    ['neither', { updateStrategy: { rollingUpdate: { maxUnavailable: percent(0) } } }, ['spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0']],
    ['an unknown strategy', { updateStrategy: { type: 'Magic' } }, ['spec.updateStrategy: Unsupported value: "Magic": supported values: "RollingUpdate", "OnDelete"']],
    ['pods that end', { template: { ...template, spec: { ...template.spec, activeDeadlineSeconds: 5 } } }, ['spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in DaemonSet is not Supported']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(daemonSets, daemonSet(spec))).toEqual(complaints);
  });

  it('print how many nodes run them', () => {
    const object: DaemonSet = { ...created(daemonSets, daemonSet()), status: { desiredNumberScheduled: 3, currentNumberScheduled: 2, numberReady: 1 } };
    expect(cells(daemonSets, object)).toMatchObject({ Desired: 3, Current: 2, Ready: 1, 'Up-to-date': 0, Available: 0, 'Node Selector': '<none>' });
  });
});

describe('stateful sets', () => {
  it('have Kubernetes’ defaults, also in their claims', () => {
    const { spec } = created(statefulSets, statefulSet({ volumeClaimTemplates: [{ metadata: { name: 'data' } }] }));
    expect(spec).toMatchObject({
      replicas: 1, revisionHistoryLimit: 10, podManagementPolicy: 'OrderedReady', updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      volumeClaimTemplates: [{ metadata: { name: 'data' }, spec: { volumeMode: 'Filesystem' }, status: { phase: 'Pending' } }],
    });
  });

  it('mount their claims as volumes', () => {
    const mounted = { ...template, spec: { containers: [{ name: 'main', image: 'web:1', volumeMounts: [{ name: 'data', mountPath: '/data' }] }] } };
    expect(refused(statefulSets, statefulSet({ template: mounted, volumeClaimTemplates: [{ metadata: { name: 'data' } }] }))).toEqual([]);
    expect(refused(statefulSets, statefulSet({ template: mounted }))).toEqual(['spec.template.spec.containers[0].volumeMounts[0].name: Not found: "data"']);
  });

  it.each<[string, StatefulSetSpec, string[]]>([
    ['an empty selector', { selector: {} }, ['spec.selector: Invalid value: {}: empty selector is invalid for statefulset']],
    ['an unknown order', { podManagementPolicy: 'Random' }, ["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"]],
    ['an unknown strategy', { updateStrategy: { type: 'Magic' } }, ["spec.updateStrategy: Invalid value: {\"type\":\"Magic\"}: must be 'RollingUpdate' or 'OnDelete'"]],
    ['a rollout on delete', { updateStrategy: { type: 'OnDelete', rollingUpdate: { partition: 1 } } }, ["spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for updateStrategy 'RollingUpdate'"]],
    ['negative numbers', { ordinals: { start: -1 }, updateStrategy: { rollingUpdate: { partition: -1, maxUnavailable: percent(0) } } }, [
      'spec.updateStrategy.rollingUpdate.partition: Invalid value: -1: must be greater than or equal to 0', 'spec.updateStrategy.rollingUpdate.maxUnavailable: Invalid value: 0: cannot be 0',
      'spec.ordinals.start: Invalid value: -1: must be greater than or equal to 0',
    ]],
    ['claims kept in an unknown way', { persistentVolumeClaimRetentionPolicy: { whenScaled: 'Burn' } }, ['spec.persistentVolumeClaimRetentionPolicy.whenScaled: Unsupported value: "Burn": supported values: "Retain", "Delete"']],
  ])('refuse %s', (_, spec, complaints) => {
    expect(refused(statefulSets, statefulSet(spec))).toEqual(complaints);
  });

  it('have names that can begin a host name', () => {
    expect(refused(statefulSets, { ...statefulSet(), metadata: { name: 'a.b' } })[0]).toContain('metadata.name: Invalid value: "a.b": a lowercase RFC 1123 label must consist of');
  });

  it('change in size, template and rollout only', () => {
    const before = created(statefulSets, statefulSet());
    const change = (spec: StatefulSetSpec): string[] => updated(statefulSets, before, (object) => void (object.spec = { ...object.spec, ...spec })).errors;
    expect(change({ replicas: 2, minReadySeconds: 3, revisionHistoryLimit: 1, ordinals: { start: 1 }, updateStrategy: { type: 'OnDelete' } })).toEqual([]);
    expect(change({ serviceName: 'other' })).toEqual([
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ]);
  });
});

describe('controller revisions', () => {
  const revision: ControllerRevision = { revision: 3, data: { raw: Buffer.from('{}') } };

  it('hold data that stays', () => {
    expect(refused(controllerRevisions, { revision: -1 })).toEqual(['data: Required value: data is mandatory', 'revision: Invalid value: -1: must be greater than or equal to 0']);
    const { errors } = updated(controllerRevisions, created(controllerRevisions, revision), (object) => void (object.data = { raw: Buffer.from('{"a":1}') }));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^data: Invalid value: .*: field is immutable$/);
    expect(updated(controllerRevisions, created(controllerRevisions, revision), (object) => void (object.revision = 4)).errors).toEqual([]);
  });

  it('are the same data in whatever way somebody arranges it', () => {
    const kept = created(controllerRevisions, { ...revision, data: { raw: Buffer.from('{"a":"\\u0026","b":1}') } });
    expect(updated(controllerRevisions, kept, (object) => void (object.data = { raw: Buffer.from('{"b":1,"a":"&"}') })).errors).toEqual([]);
    expect(updated(controllerRevisions, kept, (object) => void (object.data = { raw: Buffer.from('{"b":1,"a":"<"}') })).errors).toHaveLength(1);
  });

  it('print whose they are', () => {
    const owner = { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'web', uid: 'u', controller: true };
    expect(cells(controllerRevisions, { ...revision, metadata: { name: 'web-1', ownerReferences: [owner] } })).toMatchObject({ Controller: 'statefulset.apps/web', Revision: 3 });
    expect(cells(controllerRevisions, { metadata: {} })).toMatchObject({ Controller: '<none>', Revision: 0 });
  });
});
