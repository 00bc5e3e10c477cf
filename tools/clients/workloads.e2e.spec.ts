/** Workloads on real nodes, driven by unmodified kubectl: they roll out, scale, run to their end, make way, and go without leaving anything. */
import { stringify } from 'yaml';

import { run } from '../../apps/cluster/src/host/exec';
import { signalProcess } from '../../apps/cluster/src/host/proc';
import { eventually, processStatus, staying } from '../../apps/cluster/src/testing/local-cluster';
import { assembleTrace, type TraceNode } from '../../apps/cluster/src/trace/assemble';
import { readTrace, spanFilesIn } from '../../apps/cluster/src/trace/span-files';
import { createClientsCluster, type Client } from './clients-cluster';
import { kubectl, type ClientVersion } from './kubectl';

const cluster = createClientsCluster('workloads');
const image = 'navarch.local/busybox:1';
const wait = '--timeout=60s';

/** Its script has characters that Go escapes in JSON and others do not. */
const template = (app: string, { script = `test 1 -lt 2 && ${staying}`, ...more }: { script?: string } & Record<string, unknown> = {}): object => ({
  metadata: { labels: { app } },
  spec: { terminationGracePeriodSeconds: 1, containers: [{ name: 'main', image, command: ['sh', '-c', script], ...more }] },
});

const withSpec = (pods: object, more: object): object => ({ ...pods, spec: { ...(pods as { spec: object }).spec, ...more } });

const workload = (kind: string, name: string, spec: object, pods = template(name), annotations = {}): string =>
  stringify({ apiVersion: 'apps/v1', kind, metadata: { name, annotations }, spec: { selector: { matchLabels: { app: name } }, template: pods, ...spec } });

// A silent node is given up after 20 s instead of 40.
beforeAll(() => cluster.up({ NAVARCH_NODE_MONITOR_GRACE_PERIOD: '20s' }), 180_000);
afterAll(() => cluster.down(), 60_000);
jest.setTimeout(90_000);

interface Kubectl {
  readonly ok: Client['ok'];
  refused(args: readonly string[], input?: string): Promise<string>;
  apply(...manifests: readonly string[]): Promise<string>;
  /** One field of an object, or one of each in a list. */
  field(args: readonly string[], path: string): Promise<string>;
  podsOf(app: string): Promise<string[]>;
}

/** The work is shared between both versions of kubectl; rolling out is asked of both. */
async function inNamespace(name: string, version: ClientVersion = 'v35'): Promise<Kubectl> {
  const client = cluster.client(name, kubectl(version));
  const ok: Client['ok'] = (...args) => client.ok(...args);
  await ok(['create', 'namespace', name]);
  await ok(['config', 'set-context', '--current', `--namespace=${name}`]);
  await ok(['wait', '--for=create', 'serviceaccount/default', wait]);
  const field = (args: readonly string[], path: string): Promise<string> => ok(['get', ...args, '-o', `jsonpath=${path}`]);
  return {
    ok, field,
    refused: async (args, input) => {
      const { code, stderr } = await client.run(args, input);
      expect(code).toBe(1);
      return stderr;
    },
    apply: (...manifests) => ok(['apply', '-f', '-'], manifests.join('---\n')),
    // Without those that are on their way out: a rollout is complete before its last old pod is gone.
    podsOf: async (app) => (await ok(['get', 'pods', '-l', `app=${app}`, '--sort-by=.metadata.name', '-o', 'go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\\n"}}{{end}}{{end}}'])).split('\n').filter(Boolean),
  };
}

