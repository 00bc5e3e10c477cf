/** One real cluster of two nodes, and what a person does with it: every scenario runs against the same one. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { connectGrpc } from '@navarch/service';
import { parse } from 'yaml';

import { openSession, type Session } from './api/session';
import { readState } from './cluster/state';
import { run } from './host/exec';
import { signalProcess } from './host/proc';
import { createTestHome, eventually, isReady, pod, processStatus, resultOf, viewOf, waitForPod, type PodOptions, type PodView } from './testing/local-cluster';
import { machineTraces, noTraces } from './testing/machine';
import { assembleTrace } from './trace/assemble';
import { readTrace, spanFilesIn } from './trace/span-files';

const name = `e2e-${process.pid}`;
const test = createTestHome();
const places = test.places(name);
const { navarch: raw } = test;
const navarch = (args: readonly string[], input?: string): ReturnType<typeof raw> => raw([...args, '--name', name], input);
let session: Session;

/** What the command wrote; fails with what it complained of. */
async function ok(args: readonly string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await navarch(args, input);
  if (code !== 0) throw new Error(`navarch ${args.join(' ')}: exit code ${code}\n${stdout}${stderr}`);
  return stdout;
}

async function create(podName: string, options: PodOptions = {}): Promise<void> {
  await session.create(await session.kind('pods'), 'default', pod(podName, options));
}

const wholeTrace = ['apiserver.request', 'store.publish', 'scheduler.queue', 'scheduler.filter', 'scheduler.score', 'scheduler.bind', 'scheduler.schedule',
  'kubelet.receive', 'kubelet.sandbox', 'kubelet.image', 'kubelet.create', 'kubelet.start', 'kubelet.ready', 'kubelet.start-pod'];

/** Every hop of the pod's start is in one trace, below the request that made it. Answers the trace's id. */
async function expectWholeTrace(podName: string): Promise<string> {
  const { metadata } = await session.get(await session.kind('pods'), 'default', podName);
  const traceId = (metadata as { annotations: Record<string, string> }).annotations['navarch.io/trace-id'] ?? '';
  const spans = await eventually(async () => {
    const trace = await readTrace(await spanFilesIn(places.spans), traceId);
    const names = new Set(trace.spans.map((span) => span.name));
    return wholeTrace.every((span) => names.has(span)) ? trace.spans : undefined;
  });
  const trace = assembleTrace(spans);
  expect(trace.orphans).toBe(0);
  expect(trace.nodes.filter(({ depth }) => depth === 0).map(({ span }) => span.name)).toEqual(['apiserver.request']);
  return traceId;
}

const running = (podName: string, options?: PodOptions): Promise<PodView> => create(podName, options).then(() => waitForPod(session, podName, isReady));

beforeAll(async () => {
  const { code, stdout, stderr } = await navarch(['up', '--nodes', '2']);
  if (code !== 0) throw new Error(`${stdout}${stderr}`);
  console.info(stderr, stdout); // The cold start's times, for docs/performance.md.
  session = openSession(places);
}, 120_000);

afterAll(async () => {
  session?.close();
  await navarch(['down']);
  rmSync(test.home, { recursive: true, force: true });
}, 60_000);

jest.setTimeout(60_000);

