import { nodes, pods } from '@navarch/api';
import { isNotFound, seededRandom, silentLogger, VirtualClock } from '@navarch/base';
import { createMemoryApi } from '@navarch/client/testing';
import type { Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { parseTaints } from '../node/taints';
import { startHollowNode, type HollowNode } from './hollow-node';
import { hollowAnnotations as does, parseDuration, planOf } from './hollow-programs';

const settle = async (): Promise<void> => { for (let round = 0; round < 6; round += 1) await new Promise((resolve) => setImmediate(resolve)); };

describe('what hollow containers do', () => {
  it.each<[string, Record<string, string>, object]>([
    ['for ever unless told', {}, {}],
    ['end after a while, well', { [does.exitAfter]: '1.5s' }, { exitAfterMs: 1_500 }],
    ['end after a while with a code', { [does.exitAfter]: '250ms', [does.exitCode]: '3' }, { exitAfterMs: 250, exitCode: 3 }],
    ['end at once where only the code is told', { [does.exitCode]: '1' }, { exitAfterMs: 0, exitCode: 1 }],
    ['are killed for their memory', { [does.exitReason]: 'OOMKilled', [does.exitAfter]: '2m' }, { exitAfterMs: 120_000, exitCode: 137, exitReason: 'OOMKilled' }],
    ['cannot be started', { [does.startError]: 'no such file' }, { startError: 'no such file' }],
    ['are ready later', { [does.readyAfter]: '3s' }, { readyAfterMs: 3_000 }],
    ['take their time to stop', { [does.stopTakes]: '2s' }, { onTerm: { exitCode: 143, afterMs: 2_000 } }],
    ['one container otherwise than the others', { [does.exitCode]: '1', [`${does.exitCode}.main`]: '0' }, { exitAfterMs: 0, exitCode: 0 }],
  ])('%s', (_what, annotations, plan) => expect(planOf('main', { annotations })).toEqual(plan));

  it('an annotation that cannot be read is said where users look: it is the container\'s start error', () => {
    expect(planOf('main', { annotations: { [does.exitAfter]: 'soon', [does.exitCode]: '300' } }).startError).toBe(
      'hollow.navarch.io/exit-code: "300" is not an exit code (0 to 255); hollow.navarch.io/exit-after: "soon" is not a duration such as 500ms, 3s or 2m');
    expect([parseDuration('1h'), parseDuration('5'), parseDuration(undefined)]).toEqual([3_600_000, undefined, undefined]);
  });
});

describe('a hollow node', () => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1), settle);
  const api = createMemoryApi({ clock, random: seededRandom(1) });
  const client = api.client.resource(pods);
  let node: HollowNode;
  beforeAll(async () => {
    node = await startHollowNode({ nodeName: 'hollow-1', client: api.client, clock, random: seededRandom(2), logger: silentLogger });
    let ready = false;
    void node.kubelet.ready.then(() => { ready = true; });
    await clock.advanceUntil(() => ready, 10_000);
  });
  afterAll(async () => {
    const closing = node.close();
    await clock.advance(60_000);
    await closing;
  });

  const readiness = async (): Promise<string | undefined> => (await api.client.resource(nodes).get('', 'hollow-1')).status?.conditions?.find(({ type }) => type === 'Ready')?.status;
  const run = async (name: string, annotations: Record<string, string> = {}, spec: PodSpec = {}): Promise<void> => {
    await client.create({ metadata: { namespace: 'default', name, annotations }, spec: { nodeName: 'hollow-1', terminationGracePeriodSeconds: 5, containers: [{ name: 'main', image: 'any/image:1' }], ...spec } });
    await clock.advance(200);
  };
  const ready = (pod: Pod): string | undefined => pod.status?.conditions?.find(({ type }) => type === 'Ready')?.status;

  it('is labelled and tainted, so that ordinary pods stay on real nodes, and Ready once it has its pod range', async () => {
    const found = await api.client.resource(nodes).get('', 'hollow-1');
    expect([found.metadata?.labels?.['navarch.io/hollow'], found.spec?.taints, await readiness()]).toEqual(['true', [{ key: 'navarch.io/hollow', value: 'true', effect: 'NoSchedule' }], 'False']);
    await api.client.resource(nodes).update({ ...found, spec: { ...found.spec, podCIDR: '10.244.7.0/25', podCIDRs: ['10.244.7.0/25'] } });
    await clock.advance(1_000);
    expect(await readiness()).toBe('True');
  });

  it('runs a pod of any image, with an address of its range and a line in its log', async () => {
    await run('web');
    const pod = await client.get('default', 'web');
    expect([pod.status?.phase, ready(pod), pod.status?.podIP]).toEqual(['Running', 'True', '10.244.7.2']);
    const lines: string[] = [];
    for await (const data of node.kubelet.logs.read({ namespace: 'default', pod: 'web', options: {} }, new AbortController().signal)) lines.push(Buffer.from(data).toString());
    expect(lines.join('')).toBe('main runs on hollow node hollow-1\n');
  });

  it('answers probes of every kind when the pod is up, and not before', async () => {
    const handlers = [{ httpGet: { port: { type: 0, intVal: 80 } } }, { tcpSocket: { port: { type: 0, intVal: 80 } } }, { exec: { command: ['true'] } }];
    for (const [index, handler] of handlers.entries()) await run(`probed-${index}`, { [does.readyAfter]: '4s' }, { containers: [{ name: 'main', image: 'x', readinessProbe: { handler, periodSeconds: 1 } }] });
    const all = async () => Promise.all(handlers.map(async (_, index) => ready(await client.get('default', `probed-${index}`))));
    await clock.advance(2_000);
    expect(await all()).toEqual(['False', 'False', 'False']);
    await clock.advance(4_000);
    expect(await all()).toEqual(['True', 'True', 'True']);
  });

  it('lets containers end as their annotations say: well, badly, out of memory, not at all', async () => {
    const never: PodSpec = { restartPolicy: 'Never' };
    await run('well', { [does.exitAfter]: '1s' }, never);
    await run('badly', { [does.exitAfter]: '1s', [does.exitCode]: '3' }, never);
    await run('memory', { [does.exitReason]: 'OOMKilled' }, never);
    await clock.advance(3_000);
    const end = async (name: string) => {
      const { status } = await client.get('default', name);
      const { exitCode = 0, reason } = status?.containerStatuses?.[0]?.state?.terminated ?? {};
      return [status?.phase, exitCode, reason];
    };
    expect([await end('well'), await end('badly'), await end('memory')]).toEqual([['Succeeded', 0, 'Completed'], ['Failed', 3, 'Error'], ['Failed', 137, 'OOMKilled']]);
  });

  it('lets go of a deleted pod when its containers have stopped, and has nothing of it left', async () => {
    await run('slow', { [does.stopTakes]: '2s' });
    await client.delete('default', 'slow');
    await clock.advance(1_000);
    expect((await client.get('default', 'slow')).metadata?.deletionTimestamp).toBeDefined();
    await clock.advance(3_000);
    await expect(client.get('default', 'slow').then(() => false, isNotFound)).resolves.toBe(true);
    expect((await node.runtime.listPodSandboxes()).map(({ metadata }) => metadata?.name)).not.toContain('slow');
  });
});

describe('--register-with-taints', () => {
  it('takes key=value:effect and key:effect, and says what is wrong with others', () => {
    expect(parseTaints(['a=b:NoSchedule', 'a:NoExecute'])).toEqual([{ key: 'a', value: 'b', effect: 'NoSchedule' }, { key: 'a', effect: 'NoExecute' }]);
    for (const bad of ['a', 'a=b', 'a=b:Never', ':NoSchedule']) expect(() => parseTaints([bad])).toThrow(`--register-with-taints: "${bad}"`);
  });
});