describe('a Deployment', () => {
  let k: Kubectl;
  const target = 'deployment/web';
  const rolledOut = (): Promise<string> => k.ok(['rollout', 'status', target, wait]);
  const inTemplate = (path: string): Promise<string> => k.field([target], `{.spec.template.spec.containers[0]${path}}`);

  beforeAll(async () => {
    k = await inNamespace('deployment');
    await k.apply(workload('Deployment', 'web', { replicas: 3 }));
  });

  it('rollout status follows it to its end, and all its pods run', async () => {
    expect(await rolledOut()).toContain('deployment "web" successfully rolled out');
    expect(await k.ok(['get', target])).toMatch(/^web +3\/3 +3 +3 /m);
    expect(await k.ok(['get', 'replicasets', '-o', 'wide'])).toMatch(/^web-\w+ +3 +3 +3 .* app=web,pod-template-hash=\w+$/m);
    expect(await k.podsOf('web')).toHaveLength(3);
  });

  it('a new template rolls out step by step: set env, image and resources; annotations become the history', async () => {
    await k.ok(['set', 'env', target, 'COLOUR=green']);
    await k.ok(['annotate', target, 'kubernetes.io/change-cause=green']);
    expect(await rolledOut()).toMatch(/Waiting for deployment "web" rollout to finish: [\s\S]*successfully rolled out/);
    for (const pod of await k.podsOf('web')) expect(await k.ok(['exec', pod, '--', 'sh', '-c', 'echo $COLOUR'])).toBe('green\n');
    await k.ok(['set', 'resources', target, '--limits=memory=64Mi', '--requests=memory=16Mi']);
    await k.ok(['set', 'image', target, 'main=navarch.local/busybox:1']);
    await rolledOut();
    expect(await inTemplate('.resources')).toBe('{"limits":{"memory":"64Mi"},"requests":{"memory":"16Mi"}}');
    expect(await k.ok(['rollout', 'history', target])).toMatch(/REVISION +CHANGE-CAUSE\n1 +<none>\n2 +green\n3 +green\n/);
    expect(await k.ok(['rollout', 'history', target, '--revision=2'])).toContain('COLOUR:\tgreen');
  });

  it('undo goes back to the revision before, or to a named one', async () => {
    expect(await k.ok(['rollout', 'undo', target])).toContain('rolled back');
    await rolledOut();
    expect(await inTemplate('.resources')).toBe('{}');
    await k.ok(['rollout', 'undo', target, '--to-revision=1']);
    await rolledOut();
    expect(await inTemplate('.env')).toBe('');
    expect(await k.ok(['rollout', 'history', target])).toMatch(/3 +green\n4 +.*\n5 +/);
    expect(await k.refused(['rollout', 'undo', target, '--to-revision=99'])).toContain('unable to find specified revision 99');
  });

  it('restart replaces every pod', async () => {
    const before = await k.podsOf('web');
    await k.ok(['rollout', 'restart', target]);
    await rolledOut();
    await k.ok(['wait', '--for=delete', ...before.map((name) => `pod/${name}`), wait]);
    expect((await k.podsOf('web')).filter((name) => before.includes(name))).toEqual([]);
  });

  it('what is changed while it is paused rolls out when it is resumed', async () => {
    await k.ok(['rollout', 'pause', target]);
    await k.ok(['set', 'env', target, 'LATER=1']);
    const generation = await k.field([target], '{.metadata.generation}');
    await k.ok(['wait', `--for=jsonpath={.status.observedGeneration}=${generation}`, target, wait]);
    expect(await k.field([target], '{.status.conditions[?(@.type=="Progressing")].reason} {.status.updatedReplicas}')).toBe('DeploymentPaused ');
    expect(await k.refused(['rollout', 'restart', target])).toContain("can't restart paused deployment");
    await k.ok(['rollout', 'resume', target]);
    await rolledOut();
    expect(await k.ok(['exec', (await k.podsOf('web')).at(-1) ?? '', '--', 'sh', '-c', 'echo $LATER'])).toBe('1\n');
  });

  it('scale goes up, down, not from a size it has not, and to nothing', async () => {
    await k.ok(['scale', target, '--replicas=5']);
    await rolledOut();
    expect(await k.refused(['scale', target, '--current-replicas=3', '--replicas=1'])).toMatch(/[Ee]xpected replicas to be 3, was 5/);
    await k.ok(['scale', target, '--replicas=0']);
    await k.ok(['wait', '--for=delete', 'pod', '-l', 'app=web', wait]);
    expect(await k.ok(['get', target])).toMatch(/^web +0\/0 +0 +0 /m);
  });

  it('one that cannot become ready says so when its deadline is over, keeps the old pods, and comes back by undo', async () => {
    await k.apply(workload('Deployment', 'broken', { replicas: 2, progressDeadlineSeconds: 3 }));
    await k.ok(['rollout', 'status', 'deployment/broken', wait]);
    await k.ok(['set', 'image', 'deployment/broken', 'main=navarch.local/nothing:1']);
    expect(await k.refused(['rollout', 'status', 'deployment/broken', wait])).toContain('error: deployment "broken" exceeded its progress deadline');
    expect(await k.ok(['get', 'deployment/broken'])).toMatch(/^broken +2\/2 +1 +2 /m);
    expect(await k.ok(['get', 'pods', '-l', 'app=broken'])).toMatch(/ErrImagePull|ImagePullBackOff/);
    await k.ok(['rollout', 'undo', 'deployment/broken']);
    expect(await k.ok(['rollout', 'status', 'deployment/broken', wait])).toContain('successfully rolled out');
  });

  it('expose gives it a Service, whose endpoints are its ready pods', async () => {
    expect(await k.ok(['expose', 'deployment/broken', '--port=80', '--target-port=8080', '--name=door'])).toContain('service/door exposed');
    const addresses = (await k.field(['pods', '-l', 'app=broken'], '{.items[*].status.podIP}')).split(' ').sort();
    await k.ok(['wait', '--for=jsonpath={.subsets[0].addresses[1].ip}', 'endpoints/door', wait]);
    expect((await k.field(['endpoints/door'], '{.subsets[0].addresses[*].ip}')).split(' ').sort()).toEqual(addresses);
    expect((await k.field(['endpointslices', '-l', 'kubernetes.io/service-name=door'], '{.items[*].endpoints[*].addresses[*]}')).split(' ').sort()).toEqual(addresses);
  });
});