describe('a cluster that is up', () => {
  it('has all its processes running and its nodes Ready, and says so with exit code 0', async () => {
    const status = await ok(['status']);
    for (const what of ['nats-server', 'apiserver', 'scheduler', 'controllers', 'relay', 'node-1.kubelet', 'node-2.proxy', 'node-2.dns', 'node-2.containerd']) expect(status).toMatch(new RegExp(`${what} +running`));
    expect(status).toMatch(/node-1 +10\.89\.0\.11 +Ready\nnode-2 +10\.89\.0\.12 +Ready/);
  });

  it('is not started a second time: up says that it runs', async () => expect(await ok(['up'])).toContain('is running already, with 2 nodes'));

  it("keeps every cluster address out of the machine's own namespace", async () => {
    const traces = await machineTraces([places]);
    expect(traces.clusterAddresses).toEqual([]);
    expect(traces.links).toEqual([]);
    expect(traces.tables).toEqual([]);
    expect((await run(['ip', 'route'])).match(/^10\.(89|244|96)\./m)).toBeNull();
  });

  it('has no way out without an uplink', async () => {
    expect(await run(['ip', '-netns', places.node('node-1').namespace, 'route', 'show', 'default'])).toBe('');
  });

  it('lets those in who show its token, and asks others who they are', async () => {
    const ca = { ca: readFileSync(join(places.pki, 'ca.crt'), 'utf8') };
    const target = `127.0.0.1:${readState(places)?.ports.apiserver}`;
    const token = readFileSync(join(places.pki, 'admin.token'), 'utf8');
    const known = openSession(places, connectGrpc({ target, tls: ca, serverName: 'localhost', token: () => token }));
    const anonymous = openSession(places, connectGrpc({ target, tls: ca, serverName: 'localhost' }));
    const pods = await session.kind('pods');
    await expect(known.list(pods, {})).resolves.toHaveProperty('items');
    await expect(anonymous.list(pods, {})).rejects.toMatchObject({ reason: expect.stringMatching(/Unauthorized|Forbidden/) });
    known.close();
    anonymous.close();
  });

  it('gives its secrets to root only', async () => {
    const modes = await run(['sh', '-c', `stat -c '%a' '${places.pki}' '${places.pki}'/* '${places.nats}/nats.conf' '${places.stateFile}'`]);
    expect(new Set(modes.trim().split('\n'))).toEqual(new Set(['700', '600']));
  });
});

describe('the quick start', () => {
  let output: string;
  beforeAll(async () => { output = await ok(['quick-start']); });
  /** What it showed after the command that begins so, up to the next command. */
  const shown = (command: string): string => output.split(/\n\$ /).find((part) => part.startsWith(command)) ?? '';

  it('runs a pod on each of two nodes, shows them, a line of their logs and a trace', () => {
    expect(output).toMatch(/hello-1 +1\/1 +Running .*node-1/);
    expect(output).toMatch(/hello-2 +1\/1 +Running .*node-2/);
    expect(shown('navarch logs hello-1')).toMatch(/Ahoy from hello-1 \(10\.244\.\d+\.\d+\) on node-1/);
    expect(shown('navarch trace pod/hello-1')).toContain('apiserver.request create pods');
    expect(shown('navarch trace pod/hello-1')).toContain('kubelet.ready');
  });

  it.each([
    ['by name from a pod', /^navarch exec hello-1 .*-- wget -qO- http:\/\/hello$/m],
    ["by a node's port from a pod of another node", /^navarch exec hello-1 .*-- wget -qO- http:\/\/10\.89\.0\.12:\d+$/m],
    ['from this machine at 127.0.0.1', /^curl http:\/\/127\.0\.0\.1:\d+$/m],
  ])('ends with requests through its Service that the pods of both nodes answer: %s', (_way, command) => {
    const part = output.split(/\n\$ /).find((candidate) => command.test(candidate)) ?? '';
    expect(part).toMatch(/^Ahoy from hello-1 .* on node-1$/m);
    expect(part).toMatch(/^Ahoy from hello-2 .* on node-2$/m);
  });

  it("shows its Service, its endpoints on both nodes, and the Service's trace from the request to the kernel", async () => {
    expect(shown('navarch get services,endpointslices')).toMatch(/service\/hello +NodePort +10\.96\.[\d.]+ +<none> +80:\d+\/TCP/);
    expect(shown('navarch get services,endpointslices')).toMatch(/endpointslice\/hello-\w+ +IPv4 +8080 +10\.244\.\d+\.\d+,10\.244\.\d+\.\d+ /);
    expect(shown('navarch trace service/hello')).toMatch(/apiserver\.request create services[\s\S]*proxy\.kernel/);
    // Each process writes its spans when it comes to it: the endpoints' way may be in the files a little later.
    await eventually(async () => (/create endpointslices[\s\S]*controller\.reconcile \(proxy\)\s[^\n]*\n\s+proxy\.kernel/.test(await ok(['trace', 'service/hello'])) ? true : undefined));
  });

  it('leaves a trace from the request to the started container, without orphans', async () => {
    const traceId = await expectWholeTrace('hello-2');
    expect(await ok(['trace', 'pod/hello-2'])).toContain(traceId);
  });
});

