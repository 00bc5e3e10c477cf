import type { Container, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createRig, isReadyPod, testImage, type Rig, type RigOptions } from './testing/rig';

let rig: Rig;
afterEach(() => rig.close());

const ok = { stdout: new Uint8Array(), stderr: new Uint8Array(), exitCode: 0 };
const bad = { stdout: Buffer.from('sick'), stderr: new Uint8Array(), exitCode: 1 };
const begin = async (container: Container, options: RigOptions = {}): Promise<void> => {
  rig = await createRig(options);
  await rig.createPod({ containers: [{ name: 'main', image: testImage, ...container }] });
};
const main = (pod: Pod) => pod.status?.containerStatuses?.[0];
const exec = (change: object) => ({ handler: { exec: { command: ['check'] } }, periodSeconds: 2, ...change });

describe('probes', () => {
  it('readiness gates Ready, takes it away after failureThreshold failures and gives it back, without a restart', async () => {
    let healthy = false;
    await begin({ readinessProbe: exec({ failureThreshold: 2 }) }, { behaviour: { exec: () => (healthy ? ok : bad) } });
    await rig.until((pod) => main(pod)?.started === true);
    await rig.clock.advance(5_000);
    expect(isReadyPod(await rig.pod())).toBe(false);
    healthy = true;
    await rig.until(isReadyPod, 'web', 3_000);
    healthy = false;
    await rig.clock.advance(1_000);
    expect(isReadyPod(await rig.pod())).toBe(true);
    const unready = await rig.until((pod) => !isReadyPod(pod), 'web', 5_000);
    expect(unready.status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ reason: 'ContainersNotReady', message: 'containers with unready status: [main]' });
    expect(rig.runtime.starts).toHaveLength(1);
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toContain('Unhealthy: Readiness probe failed: sick');
  });

  it('liveness restarts the container after failureThreshold failures', async () => {
    await begin({ livenessProbe: exec({ initialDelaySeconds: 10, failureThreshold: 3 }) }, { behaviour: { exec: () => bad } });
    await rig.until(isReadyPod);
    await rig.clock.advance(13_000);
    expect(rig.runtime.starts).toHaveLength(1);
    const pod = await rig.until((entry) => main(entry)?.restartCount === 1, 'web', 5_000);
    expect(main(pod)?.lastState?.terminated?.exitCode).toBe(143);
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toEqual(expect.arrayContaining(['Unhealthy: Liveness probe failed: sick', 'Killing: Container main failed liveness probe, will be restarted']));
  });

  it('startup holds the others back until it has passed', async () => {
    const asked: string[] = [];
    let up = false;
    await begin({
      startupProbe: { handler: { exec: { command: ['startup'] } }, periodSeconds: 1, failureThreshold: 30 },
      livenessProbe: { handler: { exec: { command: ['liveness'] } }, periodSeconds: 1 },
    }, { behaviour: { exec: (_container, command) => { asked.push(command[0] ?? ''); return command[0] === 'startup' && !up ? bad : ok; } } });
    await rig.clock.advance(5_000);
    expect([new Set(asked), main(await rig.pod())?.started ?? false]).toEqual([new Set(['startup']), false]);
    up = true;
    await rig.until(isReadyPod, 'web', 3_000);
    await rig.clock.advance(2_000);
    expect(asked.at(-1)).toBe('liveness');
  });

  it('a command that hangs fails its probe by its timeout', async () => {
    await begin({ livenessProbe: exec({ timeoutSeconds: 1, failureThreshold: 1, periodSeconds: 5 }) }, { behaviour: { exec: () => new Promise(() => undefined) } });
    await rig.until((pod) => main(pod)?.restartCount === 1, 'web', 20_000);
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toContain('Unhealthy: Liveness probe failed: command timed out: "check" timed out after 1s');
  });

  it.each([[200, true], [302, true], [404, false], [500, false]])('http: status %i counts as %s, asked at the pod\'s address and named port with its headers', async (status, good) => {
    const asked: unknown[] = [];
    await begin({
      ports: [{ name: 'web', containerPort: 8080 }],
      readinessProbe: { handler: { httpGet: { path: '/ok', port: { type: 1, strVal: 'web' }, httpHeaders: [{ name: 'X-A', value: '1' }] } }, periodSeconds: 1 },
    }, { host: { network: { httpGet: async (request) => { asked.push(request); return { status, body: '' }; } } } });
    await rig.until((pod) => main(pod)?.started === true);
    await rig.clock.advance(3_000);
    expect(isReadyPod(await rig.pod())).toBe(good);
    expect(asked[0]).toEqual({ scheme: 'HTTP', host: '10.244.0.2', port: 8080, path: '/ok', headers: [['X-A', '1']] });
    if (!good) expect(await rig.eventReasons()).toContain(`Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: ${status}`);
  });

  it('tcp: ready when somebody accepts', async () => {
    let listening = false;
    await begin({ readinessProbe: { handler: { tcpSocket: { port: { type: 0, intVal: 5432 } } }, periodSeconds: 1 } }, {
      host: { network: { connect: async () => { if (!listening) throw new Error('connect: connection refused'); } } },
    });
    await rig.clock.advance(3_000);
    expect(isReadyPod(await rig.pod())).toBe(false);
    listening = true;
    await rig.until(isReadyPod, 'web', 3_000);
  });

  it('a restarted kubelet does not take Ready away from a container that had it', async () => {
    await begin({ readinessProbe: exec({ periodSeconds: 30 }) }, { behaviour: { exec: () => ok } });
    const before = await rig.until(isReadyPod);
    await rig.restartKubelet();
    await rig.clock.advance(10_000);
    expect((await rig.pod()).metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
  });
});