it('a Deployment rolls out, keeps its history and is rolled back by kubectl 1.32 too', async () => {
  const k = await inNamespace('deployment-v32', 'v32');
  await k.apply(workload('Deployment', 'web', { replicas: 2 }));
  await k.ok(['rollout', 'status', 'deployment/web', wait]);
  await k.ok(['set', 'env', 'deployment/web', 'COLOUR=green']);
  expect(await k.ok(['rollout', 'status', 'deployment/web', wait])).toContain('successfully rolled out');
  expect(await k.ok(['rollout', 'history', 'deployment/web', '--revision=2'])).toMatch(/COLOUR:\s+green/);
  await k.ok(['rollout', 'undo', 'deployment/web']);
  expect(await k.ok(['rollout', 'status', 'deployment/web', wait])).toContain('successfully rolled out');
  expect(await k.field(['deployment/web'], '{.spec.template.spec.containers[0].env}')).toBe('');
});

describe('a StatefulSet', () => {
  let k: Kubectl;
  const target = 'statefulset/db';
  const rolledOut = (): Promise<string> => k.ok(['rollout', 'status', target, wait]);
  const data = (pod: string): Promise<string> => k.ok(['exec', pod, '--', 'cat', '/data/log']);

  beforeAll(async () => {
    k = await inNamespace('statefulset', 'v32');
    const pods = template('db', { script: `echo "$HOSTNAME $COLOUR" >> /data/log && ${staying}`, volumeMounts: [{ name: 'data', mountPath: '/data' }] });
    const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } }];
    await k.apply(workload('StatefulSet', 'db', { replicas: 3, serviceName: 'db', volumeClaimTemplates, persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Delete', whenScaled: 'Retain' } }, pods));
    await rolledOut();
  });

  it('makes its pods in order, each with its own name and claim', async () => {
    expect(await k.podsOf('db')).toEqual(['db-0', 'db-1', 'db-2']);
    const [readyTimes, created] = await Promise.all(['{.items[*].status.conditions[?(@.type=="Ready")].lastTransitionTime}', '{.items[*].metadata.creationTimestamp}'].map((path) => k.field(['pods', '-l', 'app=db'], path)));
    const [first = '', second = ''] = (readyTimes ?? '').split(' ');
    expect((created ?? '').split(' ').slice(1).map((time, index) => time >= ([first, second][index] ?? ''))).toEqual([true, true]);
    expect(await k.field(['pvc'], '{.items[*].metadata.name} {.items[*].status.phase}')).toBe('data-db-0 data-db-1 data-db-2 Bound Bound Bound');
    expect(await data('db-1')).toBe('db-1 \n');
  });

  it('a pod that is deleted comes back under its name, with its data', async () => {
    const uid = await k.field(['pod/db-1'], '{.metadata.uid}');
    await k.ok(['delete', 'pod', 'db-1']);
    await k.ok(['wait', '--for=create', 'pod/db-1', wait]);
    await k.ok(['wait', '--for=condition=Ready', 'pod/db-1', wait]);
    expect(await k.field(['pod/db-1'], '{.metadata.uid}')).not.toBe(uid);
    expect(await data('db-1')).toBe('db-1 \ndb-1 \n');
  });

  it('a new template replaces the pods from the last to the first; history and undo work', async () => {
    await k.ok(['set', 'env', target, 'COLOUR=green']);
    expect(await rolledOut()).toContain('Waiting for partitioned roll out to finish');
    await k.ok(['wait', '--for=jsonpath={.status.currentRevision}=' + await k.field([target], '{.status.updateRevision}'), target, wait]);
    expect(await data('db-0')).toBe('db-0 \ndb-0 green\n');
    expect(await k.ok(['rollout', 'history', target])).toMatch(/1 +<none>\n2 +<none>\n/);
    expect(await k.ok(['rollout', 'undo', target])).toContain('rolled back');
    await rolledOut();
    expect(await k.field([target], '{.spec.template.spec.containers[0].env}')).toBe('');
    expect(await data('db-2')).toMatch(/db-2 green\ndb-2 \n$/);
  });

  it('scaled down the last go first, and their claims stay for their return; deleted, it takes the claims along', async () => {
    await k.ok(['scale', target, '--replicas=1']);
    await k.ok(['wait', '--for=delete', 'pod/db-2', 'pod/db-1', wait]);
    expect(await k.podsOf('db')).toEqual(['db-0']);
    expect(await k.field(['pvc'], '{.items[*].metadata.name}')).toBe('data-db-0 data-db-1 data-db-2');
    await k.ok(['scale', target, '--replicas=2']);
    await rolledOut();
    expect((await data('db-1')).split('\n').length).toBeGreaterThan(2);
    await k.ok(['delete', target]);
    await k.ok(['wait', '--for=delete', 'pvc', '--all', wait]);
  });
});