describe('pods', () => {
  it('of different nodes reach each other by address, without translation', async () => {
    const server = await running('web', { node: 'node-1', script: "mkdir /tmp/www; echo welcome > /tmp/www/index.html; exec httpd -f -vv -p 8080 -h /tmp/www" });
    const address = server.status.podIP ?? '';
    await create('visitor', { node: 'node-2', restartPolicy: 'Never', script: `until timeout 3 wget -qO- http://${address}:8080/; do usleep 50000; done` });
    const visitor = await waitForPod(session, 'visitor', ({ phase }) => phase === 'Succeeded');
    expect([server.node, visitor.node]).toEqual(['node-1', 'node-2']);
    expect(await ok(['logs', 'visitor'])).toContain('welcome');
    expect(await ok(['logs', 'web'])).toContain(`${visitor.status.podIP}]:`);
  });

  it.each([['zero', 'Succeeded', 0, 'Completed'], ['seven', 'Failed', 7, 'Error']] as const)('that end with %s are %s, with their exit code', async (word, phase, code, reason) => {
    await create(`ends-${word}`, { restartPolicy: 'Never', script: `exit ${code}` });
    const { status } = await waitForPod(session, `ends-${word}`, (seen) => seen.phase === phase);
    expect(status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: code, reason });
  });

  it('whose image does not exist say so in status and event', async () => {
    await create('no-image', { image: 'navarch.local/no-such-image:1' });
    const { status } = await waitForPod(session, 'no-image', (seen) => /^(ErrImagePull|ImagePullBackOff)$/.test(seen.containerStatuses?.[0]?.state?.waiting?.reason ?? ''));
    expect(status.phase).toBe('Pending');
    expect(await eventually(() => eventOf('no-image', 'Failed'))).toContain('navarch.local/no-such-image:1');
  });

  it('whose command does not exist say so in status and event', async () => {
    await create('no-command', { restartPolicy: 'Never', command: ['/no/such/command'] });
    const { status } = await waitForPod(session, 'no-command', ({ phase }) => phase === 'Failed');
    expect(status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError' });
    expect(await eventually(() => eventOf('no-command', 'Failed'))).toContain('/no/such/command');
  });

  it('that use more memory than their limit are killed, and say OOMKilled', async () => {
    await create('hungry', { restartPolicy: 'Never', memoryLimit: '24Mi', script: 'tail /dev/zero' });
    const { status } = await waitForPod(session, 'hungry', ({ phase }) => phase === 'Failed');
    expect(status.containerStatuses?.[0]?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('that fit on no node say why', async () => {
    await create('too-big', { node: 'node-9' });
    const event = await eventually(() => eventOf('too-big', 'FailedScheduling'));
    expect(event).toContain('0/2 nodes are available');
    expect(await ok(['describe', 'pod', 'too-big'])).toContain('FailedScheduling');
  });

  async function eventOf(podName: string, reason: string): Promise<string | undefined> {
    const { items } = await session.list(await session.kind('events'), { namespace: 'default' });
    const found = (items as unknown as { involvedObject?: { name?: string }; reason?: string; message?: string }[])
      .filter((event) => event.involvedObject?.name === podName && event.reason === reason).map(({ message }) => message ?? '');
    return found.length > 0 ? found.join('\n') : undefined;
  }
});

describe('logs', () => {
  beforeAll(() => running('talker', { script: "echo one; echo two; echo three; trap 'exit 0' TERM; while [ ! -e /tmp/go ]; do usleep 20000; done; sleep 3600 & wait $!" }));

  it('are shown whole, from the end, and by age', async () => {
    expect(await ok(['logs', 'talker'])).toBe('one\ntwo\nthree\n');
    expect(await ok(['logs', 'pod/talker', '--tail', '2'])).toBe('two\nthree\n');
    expect(await ok(['logs', 'talker', '--since', '1h'])).toBe('one\ntwo\nthree\n');
    expect(await ok(['logs', 'talker', '--timestamps', '--tail', '1'])).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z three\n$/);
  });

  it('are followed until the container ends', async () => {
    await running('counter', { restartPolicy: 'Never', script: 'echo first; sleep 2; echo last' });
    const following = test.start(['logs', '-f', 'counter', '--name', name]);
    expect(await resultOf(following)).toMatchObject({ code: 0, stdout: 'first\nlast\n' });
  });

  it('of the container before a restart are kept', async () => {
    await create('again', { script: "if [ -e /dev/shm/been ]; then echo second; trap 'exit 0' TERM; sleep 3600 & wait $!; fi; touch /dev/shm/been; echo first; exit 3" });
    const { status } = await waitForPod(session, 'again', (seen) => (seen.containerStatuses?.[0]?.restartCount ?? 0) === 1 && isReady(seen));
    expect(status.containerStatuses?.[0]?.lastState?.terminated?.exitCode).toBe(3);
    expect(await ok(['logs', 'again', '--previous'])).toBe('first\n');
    expect(await ok(['logs', 'again'])).toBe('second\n');
  });

  it.each([
    ['a pod that does not exist', ['logs', 'nobody'], 'NotFound'],
    ['a container that does not exist', ['logs', 'talker', '-c', 'other'], 'other'],
    ['a container that never ran before', ['logs', 'talker', '-p'], 'previous'],
  ])('of %s are refused with the reason', async (_what, args, message) => {
    const { code, stderr } = await navarch(args);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});

describe('objects', () => {
  const manifest = (text: string, extra = ''): string => `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { text: ${text}${extra} }\n`;

  it('are created, left alone, changed and deleted as manifests say', async () => {
    expect(await ok(['apply', '-f', '-'], manifest('one', ', more: two'))).toBe('configmap/settings created\n');
    expect(await ok(['apply', '-f', '-'], manifest('one', ', more: two'))).toBe('configmap/settings unchanged\n');
    expect(await ok(['apply', '-f', '-'], manifest('other'))).toBe('configmap/settings configured\n');
    expect(parse(await ok(['get', 'cm', 'settings', '-o', 'yaml']))).toMatchObject({ kind: 'ConfigMap', data: { text: 'other' } });
    expect(JSON.parse(await ok(['get', 'cm/settings', '-o', 'json']))).not.toHaveProperty('data.more');
    expect(await ok(['delete', 'configmap', 'settings'])).toBe('configmap "settings" deleted\n');
    expect(await navarch(['get', 'configmap', 'settings'])).toMatchObject({ code: 1, stderr: expect.stringContaining('NotFound') });
  });

  it('that are invalid are refused with every cause and its field', async () => {
    const { code, stderr } = await navarch(['apply', '-f', '-'], 'apiVersion: v1\nkind: Pod\nmetadata: { name: bad }\nspec: { containers: [{ name: Bad_Name, image: "" }] }\n');
    expect(code).toBe(1);
    expect(stderr).toContain('spec.containers[0].name');
    expect(stderr).toContain('spec.containers[0].image');
  });

  it.each([
    ['an unknown field', 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\ndatum: {}\n', 'datum'],
    ['an unknown kind', 'apiVersion: v1\nkind: Podd\nmetadata: { name: x }\n', 'no kind Podd'],
    ['no name', 'apiVersion: v1\nkind: Pod\n', 'metadata.name is missing'],
  ])('with %s are refused', async (_what, text, message) => {
    const { code, stderr } = await navarch(['apply', '-f', '-'], text);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
  });

  it('are shown as Kubernetes shows them, and watched', async () => {
    expect(await ok(['get', 'nodes'])).toMatch(/^NAME +STATUS +ROLES +AGE +VERSION\nnode-1 +Ready/);
    expect(await ok(['get', 'po', '-A', '-o', 'wide', '-l', 'app=hello'])).toMatch(/^NAMESPACE +NAME +READY +STATUS +RESTARTS +AGE +IP +NODE .*\ndefault +hello-1 +1\/1 +Running/);
    expect(await ok(['get', 'pods', '-o', 'name', '--field-selector', 'spec.nodeName=node-2', '-l', 'app'])).toBe('pod/hello-2\n');
    const watching = test.start(['get', 'cm', '-w', '--name', name]);
    let seen = '';
    watching.stdout?.on('data', (chunk: Buffer) => { seen += chunk.toString(); });
    await eventually(() => (seen.includes('greeting') ? true : undefined));
    await ok(['apply', '-f', '-'], manifest('watched'));
    await eventually(() => (/^settings +1/m.test(seen) ? true : undefined));
    watching.kill('SIGINT');
    await resultOf(watching);
  });
});

describe('images', () => {
  it('are built without a container builder, loaded into every node, and run', async () => {
    const directory = join(test.home, 'image');
    await run(['mkdir', '-p', directory]);
    await run(['sh', '-c', `cp "$(command -v busybox)" '${directory}/busybox'`]);
    writeFileSync(join(directory, 'image.yaml'), 'files: [{ from: busybox, to: /bin/busybox }]\nlinks: { /bin/sh: busybox }\nentrypoint: [/bin/sh, -c]\ncmd: ["echo built with $WORD"]\nenv: { WORD: care }\n');
    expect(await ok(['image', 'build', directory, '-t', 'navarch.local/mine:1', '--load'])).toMatch(/navarch\.local\/mine:1 sha256:[0-9a-f]{64}\n.*\n.*loaded into node-1, node-2/);
    const own = pod('own-image', { image: 'navarch.local/mine:1', restartPolicy: 'Never' }) as { spec: { containers: { command?: unknown }[] } };
    delete own.spec.containers[0]?.command;
    await session.create(await session.kind('pods'), 'default', own as never);
    await waitForPod(session, 'own-image', ({ phase }) => phase === 'Succeeded');
    expect(await ok(['logs', 'own-image'])).toBe('built with care\n');
    expect(await ok(['image', 'list'])).toMatch(/node-2 +navarch\.local\/mine:1/);
  });
});

describe('kill -9', () => {
  let before: PodView[];
  const steady = ['steady-1', 'steady-2'];

  beforeAll(async () => {
    before = await Promise.all(steady.map((podName, index) => running(podName, { node: `node-${index + 1}` })));
  });

  it.each(['apiserver', 'scheduler', 'controllers', 'nats-server', 'node-1.kubelet', 'node-1.proxy', 'node-1.containerd'])('of %s: it comes back, new pods run, and running ones keep their containers', async (victim) => {
    const killed = processStatus(places, victim);
    signalProcess(killed, 'SIGKILL');
    await eventually(() => {
      const status = processStatus(places, victim);
      return status.state === 'running' && status.pid !== killed.pid ? true : undefined;
    });
    const podName = `after-${victim.replace('.', '-')}`;
    await eventually(() => create(podName, { node: 'node-1' }).then(() => true, (error: { reason?: string }) => (error.reason === 'AlreadyExists' ? true : retryable(error))));
    await eventually(() => waitForPod(session, podName, isReady).catch(retryable));
    const after = await Promise.all(steady.map(async (steadyName) => viewOf(await session.get(await session.kind('pods'), 'default', steadyName))));
    expect(after.map(identityOf)).toEqual(before.map(identityOf));
  });

  it('of all of them at once: the cluster comes back, and no pod has a second container', async () => {
    const victims = ['nats-server', 'apiserver', 'scheduler', 'controllers', 'node-1.containerd', 'node-1.kubelet', 'node-2.containerd', 'node-2.kubelet', 'node-1.proxy', 'node-2.proxy'];
    const killed = victims.map((victim) => processStatus(places, victim));
    for (const status of killed) signalProcess(status, 'SIGKILL');
    await eventually(() => create('after-all', { node: 'node-2' }).then(() => true, (error: { reason?: string }) => (error.reason === 'AlreadyExists' ? true : retryable(error))));
    await eventually(() => waitForPod(session, 'after-all', isReady).catch(retryable));
    await eventually(async () => ((await navarch(['status'])).code === 0 ? true : undefined));
    const after = await Promise.all(steady.map(async (steadyName) => viewOf(await session.get(await session.kind('pods'), 'default', steadyName))));
    expect(after.map(identityOf)).toEqual(before.map(identityOf));
    for (const [index, steadyName] of steady.entries()) expect(await containersOf(`node-${index + 1}`, steadyName)).toHaveLength(1);
  });

  it('of scheduler and kubelet before they have seen a pod: it starts all the same, and its trace is whole', async () => {
    const victims = ['scheduler', 'node-2.kubelet'].map((victim) => processStatus(places, victim));
    for (const status of victims) signalProcess(status, 'SIGKILL');
    await create('in-between', { node: 'node-2' });
    await waitForPod(session, 'in-between', isReady);
    await expectWholeTrace('in-between');
  });

  const identityOf = ({ uid, node, status }: PodView): object => ({ uid, node, ip: status.podIP, container: status.containerStatuses?.[0]?.containerID, restarts: status.containerStatuses?.[0]?.restartCount });

  /** Requests in between may fail, but only by being unavailable. */
  function retryable(error: { reason?: string; message?: string }): undefined {
    if (!['Unavailable', 'Timeout', 'ServerTimeout', 'TooManyRequests', 'Canceled'].includes(error.reason ?? '')) throw error as Error;
    return undefined;
  }

  /** Of the pod's own containers, without its sandbox, as containerd knows them. */
  async function containersOf(node: string, podName: string): Promise<string[]> {
    const list = await run(['ctr', '--address', places.node(node).containerdSocket, '--namespace', 'k8s.io', 'containers', 'list', '--quiet', `labels."io.kubernetes.pod.name"==${podName},labels."io.cri-containerd.kind"==container`]);
    return list.split('\n').filter((line) => line !== '');
  }
});

describe('a second cluster', () => {
  it('stands beside the first with other ports and the same addresses, and leaves nothing when it goes', async () => {
    const other = `${name}-b`;
    try {
      const up = await raw(['up', '--name', other, '--nodes', '1']);
      expect([up.code, up.stdout]).toEqual([0, expect.stringContaining(`Cluster "${other}" with 1 nodes is up`)]);
      expect(readState(test.places(other))?.ports).not.toEqual(readState(places)?.ports);
      const nodes = await raw(['get', 'nodes', '-o', 'name', '--name', other]);
      expect(nodes.stdout).toBe('node/node-1\n');
      expect(await ok(['get', 'nodes', '-o', 'name'])).toBe('node/node-1\nnode/node-2\n');
    } finally {
      await raw(['down', '--name', other]);
    }
    expect(await machineTraces([test.places(other)])).toEqual(noTraces);
    expect((await navarch(['status'])).code).toBe(0);
  });
});

describe('down', () => {
  it('removes everything, and says so when there is nothing left', async () => {
    session.close();
    expect(await ok(['down'])).toContain('is down');
    expect(await machineTraces([places])).toEqual(noTraces);
    expect(await ok(['down'])).toContain('There was no cluster');
  });
});
