/** The network of a real cluster of three nodes, asked from everywhere in it: pods, Services, node ports, policies, and what must not break a connection. */
import { once } from 'node:events';
import { get } from 'node:http';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';

import type { JsonObject } from '@navarch/api';
import { Pipe } from '@navarch/streaming';

import { openSession, type Session } from '../../apps/cluster/src/api/session';
import { execInPod } from '../../apps/cluster/src/commands/exec';
import { run } from '../../apps/cluster/src/host/exec';
import { signalProcess } from '../../apps/cluster/src/host/proc';
import { fabricNamespace, inNamespace } from '../../apps/cluster/src/network/fabric';
import { createTestHome, eventually, isReady, processStatus, waitForPod } from '../../apps/cluster/src/testing/local-cluster';

const cluster = `net-${process.pid}`;
const test = createTestHome();
const places = test.places(cluster);
const nodes = ['node-1', 'node-2', 'node-3'];
let session: Session;
/** Addresses of the pods `echo-<node>`. */
const addresses = new Map<string, string>();

/** Enough that each of three endpoints answers: that one stays silent happens once in ten million runs. */
const requests = 42;
const image = 'navarch.local/busybox:1';
const serve = 'mkdir /tmp/www; echo "$HOSTNAME" > /tmp/www/index.html; trap "exit 0" TERM; httpd -f -p 8080 -h /tmp/www & nc -ll -p 9000 -e cat & wait $!';
/** A preStop hook: until the test has seen that no node sends anyone here any more, and the last who was sent here has his answer. */
const untilReleased = 'until [ -e /tmp/released ]; do sleep 0.1; done; while netstat -tn | grep -q ":8080 .*\\(ESTABLISHED\\|SYN_RECV\\)"; do sleep 0.1; done';
const everyAnswer = (url: string): string => `for i in $(seq ${requests}); do timeout 5 wget -qO- ${url} || echo failed; done | sort -u`;
const allPods = nodes.map((node) => `echo-${node}`);
const address = (name: string): string => addresses.get(name) ?? '';

async function create(kind: string, object: JsonObject, namespace = 'default'): Promise<JsonObject> {
  return session.create(await session.kind(kind), namespace, object);
}

function pod(name: string, node: string, labels: Record<string, string>, script: string): JsonObject {
  return {
    apiVersion: 'v1', kind: 'Pod', metadata: { name, labels },
    spec: {
      nodeSelector: { 'kubernetes.io/hostname': node }, terminationGracePeriodSeconds: 1,
      containers: [{ name: 'main', image, command: ['sh', '-c', script], ...(labels['app'] === 'echo' && { readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 } }) }],
    },
  };
}

async function service(name: string, spec: JsonObject): Promise<{ clusterIP: string; nodePort: number }> {
  const made = (await create('services', { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec })) as { spec: { clusterIP: string; ports: { nodePort: number }[] } };
  return { clusterIP: made.spec.clusterIP, nodePort: made.spec.ports[0]?.nodePort ?? 0 };
}

/** What a script in a pod writes; its exit code does not matter. */
async function inPod(name: string, script: string): Promise<string> {
  let text = '';
  await execInPod(session, name, ['sh', '-c', script], { namespace: 'default' }, { stdout: (data) => { text += data.toString(); }, stderr: () => undefined });
  return text.trim();
}

/** The same from a node itself, by the machine's busybox. */
const onNode = async (node: string, script: string): Promise<string> =>
  (await run(inNamespace(places.node(node).namespaceFile, ['busybox', 'sh', '-c', `${script.replaceAll('wget', 'busybox wget')}; true`]))).trim();

function fromMachine(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.on('data', (data: Buffer) => { text += data.toString(); }).on('end', () => resolve(text.trim())).on('error', reject);
    }).on('error', reject).on('timeout', function destroy(this: { destroy(error: Error): void }) { this.destroy(new Error('no answer')); });
  });
}

const lines = (text: string): string[] => [...new Set(text.split('\n'))].sort();

let echo: { clusterIP: string; nodePort: number };
let solo: { clusterIP: string; nodePort: number };

beforeAll(async () => {
  const { code, stdout, stderr } = await test.navarch(['up', '--name', cluster, '--nodes', '3']);
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
  session = openSession(places);
  echo = await service('echo', { type: 'NodePort', selector: { app: 'echo' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] });
  solo = await service('solo', { type: 'NodePort', selector: { node: 'node-2' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }, { name: 'lines', port: 9000 }] });
  for (const node of nodes) await create('pods', pod(`echo-${node}`, node, { app: 'echo', node }, serve));
  for (const name of allPods) addresses.set(name, (await waitForPod(session, name, isReady)).status.podIP ?? '');
  // All proxies and the relay know all endpoints when each has answered for each.
  await eventually(async () => ((await Promise.all(nodes.map((node) => onNode(node, everyAnswer(`http://${echo.clusterIP}`))))).every((text) => text === allPods.join('\n')) ? true : undefined));
  await eventually(() => fromMachine(solo.nodePort).catch(() => undefined));
}, 150_000);