describe('a DaemonSet', () => {
  let k: Kubectl;
  const target = 'daemonset/agent';
  const rolledOut = (): Promise<string> => k.ok(['rollout', 'status', target, wait]);

  beforeAll(async () => {
    k = await inNamespace('daemonset', 'v32');
    await k.apply(workload('DaemonSet', 'agent', {}));
  });

  it('has one pod on each node, and rolls node by node', async () => {
    expect(await rolledOut()).toContain('daemon set "agent" successfully rolled out');
    expect((await k.field(['pods', '-l', 'app=agent'], '{.items[*].spec.nodeName}')).split(' ').sort()).toEqual(['node-1', 'node-2']);
    await k.ok(['set', 'env', target, 'COLOUR=green']);
    expect(await rolledOut()).toMatch(/\d out of 2 new pods have been updated[\s\S]*successfully rolled out/);
    for (const pod of await k.podsOf('agent')) expect(await k.ok(['exec', pod, '--', 'sh', '-c', 'echo $COLOUR'])).toBe('green\n');
  });

  it('undo goes back, restart replaces', async () => {
    await k.ok(['rollout', 'undo', target]);
    await rolledOut();
    expect(await k.field([target], '{.spec.template.spec.containers[0].env}')).toBe('');
    const before = await k.podsOf('agent');
    await k.ok(['rollout', 'restart', target]);
    await rolledOut();
    expect((await k.podsOf('agent')).filter((name) => before.includes(name))).toEqual([]);
    expect(await k.ok(['get', target])).toMatch(/^agent +2 +2 +2 +2 +2 +<none>/m);
  });
});

