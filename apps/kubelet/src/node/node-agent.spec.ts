import { leases, microTimeToMs, nodes, quantity } from '@navarch/api';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createRig, isPhase, isReadyPod, testImage, type Rig, type RigOptions } from '../testing/rig';
import { cniConfig } from './cni';

let rig: Rig;
const start = async (options: RigOptions = {}): Promise<Rig> => (rig = await createRig(options));
afterEach(() => rig.close());

const condition = async (type: string) => (await rig.node()).status?.conditions?.find((entry) => entry.type === type);

describe('the node', () => {
  it('registers with labels, capacity, allocatable, addresses, runtime and endpoint', async () => {
    await start({ config: { reserved: { cpu: '500m', memory: '1Gi' }, endpoint: 'unix:/run/k.sock', labels: { zone: 'a' } }, host: { machine: { cpus: 2, memoryBytes: 4 * 1024 ** 3 } } });
    const node = await rig.node();
    expect(node.metadata).toMatchObject({
      labels: { zone: 'a', 'kubernetes.io/hostname': 'node-1', 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': 'amd64' }, annotations: { 'navarch.io/kubelet-endpoint': 'unix:/run/k.sock', 'navarch.io/local-path-root': expect.stringMatching(/\/local-path$/) },
    });
    expect(node.status).toMatchObject({
      capacity: { cpu: quantity('2'), memory: quantity('4194304Ki'), pods: quantity('110') }, allocatable: { cpu: quantity('1500m'), memory: quantity('3145728Ki') },
      addresses: [{ type: 'InternalIP', address: '10.89.0.2' }, { type: 'Hostname', address: 'node-1' }], nodeInfo: { containerRuntimeVersion: 'fake://1', operatingSystem: 'linux', architecture: 'amd64' },
    });
  });

  it('has Kubernetes\' conditions with their reasons and messages', async () => {
    await start();
    expect((await rig.node()).status?.conditions?.map(({ type, status, reason, message }) => [type, status, reason, message])).toEqual([
      ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
      ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
      ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
      ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
    ]);
  });

  it('is under pressure where the machine is short of something, and no longer when it is not', async () => {
    let usage: { memoryAvailableBytes?: number } = { memoryAvailableBytes: 1024 };
    await start({ host: { usage: () => usage } });
    expect(await condition('MemoryPressure')).toMatchObject({ status: 'True', reason: 'KubeletHasInsufficientMemory' });
    usage = {};
    await rig.clock.advance(11_000);
    expect(await condition('MemoryPressure')).toMatchObject({ status: 'False' });
  });

  it('is ready only when the runtime\'s network is', async () => {
    await start();
    rig.runtime.setNetworkReady(false);
    await rig.clock.advance(11_000);
    expect(await condition('Ready')).toMatchObject({ status: 'False', reason: 'KubeletNotReady', message: expect.stringMatching(/NetworkReady=false/) as string });
    rig.runtime.setNetworkReady(true);
    await rig.clock.advance(1_000);
    expect(await condition('Ready')).toMatchObject({ status: 'True' });
  });

  it('renews its Lease every ten seconds, and writes an unchanged status every five minutes only', async () => {
    await start();
    await rig.clock.advance(60_000);
    const writes = rig.api.writes.filter((write) => /nodes/.test(write)).length;
    await rig.clock.advance(200_000);
    expect(rig.api.writes.filter((write) => /nodes/.test(write))).toHaveLength(writes);
    await rig.clock.advance(100_000);
    expect(rig.api.writes.filter((write) => /nodes/.test(write))).toHaveLength(writes + 1);
    const lease = await rig.api.client.resource(leases).get('kube-node-lease', 'node-1');
    expect(lease).toMatchObject({ spec: { holderIdentity: 'node-1', leaseDurationSeconds: 40 }, metadata: { ownerReferences: [{ kind: 'Node', name: 'node-1' }] } });
    expect(rig.clock.now() - microTimeToMs(lease.spec?.renewTime ?? {})).toBeLessThanOrEqual(10_000);
  });

  it('registers again when its object was deleted', async () => {
    await start();
    await rig.api.client.resource(nodes).delete('', 'node-1');
    await rig.clock.advance(11_000);
    expect(await condition('Ready')).toMatchObject({ status: 'True' });
  });

  it('keeps what others wrote: taints, the pod range, their labels and conditions', async () => {
    await start();
    await rig.api.client.resource(nodes).patch('', 'node-1', 'application/merge-patch+json', { metadata: { labels: { theirs: '1' } }, spec: { podCIDR: '10.244.3.0/24', taints: [{ key: 'k', effect: 'NoSchedule' }] } });
    await rig.restartKubelet();
    await rig.clock.advance(11_000);
    expect(await rig.node()).toMatchObject({ metadata: { labels: { theirs: '1' } }, spec: { podCIDR: '10.244.3.0/24', taints: [{ key: 'k' }] } });
  });

  it('writes the CNI configuration when it gets its pod range', async () => {
    const cni = { configDirectory: '/etc/cni/net.d', dataDirectory: '/var/lib/cni/n1', hostPorts: true };
    await start({ config: { cni } });
    expect(await rig.host.files.list('/etc/cni/net.d')).toEqual([]);
    await rig.api.client.resource(nodes).patch('', 'node-1', 'application/merge-patch+json', { spec: { podCIDR: '10.244.3.0/24' } });
    await rig.clock.advance(1_000);
    const text = (await rig.host.files.read('/etc/cni/net.d/10-navarch.conflist')).toString();
    expect(text).toBe(cniConfig(['10.244.3.0/24'], cni));
    expect(JSON.parse(text)).toMatchObject({ cniVersion: '1.0.0', plugins: [{ type: 'bridge', isGateway: true, ipMasq: false, ipam: { type: 'host-local', dataDir: '/var/lib/cni/n1', ranges: [[{ subnet: '10.244.3.0/24' }]] } }, { type: 'portmap' }] });
  });
});

describe('admission of pods that were bound to the node', () => {
  const create = (name: string, spec: Pod['spec'] = {}) => rig.createPod({ containers: [{ name: 'main', image: testImage, resources: { requests: { cpu: quantity('3') } } }], ...spec }, name);

  it('refuses what does not fit beside the others, with reason and numbers, and takes it when it is alone', async () => {
    await start();
    await create('first');
    await rig.until(isReadyPod, 'first');
    await create('second');
    const refused = await rig.until(isPhase('Failed'), 'second');
    expect(refused.status).toMatchObject({ reason: 'OutOfcpu', message: 'Pod was rejected: Node didn\'t have enough resource: cpu, requested: 3000, used: 3000, capacity: 4000' });
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons('second')).toEqual(['OutOfcpu: Pod was rejected: Node didn\'t have enough resource: cpu, requested: 3000, used: 3000, capacity: 4000']);
    expect(rig.runtime.starts.map(({ podUid }) => podUid)).toHaveLength(1);
    await rig.restartKubelet();
    await rig.clock.advance(5_000);
    expect(isReadyPod(await rig.pod('first'))).toBe(true);
    expect(isPhase('Failed')(await rig.pod('second'))).toBe(true);
  });

  it('refuses what the node does not match', async () => {
    await start();
    await create('web', { nodeSelector: { disk: 'ssd' } });
    expect((await rig.until(isPhase('Failed'))).status?.reason).toBe('NodeAffinity');
  });

  it('fails a pod that runs longer than its activeDeadlineSeconds', async () => {
    await start();
    await create('web', { activeDeadlineSeconds: 20 });
    await rig.until(isReadyPod);
    await rig.clock.advance(15_000);
    expect(isReadyPod(await rig.pod())).toBe(true);
    expect((await rig.until(isPhase('Failed'))).status).toMatchObject({ reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' });
  });
});
