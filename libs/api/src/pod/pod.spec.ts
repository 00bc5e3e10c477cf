import type { Deployment } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { Container, ContainerStatus, Node, Pod, PodSpec, Taint, Toleration } from '@navarch/proto/k8s/io/api/core/v1/core';

import { findCondition, isConditionTrue, setCondition } from '../meta/conditions';
import { controllerOf, ownerReference } from '../meta/owner-reference';
import { deployments } from '../resources/apps/deployments';
import { pods } from '../resources/core/pods';
import { quantity } from '../scalars/quantity';
import { defaultPullPolicy } from './defaults';
import { matchesNodeOf, matchesNodeSelectorTerm } from './node-affinity';
import { qosClassOf } from './qos';
import { podLimits, podRequests, type ResourceList } from './requests';
import { isPodReady, podSummary } from './status-text';
import { findUntoleratedTaint, tolerates, withDefaultTolerations } from './taints';

function amounts(list: Record<string, string>): ResourceList {
  return Object.fromEntries(Object.entries(list).map(([name, text]) => [name, quantity(text)]));
}

function container(name: string, requests: Record<string, string>, rest: Partial<Container> = {}): Container {
  return { name, image: 'i', resources: { requests: amounts(requests) }, ...rest };
}

const texts = (list: ResourceList): Record<string, string | undefined> => Object.fromEntries(Object.entries(list).map(([name, { string }]) => [name, string]));

describe('what a pod requests', () => {
  const sidecar: Partial<Container> = { restartPolicy: 'Always' };
  it.each<[string, PodSpec, Record<string, string>]>([
    ['nothing', {}, {}],
    ['the sum of its containers', { containers: [container('a', { cpu: '100m', memory: '1Gi' }), container('b', { cpu: '200m' })] }, { cpu: '300m', memory: '1Gi' }],
    ['the greatest init container when that is more', { containers: [container('a', { cpu: '100m' })], initContainers: [container('i', { cpu: '1' }), container('j', { memory: '1Mi' })] }, { cpu: '1', memory: '1Mi' }],
    ['sidecars beside the containers', { containers: [container('a', { cpu: '100m' })], initContainers: [container('s', { cpu: '50m' }, sidecar)] }, { cpu: '150m' }],
    ['an init container beside the sidecars before it', { containers: [container('a', { cpu: '100m' })], initContainers: [container('s', { cpu: '50m' }, sidecar), container('i', { cpu: '1' }), container('t', { cpu: '10m' }, sidecar)] }, { cpu: '1050m' }],
    ['overhead on top', { containers: [container('a', { cpu: '100m' })], overhead: amounts({ cpu: '10m', memory: '1Mi' }) }, { cpu: '110m', memory: '1Mi' }],
    ['what stands at the pod, for what it names', { containers: [container('a', { cpu: '100m', memory: '1Mi' })], resources: { requests: amounts({ cpu: '2' }) } }, { cpu: '2', memory: '1Mi' }],
  ])('is %s', (_name, spec, expected) => {
    expect(texts(podRequests(spec))).toEqual(expected);
  });

  it('limits follow the same rule; overhead only where there is a limit', () => {
    const spec: PodSpec = { containers: [{ resources: { limits: amounts({ cpu: '1' }) } }, { resources: { limits: amounts({ cpu: '1' }) } }], overhead: amounts({ cpu: '1', memory: '1Mi' }) };
    expect(texts(podLimits(spec))).toEqual({ cpu: '3' });
  });

  it.each<[string, PodSpec, string]>([
    ['BestEffort', { containers: [container('a', {})] }, 'BestEffort'], ['zero requests', { containers: [container('a', { cpu: '0' })] }, 'BestEffort'], ['some requests', { containers: [container('a', { cpu: '1' })] }, 'Burstable'],
    ['limits everywhere', { containers: [{ resources: { limits: amounts({ cpu: '1', memory: '1Mi' }) } }] }, 'Guaranteed'],
    ['limits above requests', { containers: [{ resources: { limits: amounts({ cpu: '2', memory: '1Mi' }), requests: amounts({ cpu: '1' }) } }] }, 'Burstable'],
    ['one container without limits', { containers: [{ resources: { limits: amounts({ cpu: '1', memory: '1Mi' }) } }, { name: 'b' }] }, 'Burstable'],
  ])('quality of service: %s', (_name, spec, expected) => {
    expect(qosClassOf(spec)).toBe(expected);
  });
});