describe('jobs', () => {
  let k: Kubectl;
  beforeAll(async () => { k = await inNamespace('jobs'); });

  it('run to completion, and their log is there', async () => {
    await k.ok(['create', 'job', 'once', `--image=${image}`, '--', 'echo', 'all done']);
    await k.ok(['wait', '--for=condition=Complete', 'job/once', wait]);
    expect(await k.ok(['logs', 'job/once'])).toBe('all done\n');
    expect(await k.ok(['get', 'job', 'once'])).toMatch(/^once +Complete +1\/1 /m);
  });

  it('run each of their indexes, and fail when their back-off is used up, with a reason', async () => {
    const job = (name: string, script: string, spec: object): string => stringify({
      apiVersion: 'batch/v1', kind: 'Job', metadata: { name },
      spec: { ...spec, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image, command: ['sh', '-c', script] }] } } },
    });
    await k.apply(job('each', 'echo "part $JOB_COMPLETION_INDEX"', { completionMode: 'Indexed', completions: 3, parallelism: 3 }), job('never', 'exit 3', { backoffLimit: 0 }));
    await k.ok(['wait', '--for=condition=Complete', 'job/each', wait]);
    const indexes = await k.field(['pods', '-l', 'batch.kubernetes.io/job-name=each'], '{.items[*].metadata.labels.batch\\.kubernetes\\.io/job-completion-index}');
    expect(indexes.split(' ').sort()).toEqual(['0', '1', '2']);
    expect(await k.field(['job/each'], '{.status.succeeded} {.status.completedIndexes} {.status.failed}')).toBe('3 0-2 ');
    expect((await k.ok(['logs', '-l', 'batch.kubernetes.io/job-name=each'])).split('\n').sort()).toEqual(['', 'part 0', 'part 1', 'part 2']);
    await k.ok(['wait', '--for=condition=Failed', 'job/never', wait]);
    expect(await k.field(['job/never'], '{.status.conditions[?(@.type=="Failed")].reason} {.status.failed}')).toBe('BackoffLimitExceeded 1');
  });

  it('are made from a CronJob', async () => {
    await k.ok(['create', 'cronjob', 'yearly', `--image=${image}`, '--schedule=0 0 1 1 *', '--', 'echo', 'happy new year']);
    expect(await k.ok(['get', 'cronjob'])).toMatch(/^yearly +0 0 1 1 \* +<none> +False +0 /m);
    await k.ok(['create', 'job', '--from=cronjob/yearly', 'early']);
    await k.ok(['wait', '--for=condition=Complete', 'job/early', wait]);
    expect(await k.ok(['logs', 'job/early'])).toBe('happy new year\n');
    await k.ok(['delete', 'cronjob', 'yearly']);
    await k.ok(['wait', '--for=delete', 'job/early', wait]);
  });
});