afterAll(async () => {
  session?.close();
  await test.navarch(['down', '--name', cluster]);
  rmSync(test.home, { recursive: true, force: true });
}, 60_000);

jest.setTimeout(60_000);

describe('three nodes', () => {
  const pairs = nodes.flatMap((from) => nodes.map((to) => [from, to] as const));

  it.each(pairs)('pod to pod: from %s to %s, by address', async (from, to) => {
    expect(await inPod(`echo-${from}`, `timeout 5 wget -qO- http://${address(`echo-${to}`)}:8080`)).toBe(`echo-${to}`);
  });

  it.each(pairs)('node to pod: from %s to a pod on %s', async (from, to) => {
    expect(await onNode(from, `timeout 5 wget -qO- http://${address(`echo-${to}`)}:8080`)).toBe(`echo-${to}`);
  });

  it.each(nodes)('pod to Service, by address and by name: from %s all endpoints answer, its own pod too (hairpin)', async (node) => {
    expect(lines(await inPod(`echo-${node}`, everyAnswer(`http://${echo.clusterIP}`)))).toEqual(allPods);
    expect(lines(await inPod(`echo-${node}`, everyAnswer('http://echo.default.svc.cluster.local')))).toEqual(allPods);
  });

  it('hairpin: a pod that is the only endpoint of a Service reaches itself through it', async () => {
    expect(await inPod('echo-node-2', `timeout 5 wget -qO- http://${solo.clusterIP}`)).toBe('echo-node-2');
  });

  it.each(nodes)('node to Service: from %s all endpoints answer', async (node) => {
    expect(lines(await onNode(node, everyAnswer(`http://${echo.clusterIP}`)))).toEqual(allPods);
  });

  it.each(pairs)('node port: from %s at the address of %s all endpoints answer, to its node and to its pod', async (from, to) => {
    const url = `http://10.89.0.1${to.slice(-1)}:${echo.nodePort}`;
    expect(lines(await onNode(from, everyAnswer(url)))).toEqual(allPods);
    expect(await inPod(`echo-${from}`, `timeout 5 wget -qO- ${url}`)).toMatch(/^echo-node-[123]$/);
  });

  it('machine to node port: all endpoints answer at 127.0.0.1', async () => {
    const answers: string[] = [];
    for (let count = 0; count < requests; count += 1) answers.push(await fromMachine(echo.nodePort));
    expect(lines(answers.join('\n'))).toEqual(allPods);
  });
});