describe('taints and tolerations', () => {
  const taint: Taint = { key: 'gpu', value: 'yes', effect: 'NoSchedule' };
  it.each<[Toleration, boolean]>([
    [{ key: 'gpu', value: 'yes' }, true], [{ key: 'gpu', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }, true], [{ key: 'gpu', operator: 'Equal', value: 'no' }, false], [{ key: 'gpu', operator: 'Exists' }, true],
    [{ operator: 'Exists' }, true], [{ operator: 'Exists', effect: 'NoExecute' }, false], [{ key: 'cpu', operator: 'Exists' }, false], [{ key: 'gpu', operator: 'Like' }, false],
  ])('%j tolerates: %p', (toleration, expected) => {
    expect(tolerates(toleration, taint)).toBe(expected);
  });

  it('numbers compare: the taint is below or above what the toleration names', () => {
    const level: Taint = { key: 'level', value: '5', effect: 'NoExecute' };
    expect(tolerates({ key: 'level', operator: 'Lt', value: '10' }, level)).toBe(true);
    expect(tolerates({ key: 'level', operator: 'Gt', value: '10' }, level)).toBe(false);
    expect(tolerates({ key: 'level', operator: 'Gt', value: 'x' }, level)).toBe(false);
  });

  it('finds the first taint that nothing accepts, among the effects asked for', () => {
    expect(findUntoleratedTaint([taint, { key: 'a', effect: 'NoExecute' }], [{ key: 'gpu', operator: 'Exists' }], ['NoSchedule', 'NoExecute'])?.key).toBe('a');
    expect(findUntoleratedTaint([taint], undefined, ['NoExecute'])).toBeUndefined();
  });

  it('admission adds the two tolerations of a failed node unless the pod says something of its own', () => {
    expect(withDefaultTolerations(undefined).map(({ key, tolerationSeconds }) => [key, tolerationSeconds])).toEqual([['node.kubernetes.io/not-ready', 300], ['node.kubernetes.io/unreachable', 300]]);
    expect(withDefaultTolerations([{ operator: 'Exists' }])).toEqual([{ operator: 'Exists' }]);
    expect(withDefaultTolerations([{ key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute' }])).toHaveLength(2);
  });
});

describe('node selection', () => {
  const node: Node = { metadata: { name: 'n1', labels: { zone: 'a', cores: '8' } } };
  it.each<[Parameters<typeof matchesNodeSelectorTerm>[0], boolean]>([
    [{}, false], [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', 'b'] }] }, true], [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['a'] }] }, false],
    [{ matchExpressions: [{ key: 'x', operator: 'NotIn', values: ['a'] }] }, true], [{ matchExpressions: [{ key: 'cores', operator: 'Gt', values: ['4'] }] }, true], [{ matchExpressions: [{ key: 'cores', operator: 'Lt', values: ['8'] }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'Gt', values: ['4'] }] }, false], [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n1'] }] }, true], [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['n2'] }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }, { key: 'x', operator: 'Exists' }] }, false], [{ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, false], [{ matchExpressions: [{ key: 'x', operator: 'Bad' }] }, false],
  ])('%j matches: %p', (term, expected) => {
    expect(matchesNodeSelectorTerm(term, node)).toBe(expected);
  });

  it('a pod asks with nodeSelector and affinity, both', () => {
    const affinity = { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [{ key: 'x', operator: 'Exists' }] }, { matchExpressions: [{ key: 'zone', operator: 'Exists' }] }] } } };
    expect(matchesNodeOf({}, node)).toBe(true);
    expect(matchesNodeOf({ nodeSelector: { zone: 'a' }, affinity }, node)).toBe(true);
    expect(matchesNodeOf({ nodeSelector: { zone: 'b' }, affinity }, node)).toBe(false);
    expect(matchesNodeOf({ affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [] } } } }, node)).toBe(false);
  });
});