describe('limits', () => {
  let k: Kubectl;
  beforeAll(async () => { k = await inNamespace('limits', 'v32'); });

  it('of a ResourceQuota hold back what is too much, with an event and a condition that say why; a larger quota lets it go on', async () => {
    await k.ok(['create', 'quota', 'few', '--hard=pods=2']);
    await k.ok(['wait', '--for=jsonpath={.status.hard.pods}=2', 'resourcequota/few', wait]);
    await k.apply(workload('Deployment', 'web', { replicas: 3 }));
    await k.ok(['wait', '--for=condition=ReplicaFailure', 'deployment/web', wait]);
    await k.ok(['wait', '--for=jsonpath={.status.readyReplicas}=2', 'deployment/web', wait]);
    expect(await k.field(['deployment/web'], '{.status.conditions[?(@.type=="ReplicaFailure")].message}')).toMatch(/exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2/);
    await k.ok(['wait', '--for=create', 'events', '--field-selector=reason=FailedCreate', wait]);
    expect(await k.refused(['run', 'one-more', `--image=${image}`])).toMatch(/\(Forbidden\): pods "one-more" is forbidden: exceeded quota: few, requested: pods=1, used: pods=2, limited: pods=2/);
    expect(await k.ok(['describe', 'quota', 'few'])).toMatch(/pods +2 +2/);
    await k.ok(['patch', 'quota', 'few', '-p', '{"spec":{"hard":{"pods":"4"}}}']);
    await k.ok(['rollout', 'status', 'deployment/web', wait]);
  });

  it('of a LimitRange are given to those who name none, and refuse who asks for more', async () => {
    await k.ok(['create', '-f', '-'], stringify({
      apiVersion: 'v1', kind: 'LimitRange', metadata: { name: 'small' },
      spec: { limits: [{ type: 'Container', default: { memory: '32Mi' }, defaultRequest: { memory: '16Mi' }, max: { memory: '64Mi' } }] },
    }));
    await k.ok(['run', 'modest', `--image=${image}`, '--', 'sleep', '1']);
    expect(await k.field(['pod/modest'], '{.spec.containers[0].resources}')).toBe('{"limits":{"memory":"32Mi"},"requests":{"memory":"16Mi"}}');
    const greedy = JSON.stringify({ spec: { containers: [{ name: 'greedy', image, resources: { limits: { memory: '1Gi' } } }] } });
    expect(await k.refused(['run', 'greedy', `--image=${image}`, `--overrides=${greedy}`])).toContain('maximum memory usage per Container is 64Mi, but limit is 1Gi');
  });
});

describe('one trace', () => {
  it('leads from kubectl apply of a Deployment over both controllers and the scheduler to the started containers', async () => {
    const k = await inNamespace('traced');
    await k.apply(workload('Deployment', 'web', { replicas: 2 }));
    await k.ok(['rollout', 'status', 'deployment/web', wait]);
    const [id = '', other] = (await k.field(['pods', '-l', 'app=web'], '{.items[*].metadata.annotations.navarch\\.io/trace-id}')).split(' ');
    expect(other).toBe(id);
    const trace = await eventually(async () => {
      const read = assembleTrace((await readTrace(await spanFilesIn(cluster.places().spans), id)).spans);
      return read.orphans === 0 && read.nodes.filter(({ span }) => span.name === 'kubelet.ready').length === 2 ? read : undefined;
    });
    expect(trace.nodes.filter(({ depth }) => depth === 0).length).toBe(1);
    const starts = trace.nodes.filter(({ span }) => span.name === 'kubelet.start-pod').map(wayTo);
    const way = ['create deployments', 'deployment', 'create replicasets', 'replicaset', 'create pods', 'scheduler.schedule', 'scheduler.bind', 'create pods/binding', 'kubelet.start-pod'];
    expect(starts).toEqual([way, way]);
    expect(await cluster.navarch(['trace', id])).toMatch(/apiserver\.request create deployments[\s\S]*apiserver\.request create replicasets[\s\S]*kubelet\.start main/);
  });

  /** The spans from the root to this one, without calls and writes on the way: requests by what they ask for, reconciles by their controller. */
  function wayTo(node: TraceNode): string[] {
    const { name, attributes } = node.span;
    const passing = name === 'store.publish' || name.includes('/');
    const label = attributes.get('navarch.verb') ? `${attributes.get('navarch.verb')} ${attributes.get('navarch.resource')}` : attributes.get('navarch.controller') ?? name;
    return [...(node.parent ? wayTo(node.parent) : []), ...(passing ? [] : [label])];
  }
});

