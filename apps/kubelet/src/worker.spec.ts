import type { Pod, PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { createRig, isPhase, isReadyPod, testImage, waitsFor, type Rig, type RigOptions } from './testing/rig';

let rig: Rig;
const start = async (options: RigOptions = {}): Promise<Rig> => (rig = await createRig(options));
afterEach(() => rig.close());

const one = (spec: Partial<PodSpec> = {}, container: NonNullable<PodSpec['containers']>[number] = {}): PodSpec => ({ containers: [{ name: 'main', image: testImage, ...container }], ...spec });
const status = (pod: Pod) => pod.status?.containerStatuses?.[0];
const conditions = (pod: Pod): string[] => (pod.status?.conditions ?? []).map(({ type, status: value, reason }) => `${type}=${value}${reason ? ` ${reason}` : ''}`).sort();

describe('a pod on the fake runtime', () => {
  it('goes through sandbox, image, create and start to Ready, with the status Kubernetes reports', async () => {
    await start();
    await rig.createPod(one());
    const pod = await rig.until(isReadyPod);
    expect(pod.status).toMatchObject({
      phase: 'Running', podIP: '10.244.0.2', podIPs: [{ ip: '10.244.0.2' }], hostIP: '10.89.0.2', hostIPs: [{ ip: '10.89.0.2' }], qosClass: 'BestEffort',
      containerStatuses: [{ name: 'main', ready: true, started: true, image: testImage, containerID: expect.stringMatching(/^containerd:\/\/[0-9a-f]{64}$/) as string, state: { running: { startedAt: {} } } }],
    });
    expect(conditions(pod)).toEqual(['ContainersReady=True', 'Initialized=True', 'PodReadyToStartContainers=True', 'Ready=True']);
    expect(pod.status?.startTime).toBeDefined();
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toEqual([`Pulled: Container image "${testImage}" already present on machine`, 'Created: Created container: main', 'Started: Started container main']);
  });

  it('pulls an image that is not there, and says so', async () => {
    await start();
    await rig.createPod(one({}, { image: 'docker.io/library/other:2' }));
    await rig.until(isReadyPod);
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toEqual(expect.arrayContaining([
      'Pulling: Pulling image "docker.io/library/other:2"', expect.stringMatching(/^Pulled: Successfully pulled image "docker.io\/library\/other:2" in \d+s/) as string,
    ]));
  });

  it('says ErrImagePull, then ImagePullBackOff, of an image that does not exist, and runs it when it appears', async () => {
    let exists = false;
    await start({ behaviour: { pullable: () => exists } });
    await rig.createPod(one({}, { image: 'no-such-image:1' }));
    const failed = await rig.until(waitsFor('ErrImagePull'));
    expect(status(failed)?.state?.waiting?.message).toMatch(/failed to pull and unpack image "docker.io\/library\/no-such-image:1": not found/);
    expect([failed.status?.phase, ...conditions(failed)]).toEqual(['Pending', 'ContainersReady=False ContainersNotReady', 'Initialized=True', 'PodReadyToStartContainers=True', 'Ready=False ContainersNotReady']);
    const waiting = await rig.until(waitsFor('ImagePullBackOff'));
    expect(status(waiting)?.state?.waiting?.message).toMatch(/^Back-off pulling image "no-such-image:1": ErrImagePull: /);
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toEqual(expect.arrayContaining([
      'Failed: Error: ErrImagePull', 'BackOff: Back-off pulling image "no-such-image:1"', 'Failed: Error: ImagePullBackOff',
      expect.stringMatching(/^Failed: Failed to pull image "no-such-image:1": /) as string,
    ]));
    exists = true;
    await rig.until(isReadyPod);
  });

  it.each([
    ['ErrImageNeverPull', { image: 'no-such-image:1', imagePullPolicy: 'Never' }, 'Container image "no-such-image:1" is not present with pull policy of Never'],
    ['InvalidImageName', { image: 'Not/A:Valid:Name' }, 'Failed to apply default image tag "Not/A:Valid:Name": couldn\'t parse image name "Not/A:Valid:Name": invalid reference format'],
    ['CreateContainerConfigError', { env: [{ name: 'A', valueFrom: { configMapKeyRef: { localObjectReference: { name: 'none' }, key: 'k' } } }] }, 'configmap "none" not found'],
  ])('says %s where that is what is wrong', async (reason, container, message) => {
    await start();
    await rig.createPod(one({}, container));
    expect(status(await rig.until(waitsFor(reason)))?.state?.waiting?.message).toBe(message);
  });

  it('says RunContainerError, then CrashLoopBackOff with StartError and 128, of a command that does not exist', async () => {
    await start({ behaviour: { plan: () => ({ startError: 'exec: "/none": no such file or directory' }) } });
    await rig.createPod(one());
    const pod = await rig.until(waitsFor('CrashLoopBackOff'));
    expect(status(pod)).toMatchObject({ lastState: { terminated: { exitCode: 128, reason: 'StartError', message: 'exec: "/none": no such file or directory' } } });
    expect(pod.status?.phase).toBe('Running');
    await rig.clock.advance(1_000);
    expect(await rig.eventReasons()).toEqual(expect.arrayContaining(['Failed: Error: exec: "/none": no such file or directory', expect.stringMatching(/^BackOff: Back-off restarting failed container main in pod web_default\(/) as string]));
  });

  it('restarts what ends at once, then after 10 s, doubling to 5 min', async () => {
    await start({ behaviour: { plan: () => ({ exitAfterMs: 100, exitCode: 3 }) } });
    await rig.createPod(one());
    const starts: number[] = [];
    const seen = (): number => rig.runtime.starts.length;
    for (let count = 0; starts.length < 9;) {
      await rig.clock.advance(50);
      if (seen() > count) {
        count = seen();
        starts.push(rig.clock.now());
      }
    }
    const gaps = starts.slice(1).map((at, index) => Math.round((at - (starts[index] ?? 0)) / 1000));
    expect(gaps).toEqual([0, 10, 20, 40, 80, 160, 300, 300]);
    const pod = await rig.until(waitsFor('CrashLoopBackOff'));
    expect(status(pod)?.state?.waiting?.message).toMatch(/^back-off 5m0s restarting failed container=main pod=web_default\([0-9a-f-]+\)$/);
    expect(status(pod)).toMatchObject({ restartCount: 8, lastState: { terminated: { exitCode: 3, reason: 'Error' } } });
    expect(rig.runtime.mostAtOnce).toBe(1);
  });

  it('forgets the back-off of a container that ran for more than ten minutes', async () => {
    let quick = true;
    await start({ behaviour: { plan: () => ({ exitAfterMs: quick ? 100 : 11 * 60_000, exitCode: 1 }) } });
    await rig.createPod(one());
    await rig.until(waitsFor('CrashLoopBackOff'));
    quick = false;
    await rig.until((pod) => pod.status?.containerStatuses?.[0]?.restartCount === 2, 'web', 60_000);
    const before = rig.runtime.starts.length;
    await rig.clock.advance(11 * 60_000 + 1_000);
    expect(rig.runtime.starts.length).toBe(before + 1);
  });

  it.each([
    ['Always', 0, 'Running', 2], ['OnFailure', 0, 'Succeeded', 1], ['OnFailure', 5, 'Running', 2], ['Never', 0, 'Succeeded', 1], ['Never', 5, 'Failed', 1],
  ])('obeys restartPolicy %s after exit code %i: %s', async (restartPolicy, exitCode, phase, starts) => {
    await start({ behaviour: { plan: () => ({ exitAfterMs: 200, exitCode }) } });
    await rig.createPod(one({ restartPolicy }));
    await rig.clock.advance(5_000);
    const pod = await rig.until(isPhase(phase));
    expect(rig.runtime.starts).toHaveLength(starts);
    if (starts > 1) return;
    expect(status(pod)?.state?.terminated).toMatchObject({ reason: exitCode ? 'Error' : 'Completed', ...(exitCode && { exitCode }) });
    const why = exitCode ? 'PodFailed' : 'PodCompleted';
    expect(conditions(pod)).toEqual([`ContainersReady=False ${why}`, `Initialized=True${exitCode ? '' : ' PodCompleted'}`, 'PodReadyToStartContainers=False', `Ready=False ${why}`]);
  });

  it('reports OOMKilled with 137', async () => {
    await start({ behaviour: { plan: () => ({ exitAfterMs: 100, exitCode: 137, exitReason: 'OOMKilled' }) } });
    await rig.createPod(one({ restartPolicy: 'Never' }));
    expect(status(await rig.until(isPhase('Failed')))?.state?.terminated).toMatchObject({ exitCode: 137, reason: 'OOMKilled' });
  });

  it('runs init containers one by one, each to its success, before the others', async () => {
    await start({ behaviour: { plan: ({ metadata }) => (metadata?.name === 'main' ? {} : { exitAfterMs: 1_000 }) } });
    await rig.createPod(one({ initContainers: [{ name: 'first', image: testImage }, { name: 'second', image: testImage }] }));
    const pod = await rig.until((entry) => entry.status?.initContainerStatuses?.[0]?.state?.running !== undefined);
    expect(status(pod)?.state?.waiting?.reason).toBe('PodInitializing');
    expect(conditions(pod)).toContain('Initialized=False ContainersNotInitialized');
    expect(pod.status?.conditions?.find(({ type }) => type === 'Initialized')?.message).toBe('containers with incomplete status: [first second]');
    const ready = await rig.until(isReadyPod);
    expect(rig.runtime.starts.map(({ name }) => name)).toEqual(['first', 'second', 'main']);
    expect(ready.status?.initContainerStatuses?.map((entry) => [entry.ready, entry.state?.terminated?.reason])).toEqual([[true, 'Completed'], [true, 'Completed']]);
  });

  it('fails a pod that never restarts when an init container fails', async () => {
    await start({ behaviour: { plan: () => ({ exitAfterMs: 100, exitCode: 1 }) } });
    await rig.createPod(one({ restartPolicy: 'Never', initContainers: [{ name: 'init', image: testImage }] }));
    await rig.until(isPhase('Failed'));
    expect(rig.runtime.starts.map(({ name }) => name)).toEqual(['init']);
  });

  it('keeps restartable init containers running beside the others, starts them first and ends them last', async () => {
    await start({ behaviour: { plan: ({ metadata }) => ({ onTerm: { exitCode: 0, afterMs: metadata?.name === 'main' ? 3_000 : 1_000 } }) } });
    await rig.createPod(one({ initContainers: [{ name: 'proxy', image: testImage, restartPolicy: 'Always' }] }));
    await rig.until(isReadyPod);
    expect(rig.runtime.starts.map(({ name }) => name)).toEqual(['proxy', 'main']);
    await rig.api.client.resource((await import('@navarch/api')).pods).delete('default', 'web');
    const ending = await rig.until((pod) => status(pod)?.state?.terminated !== undefined);
    expect(ending.status?.initContainerStatuses?.[0]?.state?.running).toBeDefined();
    await rig.untilGone();
  });
});

describe('deletion', () => {
  const remove = async (grace?: number): Promise<void> => {
    const { pods } = await import('@navarch/api');
    await rig.api.client.resource(pods).delete('default', 'web', grace === undefined ? {} : { deleteOptions: { gracePeriodSeconds: grace } });
  };

  it('gives the grace, then kills; the API forgets the pod only when nothing runs', async () => {
    await start({ behaviour: { plan: () => ({ onTerm: 'ignore' }) } });
    await rig.createPod(one({ terminationGracePeriodSeconds: 20 }));
    await rig.until(isReadyPod);
    await remove();
    await rig.clock.advance(15_000);
    expect(status(await rig.pod())?.state?.running).toBeDefined();
    await rig.untilGone('web', 10_000);
    await rig.clock.advance(1_000);
    expect(await rig.runtime.listPodSandboxes()).toEqual([]);
    expect(await rig.eventReasons()).toContain('Killing: Stopping container main');
    expect(await rig.host.files.list('/var/lib/kubelet/pods')).toEqual([]);
    expect(await rig.host.files.list('/var/log/pods')).toEqual([]);
  });

  it('shortens the grace under way when the pod is deleted again with less', async () => {
    await start({ behaviour: { plan: () => ({ onTerm: 'ignore' }) } });
    await rig.createPod(one({ terminationGracePeriodSeconds: 600 }));
    await rig.until(isReadyPod);
    await remove();
    await rig.clock.advance(5_000);
    await remove(2);
    await rig.untilGone('web', 6_000);
  });

  it('runs preStop within the grace, before SIGTERM', async () => {
    const calls: string[] = [];
    await start({ behaviour: { exec: (_container, command) => { calls.push(command.join(' ')); return { stdout: new Uint8Array(), stderr: new Uint8Array(), exitCode: 0 }; }, fault: ({ name }) => { if (name === 'stopContainer') calls.push('stop'); return undefined; } } });
    await rig.createPod(one({}, { lifecycle: { preStop: { exec: { command: ['drain'] } } } }));
    await rig.until(isReadyPod);
    await remove();
    await rig.untilGone();
    expect(calls).toEqual(['drain', 'stop']);
  });

  it('ends a pod that is still waiting for its image', async () => {
    await start({ behaviour: { fault: ({ name }) => (name === 'pullImage' ? { delayMs: 600_000 } : undefined) } });
    await rig.createPod(one({}, { image: 'slow:1' }));
    await rig.until((pod) => pod.status?.startTime !== undefined);
    await remove();
    await rig.untilGone('web', 10_000);
    expect(rig.runtime.starts).toEqual([]);
  });

  it('ends one pod and runs the next of the same name beside it, each by its uid', async () => {
    await start({ behaviour: { plan: () => ({ onTerm: { exitCode: 0, afterMs: 4_000 } }) } });
    await rig.createPod(one());
    const first = await rig.until(isReadyPod);
    const resume = rig.api.pauseWatches();
    await remove(0);
    await rig.createPod(one());
    resume();
    const second = await rig.until((pod) => isReadyPod(pod) && pod.metadata?.uid !== first.metadata?.uid);
    await rig.clock.advance(10_000);
    expect((await rig.runtime.listPodSandboxes()).map(({ metadata }) => metadata?.uid)).toEqual([second.metadata?.uid]);
  });

  it('removes what belongs to a pod that vanished from the API while the kubelet was away', async () => {
    await start();
    await rig.createPod(one());
    await rig.until(isReadyPod);
    const closing = rig.kubelet.close();
    await rig.clock.advance(1_000);
    await closing;
    await remove(0);
    await rig.restartKubelet();
    await rig.clock.advance(15_000);
    expect(await rig.runtime.listPodSandboxes()).toEqual([]);
  });
});

describe('restarts around a pod', () => {
  it('finds running containers again after the kubelet restarted, and touches none', async () => {
    await start();
    await rig.createPod(one());
    const before = await rig.until(isReadyPod);
    await rig.restartKubelet();
    await rig.clock.advance(30_000);
    const after = await rig.pod();
    expect(rig.runtime.starts).toHaveLength(1);
    expect(status(after)).toEqual(status(before));
    expect(after.status?.conditions).toEqual(before.status?.conditions);
    expect(after.metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
  });

  it('learns what ended while it was away, and keeps counting restarts and back-off', async () => {
    await start({ behaviour: { plan: () => ({ exitAfterMs: 100, exitCode: 1 }) } });
    await rig.createPod(one());
    await rig.until((pod) => status(pod)?.restartCount === 2, 'web', 60_000);
    await rig.until(waitsFor('CrashLoopBackOff'));
    await rig.restartKubelet();
    const pod = await rig.until(waitsFor('CrashLoopBackOff'));
    expect(status(pod)?.restartCount).toBe(2);
    expect(status(pod)?.state?.waiting?.message).toMatch(/^back-off 20s/);
    await rig.until((entry) => status(entry)?.restartCount === 3, 'web', 30_000);
    expect(rig.runtime.mostAtOnce).toBe(1);
  });

  it('waits out a runtime that is down and loses nothing', async () => {
    await start({ behaviour: { plan: () => ({ exitAfterMs: 20_000, exitCode: 4 }) } });
    await rig.createPod(one({ restartPolicy: 'Never' }));
    await rig.until(isReadyPod);
    rig.runtime.crash();
    await rig.clock.advance(30_000);
    expect((await rig.node()).status?.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'KubeletNotReady' });
    expect(isPhase('Running')(await rig.pod())).toBe(true);
    rig.runtime.restart();
    const pod = await rig.until(isPhase('Failed'));
    expect(status(pod)?.state?.terminated).toMatchObject({ exitCode: 4 });
    expect(rig.runtime.starts).toHaveLength(1);
  });

  it('makes a new sandbox and new containers after the machine rebooted', async () => {
    await start();
    await rig.createPod(one());
    await rig.until(isReadyPod);
    rig.runtime.crash();
    rig.runtime.reboot();
    const pod = await rig.until((entry) => status(entry)?.restartCount === 1 && isReadyPod(entry));
    expect(status(pod)?.lastState?.terminated).toMatchObject({ exitCode: 255 });
    expect(rig.runtime.mostAtOnce).toBe(1);
  });

  it('does not run a pod that never restarts a second time after a reboot', async () => {
    await start();
    await rig.createPod(one({ restartPolicy: 'Never' }));
    await rig.until(isReadyPod);
    rig.runtime.crash();
    rig.runtime.reboot();
    await rig.until(isPhase('Failed'));
    await rig.clock.advance(60_000);
    expect(rig.runtime.starts).toHaveLength(1);
  });
});