describe('the status that kubectl shows', () => {
  const nowMs = 1_000_000;
  const waiting = (reason: string): ContainerStatus => ({ name: 'a', state: { waiting: { reason } } });
  const running: ContainerStatus = { name: 'a', ready: true, state: { running: {} } };
  const ended = (exitCode: number, reason?: string, signal?: number): ContainerStatus => ({ name: 'a', state: { terminated: { exitCode, reason, signal } } });
  const spec: PodSpec = { containers: [{ name: 'a' }] };
  it.each<[string, Pod]>([
    ['Pending', { spec, status: { phase: 'Pending' } }],
    ['SchedulingGated', { spec, status: { phase: 'Pending', conditions: [{ type: 'PodScheduled', status: 'False', reason: 'SchedulingGated' }] } }],
    ['Evicted', { spec, status: { phase: 'Failed', reason: 'Evicted' } }],
    ['ImagePullBackOff', { spec, status: { phase: 'Pending', containerStatuses: [waiting('ImagePullBackOff')] } }],
    ['CrashLoopBackOff', { spec, status: { phase: 'Running', containerStatuses: [waiting('CrashLoopBackOff')] } }],
    ['Completed', { spec, status: { phase: 'Succeeded', containerStatuses: [ended(0, 'Completed')] } }],
    ['Error', { spec, status: { phase: 'Failed', containerStatuses: [ended(1, 'Error')] } }],
    ['ExitCode:3', { spec, status: { phase: 'Failed', containerStatuses: [ended(3)] } }],
    ['Signal:9', { spec, status: { phase: 'Failed', containerStatuses: [ended(137, undefined, 9)] } }],
    ['OOMKilled', { spec, status: { phase: 'Failed', containerStatuses: [ended(137, 'OOMKilled')] } }],
    ['Running', { spec, status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], containerStatuses: [ended(0, 'Completed'), running] } }],
    ['NotReady', { spec, status: { phase: 'Running', containerStatuses: [ended(0, 'Completed'), running] } }],
    ['Init:0/2', { spec: { ...spec, initContainers: [{ name: 'i' }, { name: 'j' }] }, status: { phase: 'Pending', initContainerStatuses: [{ name: 'i', state: { running: {} } }] } }],
    ['Init:1/2', { spec: { ...spec, initContainers: [{ name: 'i' }, { name: 'j' }] }, status: { phase: 'Pending', initContainerStatuses: [{ ...ended(0), name: 'i' }, { name: 'j', state: { waiting: { reason: 'PodInitializing' } } }] } }],
    ['Init:Error', { spec: { ...spec, initContainers: [{ name: 'a' }] }, status: { phase: 'Failed', initContainerStatuses: [ended(1, 'Error')] } }],
    ['Init:ExitCode:2', { spec: { ...spec, initContainers: [{ name: 'a' }] }, status: { phase: 'Failed', initContainerStatuses: [ended(2)] } }],
    ['Terminating', { metadata: { deletionTimestamp: { seconds: 1 } }, spec, status: { phase: 'Running', containerStatuses: [running] } }],
    ['Unknown', { metadata: { deletionTimestamp: { seconds: 1 } }, spec, status: { phase: 'Running', reason: 'NodeLost' } }],
  ])('%s', (expected, pod) => {
    expect(podSummary(pod, nowMs).status).toBe(expected);
  });

  it('counts ready containers and sidecars, and restarts with the time of the last', () => {
    const pod: Pod = {
      spec: { containers: [{ name: 'a' }, { name: 'b' }], initContainers: [{ name: 's', restartPolicy: 'Always' }] },
      status: {
        phase: 'Running',
        containerStatuses: [{ ...running, restartCount: 2, lastState: { terminated: { finishedAt: { seconds: 700 } } } }, { name: 'b' }],
        initContainerStatuses: [{ name: 's', started: true, ready: true, restartCount: 1, state: { running: {} } }],
      },
    };
    expect(podSummary(pod, nowMs)).toEqual({ ready: '2/3', status: 'Running', restarts: '3 (5m ago)' });
    expect(isPodReady(pod)).toBe(false);
  });
});