describe('a change of configuration', () => {
  it('rolls out a Deployment that asks for it, without an edit of its template', async () => {
    const k = await inNamespace('configuration');
    await k.ok(['create', 'configmap', 'app', '--from-literal=COLOUR=green']);
    const pods = template('web', { envFrom: [{ configMapRef: { name: 'app' } }] });
    await k.apply(workload('Deployment', 'web', { replicas: 2 }, pods, { 'navarch.io/rollout-on-config-change': 'true' }));
    await k.ok(['rollout', 'status', 'deployment/web', wait]);
    const before = await k.podsOf('web');
    const generation = await k.field(['deployment/web'], '{.metadata.generation}');
    await k.ok(['patch', 'configmap', 'app', '-p', '{"data":{"COLOUR":"blue"}}']);
    await k.ok(['wait', '--for=delete', ...before.map((name) => `pod/${name}`), wait]);
    await k.ok(['rollout', 'status', 'deployment/web', wait]);
    for (const pod of await k.podsOf('web')) expect(await k.ok(['exec', pod, '--', 'sh', '-c', 'echo $COLOUR'])).toBe('blue\n');
    expect(await k.ok(['rollout', 'history', 'deployment/web'])).toMatch(/2 +configuration changed: configmap\/app\n/);
    expect(await k.field(['deployment/web'], '{.metadata.generation}')).toBe(generation);
  });
});