describe('connections through Services', () => {
  it('go on when the proxies of all nodes are killed with SIGKILL: from a pod by cluster address, from the machine by node port', async () => {
    const port = await nodePortOf('solo', 'lines');
    const machine = connect(port, '127.0.0.1');
    const input = new Pipe<Buffer>();
    let fromPod = '';
    let heard: () => void = () => undefined;
    const visitor = execInPod(session, 'echo-node-1', ['nc', solo.clusterIP, '9000'], { namespace: 'default', input }, {
      stdout: (data) => {
        fromPod += data.toString();
        heard();
      },
      stderr: () => undefined,
    });
    const exchange = async (text: string): Promise<void> => {
      machine.write(text);
      const [[answer]] = await Promise.all([once(machine, 'data') as Promise<[Buffer]>, (async () => {
        await input.push(Buffer.from(text));
        while (!fromPod.endsWith(text)) await new Promise<void>((resolve) => { heard = resolve; });
      })()]);
      expect(answer.toString()).toBe(text);
    };
    await exchange('before\n');
    const killed = nodes.map((node) => processStatus(places, `${node}.proxy`));
    for (const identity of killed) signalProcess(identity, 'SIGKILL');
    await exchange('while it is gone\n');
    await Promise.all(nodes.map((node, index) => eventually(() => (processStatus(places, `${node}.proxy`).pid !== killed[index]?.pid ? true : undefined))));
    await exchange('after its return\n');
    input.end();
    machine.end();
    await visitor;
    expect(fromPod).toBe('before\nwhile it is gone\nafter its return\n');
  });

  it('none fails while a Deployment behind the Service is rolled out, with readiness probe and preStop, under steady load from a pod and from the machine', async () => {
    const deployment = (version: string): JsonObject => ({
      apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' },
      spec: {
        replicas: 3, selector: { matchLabels: { app: 'web' } }, strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: {
            terminationGracePeriodSeconds: 120,
            containers: [{
              name: 'main', image, command: ['sh', '-c', serve.replace('$HOSTNAME', '$VERSION')], env: [{ name: 'VERSION', value: version }],
              readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1, timeoutSeconds: 10 }, lifecycle: { preStop: { exec: { command: ['sh', '-c', untilReleased] } } },
            }],
          },
        },
      },
    });
    const web = await service('web', { type: 'NodePort', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] });
    await create('deployments', deployment('one'));
    await eventually(() => rolledOut('web'));
    await eventually(() => fromMachine(web.nodePort).catch(() => undefined));
    await eventually(async () => ((await inPod('echo-node-1', `timeout 5 wget -qO- http://${web.clusterIP}`)) === 'one' ? true : undefined));

    const load = inPod('echo-node-1', `rm -f /tmp/stop; while [ ! -e /tmp/stop ]; do timeout 30 wget -qO- http://${web.clusterIP} || echo failed; done`);
    const seen: string[] = [];
    let rolling = true;
    const loadFromHere = (async () => {
      while (rolling) seen.push(await fromMachine(web.nodePort).catch((error: Error) => error.message));
    })();
    await session.mergePatch(await session.kind('deployments'), 'default', 'web', { spec: { template: { spec: { containers: (deployment('two') as { spec: { template: { spec: JsonObject } } }).spec.template.spec['containers'] ?? [] } } } });
    // Until the last of the old ones is gone.
    const released = new Set<string>();
    await eventually(async () => ((await releaseLeaving('web', released)) === 3 && released.size === 3 ? rolledOut('web') : undefined));
    rolling = false;
    await inPod('echo-node-1', 'touch /tmp/stop');
    await loadFromHere;
    const answers = (await load).split('\n');
    expect(lines(answers.join('\n'))).toEqual(['one', 'two']);
    expect(lines(seen.join('\n'))).toEqual(['one', 'two']);
    const events = (await session.list(await session.kind('events'), { namespace: 'default' })).items as { reason?: string; involvedObject?: { name?: string } }[];
    expect(events.filter(({ reason, involvedObject }) => reason === 'FailedPreStopHook' && involvedObject?.name?.startsWith('web-'))).toEqual([]);
    for (const { metadata: { name } } of await podsOf('web')) await inPod(name, 'touch /tmp/released');
    await session.delete(await session.kind('deployments'), 'default', 'web', {});
  }, 180_000);
});

describe('a NetworkPolicy', () => {
  it('lets in whom it names and nobody else, pods on all nodes, by address and through the Service, until it is deleted', async () => {
    for (const [name, node] of [['friend', 'node-1'], ['stranger', 'node-3']] as const) await create('pods', pod(name, node, { role: name }, "trap 'exit 0' TERM; while :; do sleep 3600 & wait $!; done"));
    for (const name of ['friend', 'stranger']) await waitForPod(session, name, isReady);
    const targets = [...allPods.map((name) => `${address(name)}:8080`), solo.clusterIP];
    const probes = async (from: string): Promise<string> => (await Promise.all(targets.map((target) => inPod(from, `timeout 1 wget -qO- http://${target} >/dev/null 2>&1 && echo yes || echo no`)))).join(' ');
    const table = async (): Promise<string[]> => Promise.all(['friend', 'stranger', 'echo-node-1'].map(probes));
    expect(await table()).toEqual(['yes yes yes yes', 'yes yes yes yes', 'yes yes yes yes']);
    const policies = await session.kind('networkpolicies');
    await create('networkpolicies', {
      apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: { name: 'friends-only' },
      spec: { podSelector: { matchLabels: { app: 'echo' } }, policyTypes: ['Ingress'], ingress: [{ from: [{ podSelector: { matchLabels: { role: 'friend' } } }], ports: [{ protocol: 'TCP', port: 8080 }] }] },
    });
    await eventually(async () => ((await probes('stranger')) === 'no no no no' ? true : undefined));
    // A pod always reaches itself.
    expect(await table()).toEqual(['yes yes yes yes', 'no no no no', 'yes no no no']);
    await session.delete(policies, 'default', 'friends-only', {});
    await eventually(async () => ((await probes('stranger')) === 'yes yes yes yes' ? true : undefined));
    expect(await table()).toEqual(['yes yes yes yes', 'yes yes yes yes', 'yes yes yes yes']);
  });
});