describe('defaults of a pod', () => {
  it('are those of Kubernetes', () => {
    const pod = pods.codec.fromJson({ spec: {
      hostNetwork: true, serviceAccount: 'robot',
      volumes: [{ name: 'e' }, { name: 's', secret: { secretName: 'x' } }, { name: 'h', hostPath: { path: '/x' } }, { name: 'p', projected: { sources: [{ serviceAccountToken: { path: 't' } }] } }],
      containers: [{
        name: 'a', image: 'web', ports: [{ containerPort: 80 }], resources: { limits: { cpu: '1', memory: '1500u' }, requests: { cpu: '500m' } },
        livenessProbe: { grpc: { port: 5 } }, readinessProbe: { httpGet: { port: 80 } }, env: [{ name: 'A', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }],
      }],
    } });
    pods.setDefaults(pod);
    expect(pods.codec.toJson(pod)).toMatchObject({ spec: {
      restartPolicy: 'Always', dnsPolicy: 'ClusterFirst', terminationGracePeriodSeconds: 30, schedulerName: 'default-scheduler', securityContext: {}, enableServiceLinks: true,
      serviceAccountName: 'robot', serviceAccount: 'robot',
      volumes: [{ emptyDir: {} }, { secret: { defaultMode: 420 } }, { hostPath: { type: '' } }, { projected: { defaultMode: 420, sources: [{ serviceAccountToken: { expirationSeconds: 3600 } }] } }],
      containers: [{
        terminationMessagePath: '/dev/termination-log', terminationMessagePolicy: 'File', imagePullPolicy: 'Always', ports: [{ protocol: 'TCP', hostPort: 80 }],
        resources: { requests: { cpu: '500m', memory: '2m' }, limits: { memory: '2m' } },
        livenessProbe: { grpc: { port: 5, service: '' }, timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 },
        readinessProbe: { httpGet: { path: '/', scheme: 'HTTP' } }, env: [{ valueFrom: { fieldRef: { apiVersion: 'v1' } } }],
      }],
    } });
  });

  it('limits become requests in a pod, its init containers too; a template keeps what its author wrote', () => {
    const spec = (): PodSpec => ({ initContainers: [{ name: 'i', image: 'i:1', resources: { limits: amounts({ cpu: '2' }) } }], containers: [{ name: 'a', image: 'i:1', resources: { limits: amounts({ memory: '1500u' }) } }] });
    const pod: Pod = { spec: spec() };
    pods.setDefaults(pod);
    expect([pod.spec?.initContainers, pod.spec?.containers].map((list) => list?.[0]?.resources?.requests)).toEqual([amounts({ cpu: '2' }), amounts({ memory: '2m' })]);
    const deployment: Deployment = { spec: { template: { spec: spec() } } };
    deployments.setDefaults(deployment);
    const template = deployment.spec?.template?.spec;
    expect([template?.initContainers, template?.containers].map((list) => list?.[0]?.resources)).toEqual([{ limits: amounts({ cpu: '2' }) }, { limits: amounts({ memory: '2m' }) }]);
  });

  it.each([['web', 'Always'], ['web:latest', 'Always'], ['web:1', 'IfNotPresent'], ['host:5000/web', 'Always'], ['host:5000/web:1', 'IfNotPresent'], ['web@sha256:ab', 'IfNotPresent'], ['web:latest@sha256:ab', 'Always']])('the image %s is pulled %s', (image, policy) => {
    expect(defaultPullPolicy(image)).toBe(policy);
  });

  it.each<[string, Pod, number]>([
    ['its own', { spec: { nodeName: 'n', terminationGracePeriodSeconds: 5 } }, 5], ['thirty seconds', { spec: { nodeName: 'n' } }, 30], ['none before it has a node', { spec: { terminationGracePeriodSeconds: 5 } }, 0],
    ['none once it ended', { spec: { nodeName: 'n' }, status: { phase: 'Failed' } }, 0], ['one second when negative', { spec: { nodeName: 'n', terminationGracePeriodSeconds: -1 } }, 1],
  ])('deletion grants %s', (_name, pod, seconds) => {
    expect(pods.gracePeriodSeconds?.(pod)).toBe(seconds);
  });
});

describe('conditions and owners', () => {
  it('the transition time moves with the status only', () => {
    const first = setCondition(undefined, { type: 'Ready', status: 'False' }, 1000);
    const same = setCondition(first, { type: 'Ready', status: 'False' }, 5000);
    expect(same).toBe(first);
    const reworded = setCondition(first, { type: 'Ready', status: 'False', reason: 'X' } as { type: string; status: string }, 5000);
    expect(reworded).toEqual([{ type: 'Ready', status: 'False', reason: 'X', lastTransitionTime: { seconds: 1 } }]);
    const changed = setCondition([...first, { type: 'Other', status: 'True' }], { type: 'Ready', status: 'True' }, 9000);
    expect(changed).toEqual([{ type: 'Ready', status: 'True', lastTransitionTime: { seconds: 9 } }, { type: 'Other', status: 'True' }]);
    expect(first).toEqual([{ type: 'Ready', status: 'False', lastTransitionTime: { seconds: 1 } }]);
    expect(findCondition(changed, 'Other')?.status).toBe('True');
    expect(isConditionTrue(undefined, 'Ready')).toBe(false);
  });

  it('an owner is named with its version and found again as the controller', () => {
    const owner = ownerReference({ group: 'apps', version: 'v1', kind: 'ReplicaSet' }, { metadata: { name: 'a', uid: '1' } });
    expect(owner).toEqual({ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: '1', controller: true, blockOwnerDeletion: true });
    expect(controllerOf({ metadata: { ownerReferences: [{ name: 'b' }, owner] } })).toBe(owner);
  });
});