describe('nodes', () => {
  let k: Kubectl;
  const nodesOf = async (app: string): Promise<string[]> => (await k.field(['pods', '-l', `app=${app}`], '{.items[*].spec.nodeName}')).split(' ').sort();
  const rolledOut = (name: string): Promise<string> => k.ok(['rollout', 'status', `deployment/${name}`, wait]);
  const spread = (app: string): object => ({ topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway', labelSelector: { matchLabels: { app } } }] });
  const drain = ['drain', 'node-1', '--ignore-daemonsets', '--force'];

  beforeAll(async () => {
    k = await inNamespace('nodes');
    const present = (await k.field(['namespaces'], '{.items[*].metadata.name}')).split(' ').filter((name) => !/^(default|kube-.*|nodes)$/.test(name));
    if (present.length > 0) await k.ok(['delete', 'namespaces', ...present, wait]);
  });

  it('cordoned, take no new pods until they are uncordoned', async () => {
    await k.ok(['cordon', 'node-1']);
    expect(await k.ok(['get', 'node', 'node-1'])).toContain('Ready,SchedulingDisabled');
    await k.apply(workload('Deployment', 'web', { replicas: 3 }));
    await rolledOut('web');
    expect(await nodesOf('web')).toEqual(['node-2', 'node-2', 'node-2']);
    await k.ok(['uncordon', 'node-1']);
    await k.ok(['delete', 'deployment', 'web', '--cascade=foreground']);
    expect(await k.podsOf('web')).toEqual([]);
  });

  it('are drained only as far as disruption budgets allow, and give their pods to others', async () => {
    await k.apply(workload('Deployment', 'web', { replicas: 2 }, withSpec(template('web'), spread('web'))));
    await rolledOut('web');
    expect(await nodesOf('web')).toEqual(['node-1', 'node-2']);
    await k.ok(['create', 'pdb', 'web', '--selector=app=web', '--min-available=2']);
    await k.ok(['wait', '--for=jsonpath={.status.currentHealthy}=2', 'pdb/web', wait]);
    expect(await k.refused([...drain, '--timeout=2s'])).toMatch(/error when evicting pods\/"web-.*Cannot evict pod as it would violate the pod's disruption budget/);
    await k.ok(['patch', 'pdb', 'web', '-p', '{"spec":{"minAvailable":1}}']);
    await k.ok(['wait', '--for=jsonpath={.status.disruptionsAllowed}=1', 'pdb/web', wait]);
    expect(await k.ok([...drain, wait])).toContain('node/node-1 drained');
    await rolledOut('web');
    expect(await nodesOf('web')).toEqual(['node-2', 'node-2']);
    await k.ok(['uncordon', 'node-1']);
  });

  it('that fall silent lose their pods to others; when they come back, what was moved ends there', async () => {
    const tolerations = ['not-ready', 'unreachable'].map((key) => ({ key: `node.kubernetes.io/${key}`, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 0 }));
    await k.apply(workload('Deployment', 'moving', { replicas: 2 }, withSpec(template('moving'), { ...spread('moving'), tolerations })));
    await rolledOut('moving');
    const [silent = '', other = ''] = (await nodesOf('moving'))[0] === 'node-1' ? ['node-1', 'node-2'] : ['node-2', 'node-1'];
    const lost = (await k.field(['pods', '-l', 'app=moving', `--field-selector=spec.nodeName=${silent}`], '{.items[*].metadata.name}')).split(' ').map((name) => `pod/${name}`);
    const kubelet = processStatus(cluster.places(), `${silent}.kubelet`);
    signalProcess(kubelet, 'SIGSTOP');
    try {
      await k.ok(['wait', '--for=condition=Ready=Unknown', `node/${silent}`, wait]);
      await k.ok(['wait', '--for=jsonpath={.metadata.deletionTimestamp}', ...lost, wait]);
      await rolledOut('moving');
      expect(await k.ok(['get', 'nodes'])).toMatch(new RegExp(`^${silent} +NotReady `, 'm'));
      expect(await k.field(['pods', '-l', 'app=moving', `--field-selector=spec.nodeName=${other}`], '{.items[*].status.phase}')).toBe('Running Running');
    } finally {
      signalProcess(kubelet, 'SIGCONT');
    }
    await k.ok(['wait', '--for=delete', ...lost, wait]);
    await k.ok(['wait', '--for=condition=Ready', `node/${silent}`, wait]);
    expect(await nodesOf('moving')).toEqual([other, other]);
  });
});

it('a namespace that is deleted takes all workloads along, and no container, network or volume is left on any node', async () => {
  const k = await inNamespace('last');
  const volumeClaimTemplates = [{ metadata: { name: 'data' }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Mi' } } } }];
  await k.apply(
    workload('Deployment', 'web', { replicas: 2 }), workload('DaemonSet', 'agent', {}),
    workload('StatefulSet', 'db', { replicas: 1, serviceName: 'db', volumeClaimTemplates }, template('db', { volumeMounts: [{ name: 'data', mountPath: '/data' }] })),
  );
  for (const target of ['deployment/web', 'daemonset/agent', 'statefulset/db']) await k.ok(['rollout', 'status', target, wait]);
  expect(await k.ok(['delete', 'namespace', 'last', 'nodes'])).toContain('namespace "last" deleted');
  await k.ok(['wait', '--for=delete', 'pv', '--all', wait]);
  expect(await k.ok(['get', 'pods,deployments,replicasets,statefulsets,daemonsets,jobs,controllerrevisions,persistentvolumeclaims', '--all-namespaces', '-o', 'name'])).toBe('');
  for (const node of ['node-1', 'node-2']) {
    const { containerdSocket, namespace } = cluster.places().node(node);
    for (const what of ['containers', 'tasks']) expect(await run(['ctr', '--address', containerdSocket, '--namespace', 'k8s.io', what, 'list', '--quiet'])).toBe('');
    expect(await run(['ip', '-netns', namespace, '-brief', 'link', 'show', 'type', 'veth'])).not.toMatch(/^veth/m);
  }
});
