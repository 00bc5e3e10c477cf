/** The kubelet on a real containerd, this machine's files and cgroups; the API is in memory. */
import { configMaps, nodes, pods, quantity, secrets } from '@navarch/api';
import { randomUuid, silentLogger, systemClock, systemRandom } from '@navarch/base';
import type { ApiClient } from '@navarch/client';
import { createMemoryApi } from '@navarch/client/testing';
import type { ContainerRuntime } from '@navarch/cri';
import { fixtureImage, startContainerdFixture, type ContainerdFixture } from '@navarch/cri/testing';
import type { Container, Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';

import { runKubelet, type Kubelet } from './app';
import { defaultConfig, type KubeletConfig } from './config';
import { createLinuxHost } from './host/linux-host';

jest.setTimeout(120_000);

let fixture: ContainerdFixture;
let runtime: ContainerRuntime;
let client: ApiClient;
let kubelet: Kubelet;
let config: KubeletConfig;

const startKubelet = async (): Promise<void> => {
  kubelet = await runKubelet({
    nodeName: 'node-1', client, runtime, host: createLinuxHost({ rootDirectory: config.rootDirectory }), clock: systemClock, random: systemRandom, logger: silentLogger, config,
  });
  await kubelet.ready;
};

beforeAll(async () => {
  fixture = await startContainerdFixture({ withoutNetwork: true });
  runtime = fixture.connect();
  client = createMemoryApi({ clock: systemClock, random: systemRandom }).client;
  config = {
    ...defaultConfig, addresses: ['10.89.0.2'], rootDirectory: `${fixture.directory}/kubelet`, podLogsDirectory: `${fixture.directory}/logs`, cgroupRoot: fixture.cgroupRoot,
    cni: { configDirectory: `${fixture.directory}/cni`, dataDirectory: `${fixture.directory}/ipam`, hostPorts: false },
  };
  await mkdir(config.rootDirectory, { recursive: true });
  await startKubelet();
});

afterAll(async () => {
  await kubelet?.close();
  runtime?.close();
  await fixture?.close();
});

const podClient = () => client.resource(pods);
const sh = (script: string): string[] => ['/bin/sh', '-c', script];
const forever = sh('trap "exit 0" TERM; while true; do sleep 0.1; done');

async function createPod(container: Container, spec: Partial<PodSpec> = {}): Promise<string> {
  const name = `pod-${randomUuid(systemRandom).slice(0, 8)}`;
  await podClient().create({ metadata: { namespace: 'default', name }, spec: { nodeName: 'node-1', terminationGracePeriodSeconds: 5, containers: [{ name: 'main', image: fixtureImage, ...container }], ...spec } });
  return name;
}

/** Follows the pod until it is so; the watch decides, no clock. */
async function until(name: string, condition: (pod: Pod) => boolean): Promise<Pod> {
  const stop = new AbortController();
  for await (const event of podClient().watch({ signal: stop.signal, namespace: 'default', fieldSelector: `metadata.name=${name}`, sendInitialEvents: true })) {
    if (event.type === 'BOOKMARK' || event.type === 'DELETED' || !condition(event.object)) continue;
    stop.abort();
    return event.object;
  }
  throw new Error('the watch ended');
}

async function removed(name: string): Promise<void> {
  const stop = new AbortController();
  const watch = podClient().watch({ signal: stop.signal, namespace: 'default', fieldSelector: `metadata.name=${name}`, sendInitialEvents: true });
  for await (const event of watch) {
    if (event.initialEventsEnd) await podClient().delete('default', name);
    if (event.type === 'DELETED') break;
  }
  stop.abort();
}

const isReady = (pod: Pod): boolean => pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
const ended = (pod: Pod): boolean => pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
const main = (pod: Pod) => pod.status?.containerStatuses?.[0];
const waits = (reason: string) => (pod: Pod): boolean => main(pod)?.state?.waiting?.reason === reason;

async function logOf(name: string, options: { previous?: boolean; tailLines?: number; follow?: boolean } = {}): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of kubelet.logs.read({ namespace: 'default', pod: name, options }, new AbortController().signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

describe('the kubelet on a real containerd', () => {
  it('is not ready until the node has a pod range, then writes the CNI configuration and becomes ready', async () => {
    const ready = (type: string, status: string) => async (): Promise<boolean> => {
      const node = await client.resource(nodes).get('', 'node-1');
      return node.status?.conditions?.some((condition) => condition.type === type && condition.status === status) ?? false;
    };
    expect(await ready('Ready', 'False')()).toBe(true);
    const node = await client.resource(nodes).get('', 'node-1');
    expect(node.status?.conditions?.find(({ type }) => type === 'Ready')?.message).toMatch(/NetworkReady=false/);
    const stop = new AbortController();
    const watch = client.resource(nodes).watch({ signal: stop.signal, sendInitialEvents: true });
    await client.resource(nodes).patch('', 'node-1', 'application/merge-patch+json', { spec: { podCIDR: '10.244.7.0/24' } });
    for await (const { object } of watch) if (object.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) break;
    stop.abort();
    expect(JSON.parse(readFileSync(`${fixture.directory}/cni/10-navarch.conflist`, 'utf8'))).toMatchObject({ name: 'navarch', plugins: [{ type: 'bridge', ipMasq: false }] });
  });

  it('runs a pod with an address of the node\'s range, and its log can be read and followed to its end', async () => {
    const name = await createPod({ command: sh('echo one; echo two; exit 0') }, { restartPolicy: 'Never' });
    const pod = await until(name, ended);
    expect(pod.status).toMatchObject({ phase: 'Succeeded', podIP: expect.stringMatching(/^10\.244\.7\.\d+$/) as string });
    expect(main(pod)?.state?.terminated).toMatchObject({ reason: 'Completed' });
    expect(await logOf(name)).toBe('one\ntwo\n');
    expect(await logOf(name, { tailLines: 1, follow: true })).toBe('two\n');
  });

  it('reports exit code and termination message', async () => {
    const name = await createPod({ command: sh('echo -n because > /dev/termination-log; exit 42') }, { restartPolicy: 'Never' });
    expect(main(await until(name, ended))?.state?.terminated).toMatchObject({ exitCode: 42, reason: 'Error', message: 'because' });
  });

  it('takes the end of the log as message where the container wrote none and asks for it', async () => {
    const name = await createPod({ command: sh('echo last words; exit 1'), terminationMessagePolicy: 'FallbackToLogsOnError' }, { restartPolicy: 'Never' });
    expect(main(await until(name, ended))?.state?.terminated).toMatchObject({ exitCode: 1, message: 'last words\n' });
  });

  it('reports a container that used more memory than its limit as OOMKilled', async () => {
    const name = await createPod({ command: sh('exec tail -c 400m /dev/zero'), resources: { limits: { memory: quantity('32Mi') } } }, { restartPolicy: 'Never' });
    expect(main(await until(name, ended))?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('reports an image that does not exist', async () => {
    const name = await createPod({ image: 'localhost:1/none:1' });
    const pod = await until(name, waits('ImagePullBackOff'));
    expect(main(pod)?.state?.waiting?.message).toMatch(/^Back-off pulling image "localhost:1\/none:1": ErrImagePull: /);
    await removed(name);
  });

  it('reports a command that does not exist as StartError 128', async () => {
    const name = await createPod({ command: ['/no/such/command'] });
    const pod = await until(name, waits('CrashLoopBackOff'));
    expect(main(pod)?.lastState?.terminated).toMatchObject({ exitCode: 128, reason: 'StartError', message: expect.stringMatching(/no such file or directory/) as string });
    await removed(name);
  });

  it('gives containers their environment, volumes, user, hostname and hosts file', async () => {
    await client.resource(configMaps).create({ metadata: { namespace: 'default', name: 'settings' }, data: { color: 'blue', 'app.conf': 'a=1\n' } });
    await client.resource(secrets).create({ metadata: { namespace: 'default', name: 'keys' }, data: { token: Buffer.from('s3cret') } });
    const name = await createPod({
      command: sh('echo $COLOR $TOKEN $IP $CPU $JOINED; id -u; hostname; cat /cfg/app.conf /keys/token; echo; cat /info/labels; touch /scratch/f && echo scratch; touch /f 2>&1 | grep -o "Read-only"; grep $(hostname) /etc/hosts | cut -f2'),
      env: [
        { name: 'COLOR', valueFrom: { configMapKeyRef: { localObjectReference: { name: 'settings' }, key: 'color' } } },
        { name: 'TOKEN', valueFrom: { secretKeyRef: { localObjectReference: { name: 'keys' }, key: 'token' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'CPU', valueFrom: { resourceFieldRef: { resource: 'limits.cpu', divisor: quantity('1m') } } },
        { name: 'JOINED', value: '$(COLOR)-$$(COLOR)' },
      ],
      resources: { limits: { cpu: quantity('250m') } }, securityContext: { runAsUser: 1234, readOnlyRootFilesystem: true },
      volumeMounts: [{ name: 'cfg', mountPath: '/cfg' }, { name: 'keys', mountPath: '/keys', readOnly: true }, { name: 'info', mountPath: '/info' }, { name: 'scratch', mountPath: '/scratch' }],
    }, {
      restartPolicy: 'Never',
      volumes: [
        { name: 'cfg', volumeSource: { configMap: { localObjectReference: { name: 'settings' } } } }, { name: 'keys', volumeSource: { secret: { secretName: 'keys' } } },
        { name: 'info', volumeSource: { downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.name' } }] } } }, { name: 'scratch', volumeSource: { emptyDir: {} } },
      ],
    });
    const pod = await until(name, ended);
    expect((await logOf(name)).trim().split('\n')).toEqual([
      `blue s3cret ${pod.status?.podIP} 250 blue-$(COLOR)`, '1234', name, 'a=1', 's3cret', `${name}scratch`, 'Read-only', name,
    ]);
  });

  it('keeps the log of the container before the last restart for --previous', async () => {
    const name = await createPod({ command: sh('echo run; exit 1') });
    await until(name, waits('CrashLoopBackOff'));
    expect(await logOf(name, { previous: true })).toBe('run\n');
    await removed(name);
  });

  it('runs exec probes and gates Ready by them', async () => {
    const name = await createPod({ command: sh('trap "exit 0" TERM; sleep 1; touch /tmp/ready; while true; do sleep 0.1; done'), readinessProbe: { handler: { exec: { command: ['/bin/ls', '/tmp/ready'] } }, periodSeconds: 1 } });
    const running = await until(name, (pod) => main(pod)?.state?.running !== undefined);
    expect(isReady(running)).toBe(false);
    await until(name, isReady);
    await removed(name);
  });

  it('survives kill -9 of containerd: the container runs on, and its end is seen afterwards', async () => {
    const name = await createPod({ command: sh('trap "exit 9" TERM; while true; do sleep 0.1; done') }, { restartPolicy: 'Never' });
    const before = await until(name, isReady);
    await fixture.kill();
    await fixture.start();
    expect(main(await podClient().get('default', name))?.containerID).toBe(main(before)?.containerID);
    const id = (main(before)?.containerID ?? '').replace('containerd://', '');
    await runtime.stopContainer(id, 20);
    expect(main(await until(name, ended))?.state?.terminated).toMatchObject({ exitCode: 9 });
  });

  it('survives its own restart: no running container is touched, none is doubled', async () => {
    const name = await createPod({ command: forever });
    const before = await until(name, isReady);
    await kubelet.close();
    await startKubelet();
    const listed = await runtime.listContainers({ labels: { 'io.kubernetes.pod.uid': before.metadata?.uid ?? '' } });
    expect(listed.map(({ id }) => `containerd://${id}`)).toEqual([main(before)?.containerID]);
    expect(main(await podClient().get('default', name))).toEqual(main(before));
    await removed(name);
  });

  it('leaves nothing of a removed pod: sandbox, files, logs and cgroups', async () => {
    const name = await createPod({ command: forever });
    const { metadata } = await until(name, isReady);
    await removed(name);
    // The worker has done its last when another pod of the kubelet has come and gone by the same way.
    const uid = metadata?.uid ?? '';
    while ((await runtime.listPodSandboxes({ labels: { 'io.kubernetes.pod.uid': uid } })).length > 0 || existsSync(`/sys/fs/cgroup/memory${config.cgroupRoot}/kubepods/besteffort/pod${uid}`)) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(existsSync(`${config.rootDirectory}/pods/${uid}`)).toBe(false);
    expect(existsSync(`${config.podLogsDirectory}/default_${name}_${uid}`)).toBe(false);
  });
});
