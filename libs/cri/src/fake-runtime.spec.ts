import { ApiError, seededRandom, systemClock, VirtualClock } from '@navarch/base';
import { ContainerState, type ContainerConfig } from '@navarch/proto/runtime/v1/cri';

import type { FakeContainerPlan } from './fake-behaviour';
import { createFakeRuntime } from './fake-runtime';
import { containerRuntimeContract, contractPrograms, isListening } from './testing';

const plans: Readonly<Record<string, FakeContainerPlan>> = {
  untilTerm: { onTerm: { exitCode: 7, afterMs: 0 } },
  ignoresTerm: { onTerm: 'ignore' },
  exits0: { exitAfterMs: 5, exitCode: 0 },
  exits3: { exitAfterMs: 5, exitCode: 3 },
  missing: { startError: 'exec: "/no/such/command": stat /no/such/command: no such file or directory' },
};

containerRuntimeContract('the fake', async () => {
  const image = 'docker.io/library/test:1';
  const runtime = createFakeRuntime({
    clock: systemClock, random: seededRandom(1), images: [image], streamingServer: 'http://127.0.0.1:10010',
    behaviour: {
      plan: ({ command }) => plans[Object.entries(contractPrograms).find(([, program]) => program.join() === command?.join())?.[0] ?? ''] ?? {},
      exec: (_container, command) => (command[0] === '/bin/sleep' ? new Promise(() => undefined) : command === isListening ? { stdout: Buffer.of(), stderr: Buffer.of(), exitCode: 0 } : { stdout: Buffer.from('out\n'), stderr: Buffer.from('err\n'), exitCode: 4 }),
    },
  });
  return {
    runtime, image, cgroupParent: '/test', logDirectory: '/logs',
    async crashAndReturn() {
      runtime.crash();
      runtime.restart();
    },
    async close() {
      runtime.close();
    },
  };
});

describe('the fake runtime', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const config = (name = 'main'): ContainerConfig => ({ metadata: { name }, image: { image: 'test:1' } });
  const make = (plan: FakeContainerPlan = {}) => {
    const clock = new VirtualClock(1_000_000, turn);
    const runtime = createFakeRuntime({ clock, random: seededRandom(1), images: ['test:1'], behaviour: { plan: () => plan } });
    return { clock, runtime };
  };
  const sandbox = { metadata: { name: 'p', namespace: 'n', uid: 'u' } };

  it('fails every call while it is crashed, and breaks none of its containers', async () => {
    const { clock, runtime } = make({ exitAfterMs: 5_000, exitCode: 2 });
    const sandboxId = await runtime.runPodSandbox(sandbox);
    const id = await runtime.createContainer(sandboxId, config(), sandbox);
    await runtime.startContainer(id);
    runtime.crash();
    await expect(runtime.listContainers()).rejects.toMatchObject({ reason: 'Unavailable' });
    await clock.advance(6_000);
    runtime.restart();
    expect(await runtime.containerStatus(id)).toMatchObject({ state: ContainerState.CONTAINER_EXITED, exitCode: 2, finishedAt: '1005000000000' });
  });

  it('has everything dead after a reboot', async () => {
    const { runtime } = make();
    const sandboxId = await runtime.runPodSandbox(sandbox);
    const id = await runtime.createContainer(sandboxId, config(), sandbox);
    await runtime.startContainer(id);
    runtime.crash();
    runtime.reboot();
    expect(await runtime.containerStatus(id)).toMatchObject({ state: ContainerState.CONTAINER_EXITED, exitCode: 255 });
    expect((await runtime.listPodSandboxes())[0]?.state).toBe(1);
  });

  it('can do what it was asked and lose the answer', async () => {
    const clock = new VirtualClock(0, turn);
    const lost = new ApiError('Timeout', 'lost');
    const runtime = createFakeRuntime({ clock, random: seededRandom(1), behaviour: { fault: ({ name }) => (name === 'runPodSandbox' ? { error: lost, after: true } : undefined) } });
    await expect(runtime.runPodSandbox(sandbox)).rejects.toBe(lost);
    expect(await runtime.listPodSandboxes()).toHaveLength(1);
  });

  it('notices when two containers of one pod and name run at once', async () => {
    const { runtime } = make();
    for (const attempt of [0, 1]) {
      const sandboxId = await runtime.runPodSandbox({ metadata: { ...sandbox.metadata, attempt } });
      await runtime.startContainer(await runtime.createContainer(sandboxId, config(), sandbox));
    }
    expect([runtime.mostAtOnce, runtime.starts.length]).toEqual([2, 2]);
  });

  it('gives addresses of its range in turn, none of them twice at a time, and none of the node\'s own', async () => {
    const { runtime } = make();
    runtime.setAddressRange('10.244.9.128/29');
    const run = (name: string): Promise<string> => runtime.runPodSandbox({ metadata: { name, namespace: 'n', uid: name } });
    const addressOf = async (id: string): Promise<string | undefined> => (await runtime.podSandboxStatus(id)).network?.ip;
    const ids = await Promise.all(['a', 'b', 'c', 'd', 'e'].map(run));
    expect(await Promise.all(ids.map(addressOf))).toEqual([130, 131, 132, 133, 134].map((last) => `10.244.9.${last}`));
    await expect(run('f')).rejects.toThrow('no IP addresses available in range set');
    await runtime.removePodSandbox(ids[2] ?? '');
    expect(await addressOf(await run('f'))).toBe('10.244.9.132');
  });

  it('answers probes only when a container has run as long as its plan wants', async () => {
    const { clock, runtime } = make({ readyAfterMs: 3_000 });
    const sandboxId = await runtime.runPodSandbox(sandbox);
    const id = await runtime.createContainer(sandboxId, config(), sandbox);
    const look = async (): Promise<unknown[]> => [runtime.serves('10.244.0.2'), (await runtime.execSync(id, ['true'], 1)).exitCode];
    expect(runtime.serves('10.244.0.2')).toBe(false);
    await runtime.startContainer(id);
    expect(await look()).toEqual([false, 1]);
    await clock.advance(3_000);
    expect(await look()).toEqual([true, 0]);
    runtime.exitContainer(id, 0);
    expect(runtime.serves('10.244.0.2')).toBe(false);
  });
});