describe('a node that is cut off', () => {
  const monitorGraceMs = 40_000;

  it('is asked no more once its lease has run out: from then on no request through the Service fails, from pods, nodes and the machine', async () => {
    const kubelet = processStatus(places, 'node-3.kubelet');
    await run(['ip', '-netns', fabricNamespace(places), 'link', 'set', 'port3', 'down']);
    signalProcess(kubelet, 'SIGSTOP'); // Its way to the API is a socket, which no cut link cuts.
    try {
      const slices = await session.kind('endpointslices');
      const left = await eventually(async () => {
        const { items } = await session.list(slices, { namespace: 'default', labelSelector: 'kubernetes.io/service-name=echo' });
        const endpoints = items.flatMap((slice) => slice['endpoints'] as { nodeName: string; conditions: { ready?: boolean } }[]);
        return endpoints.some(({ nodeName, conditions }) => nodeName === 'node-3' && conditions.ready) ? undefined : endpoints;
      });
      expect(left.filter(({ conditions }) => conditions.ready).map(({ nodeName }) => nodeName).sort()).toEqual(['node-1', 'node-2']);
      const node = (await session.get(await session.kind('nodes'), '', 'node-3')) as { status: { conditions: { type: string; status: string; lastTransitionTime: string }[] } };
      const lease = (await session.get(await session.kind('leases'), 'kube-node-lease', 'node-3')) as { spec: { renewTime: string } };
      const ready = node.status.conditions.find(({ type }) => type === 'Ready');
      expect(ready?.status).toBe('Unknown');
      const silentMs = Date.parse(ready?.lastTransitionTime ?? '') - Date.parse(lease.spec.renewTime);
      expect(silentMs).toBeGreaterThan(monitorGraceMs - 2_000); // The API rounds to seconds.
      expect(silentMs).toBeLessThan(monitorGraceMs * 1.5);
      await eventually(async () => ((await onNode('node-1', everyAnswer(`http://${echo.clusterIP}`))) === 'echo-node-1\necho-node-2' ? true : undefined));
      expect(lines(await inPod('echo-node-2', everyAnswer('http://echo')))).toEqual(['echo-node-1', 'echo-node-2']);
      const answers: string[] = [];
      for (let count = 0; count < requests; count += 1) answers.push(await fromMachine(echo.nodePort));
      expect(lines(answers.join('\n'))).toEqual(['echo-node-1', 'echo-node-2']);
    } finally {
      signalProcess(kubelet, 'SIGCONT');
      await run(['ip', '-netns', fabricNamespace(places), 'link', 'set', 'port3', 'up']);
    }
    await waitForPod(session, 'echo-node-3', isReady);
    await eventually(async () => (lines(await onNode('node-1', everyAnswer(`http://${echo.clusterIP}`))).join() === allPods.join() ? true : undefined));
  }, 120_000);
});

async function nodePortOf(name: string, port: string): Promise<number> {
  const { spec } = (await session.get(await session.kind('services'), 'default', name)) as { spec: { ports: { name: string; nodePort: number }[] } };
  return spec.ports.find((candidate) => candidate.name === port)?.nodePort ?? 0;
}

interface SeenPod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string };
  readonly status: { readonly podIP?: string };
}

const podsOf = async (app: string): Promise<SeenPod[]> => (await session.list(await session.kind('pods'), { namespace: 'default', labelSelector: `app=${app}` })).items as unknown as SeenPod[];

/**
 * Lets those pods of an app end that the rules of no node name any more: what a user's preStop does by a pause that is long enough, however busy the machine. Answers how
 * many pods there are.
 */
async function releaseLeaving(app: string, released: Set<string>): Promise<number> {
  const pods = await podsOf(app);
  const leaving = pods.filter(({ metadata: { name, deletionTimestamp } }) => deletionTimestamp !== undefined && !released.has(name));
  if (leaving.length === 0) return pods.length;
  const rules = (await Promise.all(nodes.map((node) => run(inNamespace(places.node(node).namespaceFile, ['nft', 'list', 'ruleset']))))).join();
  for (const { metadata: { name }, status } of leaving.filter(({ status: { podIP } }) => !rules.includes(` ${podIP} . 8080`))) {
    expect(status.podIP).toMatch(/^10\.244\./);
    await inPod(name, 'touch /tmp/released');
    released.add(name);
  }
  return pods.length;
}

/** True when every replica is of the wanted template and available. */
async function rolledOut(name: string): Promise<true | undefined> {
  const { metadata, spec, status } = (await session.get(await session.kind('deployments'), 'default', name)) as {
    metadata: { generation: number }; spec: { replicas: number }; status?: { observedGeneration?: number; updatedReplicas?: number; availableReplicas?: number; replicas?: number };
  };
  const wanted = status?.observedGeneration === metadata.generation && status.updatedReplicas === spec.replicas;
  return wanted && status.availableReplicas === spec.replicas && status.replicas === spec.replicas ? true : undefined;
}
