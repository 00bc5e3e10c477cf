import { ApiError, type hasReason } from '@navarch/base';
import { ContainerState, PodSandboxState, type ContainerConfig, type ContainerStatus, type PodSandboxConfig } from '@navarch/proto/runtime/v1/cri';

import type { ContainerRuntime, RuntimeEvent } from '../container-runtime';

/** What contract containers run. A fake is told by these commands what to do. */
export const contractPrograms = {
  untilTerm: ['/bin/sh', '-c', 'trap "exit 7" TERM; touch /up; while true; do sleep 0.05; done'],
  ignoresTerm: ['/bin/sh', '-c', 'trap "" TERM; touch /up; while true; do sleep 0.05; done'],
  exits0: ['/bin/sh', '-c', 'exit 0'],
  exits3: ['/bin/sh', '-c', 'exit 3'],
  missing: ['/no/such/command'],
} as const;

/** Fails until a program that listens for SIGTERM does so; a fake's programs always do. */
export const isListening = ['/bin/sh', '-c', 'test -e /up'];

export interface RuntimeUnderTest {
  readonly runtime: ContainerRuntime;
  /** An image it has. */
  readonly image: string;
  readonly cgroupParent: string;
  readonly logDirectory: string;
  /** The runtime's process dies and comes back; its containers live on. */
  crashAndReturn(): Promise<void>;
  close(): Promise<void>;
}

type Program = keyof typeof contractPrograms;

/** What a kubelet relies on, of every ContainerRuntime. One runtime serves all tests; each makes its own sandboxes. */
export function containerRuntimeContract(name: string, make: () => Promise<RuntimeUnderTest>): void {
  describe(`ContainerRuntime contract: ${name}`, () => {
    let under: RuntimeUnderTest;
    let pods = 0;

    beforeAll(async () => { under = await make(); }, 60_000);
    afterAll(async () => { await under?.close(); }, 60_000);

    const sandboxConfig = (attempt = 0, uid = `uid-${pods += 1}`): PodSandboxConfig => ({
      metadata: { name: uid, namespace: 'contract', uid, attempt }, labels: { uid, suite: 'contract' }, annotations: { note: 'kept' },
      logDirectory: `${under.logDirectory}/${uid}`, linux: { cgroupParent: `${under.cgroupParent}/${uid}`, securityContext: {} },
    });
    const containerConfig = (program: Program, containerName = 'main', attempt = 0): ContainerConfig => ({
      metadata: { name: containerName, attempt }, image: { image: under.image }, command: [...contractPrograms[program]], labels: { container: containerName, suite: 'contract' },
      annotations: { restarts: String(attempt) }, logPath: `${containerName}-${attempt}.log`, linux: { resources: {}, securityContext: {} },
    });
    const runPod = async (): Promise<{ sandboxId: string; config: PodSandboxConfig }> => {
      const config = sandboxConfig();
      return { sandboxId: await under.runtime.runPodSandbox(config), config };
    };
    const startContainer = async (program: Program): Promise<{ sandboxId: string; id: string }> => {
      const { sandboxId, config } = await runPod();
      const id = await under.runtime.createContainer(sandboxId, containerConfig(program), config);
      await under.runtime.startContainer(id);
      // A shell that is stopped before its trap is set ends as one without.
      if (program === 'untilTerm' || program === 'ignoresTerm') while ((await under.runtime.execSync(id, isListening, 10)).exitCode !== 0);
      return { sandboxId, id };
    };
    const failsWith = async (call: Promise<unknown>, ...reasons: Parameters<typeof hasReason>[1][]): Promise<void> => {
      const error: unknown = await call.then(() => undefined, (thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ApiError);
      expect(reasons).toContain((error as ApiError).reason);
    };
    /** Waits for the event that tells of the end, then for the status, which may trail it: by milliseconds, or more on a busy machine. */
    const untilExited = async (id: string, events: AsyncIterator<RuntimeEvent>): Promise<ContainerStatus> => {
      for (;;) {
        const { value } = await events.next() as { value: RuntimeEvent };
        if (value.type === 'stopped' && value.containerId === id) break;
      }
      for (;;) {
        const status = await under.runtime.containerStatus(id);
        if (status.state === ContainerState.CONTAINER_EXITED) return status;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };
    const withEvents = async <T>(work: (events: AsyncIterator<RuntimeEvent>) => Promise<T>): Promise<T> => {
      const stop = new AbortController();
      const events = under.runtime.events(stop.signal)[Symbol.asyncIterator]();
      try {
        expect(await events.next()).toEqual({ done: false, value: { type: 'resync' } });
        return await work(events);
      } finally {
        stop.abort();
        await events.return?.();
      }
    };

    it('says who it is and that runtime and network are ready', async () => {
      expect((await under.runtime.version()).name).not.toBe('');
      expect(await under.runtime.health()).toEqual({ runtimeReady: true, networkReady: true, message: '' });
    });

    it('runs a sandbox with an address, labels, annotations and metadata, and lists it by label', async () => {
      const { sandboxId, config } = await runPod();
      const status = await under.runtime.podSandboxStatus(sandboxId);
      expect(status.network?.ip).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
      expect(status.state ?? PodSandboxState.SANDBOX_READY).toBe(PodSandboxState.SANDBOX_READY);
      expect(status.metadata).toMatchObject({ uid: config.metadata?.uid, namespace: 'contract' });
      expect(status).toMatchObject({ labels: config.labels, annotations: { note: 'kept' } });
      expect(BigInt(status.createdAt ?? '0')).toBeGreaterThan(0n);
      const listed = await under.runtime.listPodSandboxes({ labels: { uid: config.metadata?.uid ?? '' } });
      expect(listed.map(({ id }) => id)).toEqual([sandboxId]);
    });

    it('refuses a second sandbox of the same name and attempt, and takes the next attempt', async () => {
      const { config } = await runPod();
      await failsWith(under.runtime.runPodSandbox(config), 'AlreadyExists');
      await under.runtime.runPodSandbox(sandboxConfig(1, config.metadata?.uid));
    });

    it('stops a sandbox with all that runs in it, twice if asked, and removes it', async () => {
      const { sandboxId, id } = await startContainer('ignoresTerm');
      await under.runtime.stopPodSandbox(sandboxId);
      await under.runtime.stopPodSandbox(sandboxId);
      expect((await under.runtime.podSandboxStatus(sandboxId)).state).toBe(PodSandboxState.SANDBOX_NOTREADY);
      expect((await under.runtime.containerStatus(id)).state).toBe(ContainerState.CONTAINER_EXITED);
      await under.runtime.removePodSandbox(sandboxId);
      await under.runtime.removePodSandbox(sandboxId);
      await failsWith(under.runtime.podSandboxStatus(sandboxId), 'NotFound');
      await failsWith(under.runtime.containerStatus(id), 'NotFound');
    });

    it('creates, then starts a container, and says when', async () => {
      const { sandboxId, config } = await runPod();
      const id = await under.runtime.createContainer(sandboxId, containerConfig('untilTerm'), config);
      const created = await under.runtime.containerStatus(id);
      expect(created.state ?? ContainerState.CONTAINER_CREATED).toBe(ContainerState.CONTAINER_CREATED);
      expect(created).toMatchObject({ labels: { container: 'main' }, annotations: { restarts: '0' }, metadata: { name: 'main' } });
      await under.runtime.startContainer(id);
      const running = await under.runtime.containerStatus(id);
      expect(running.state).toBe(ContainerState.CONTAINER_RUNNING);
      expect(BigInt(running.startedAt ?? '0')).toBeGreaterThan(0n);
      const listed = await under.runtime.listContainers({ sandboxId, labels: { container: 'main' } });
      expect(listed.map((entry) => [entry.id, entry.podSandboxId, entry.state])).toEqual([[id, sandboxId, ContainerState.CONTAINER_RUNNING]]);
    });

    it('refuses a second container of the same name and attempt in a sandbox', async () => {
      const { sandboxId, config } = await runPod();
      await under.runtime.createContainer(sandboxId, containerConfig('untilTerm'), config);
      await failsWith(under.runtime.createContainer(sandboxId, containerConfig('untilTerm'), config), 'AlreadyExists');
      await under.runtime.createContainer(sandboxId, containerConfig('untilTerm', 'main', 1), config);
    });

    it('starts a container once', async () => {
      const { id } = await startContainer('untilTerm');
      await failsWith(under.runtime.startContainer(id), 'Internal');
    });

    it.each([['exits0', 0, 'Completed'], ['exits3', 3, 'Error']] as const)('tells of an end by an event, then of its code and reason (%s)', async (program, code, reason) => {
      await withEvents(async (events) => {
        const { id } = await startContainer(program);
        const status = await untilExited(id, events);
        expect([status.exitCode ?? 0, status.reason]).toEqual([code, reason]);
        expect(BigInt(status.finishedAt ?? '0')).toBeGreaterThan(0n);
      });
    });

    it('says StartError and 128 of a command that does not exist', async () => {
      const { sandboxId, config } = await runPod();
      const id = await under.runtime.createContainer(sandboxId, containerConfig('missing'), config);
      await expect(under.runtime.startContainer(id)).rejects.toThrow(/no such file or directory/);
      expect(await under.runtime.containerStatus(id)).toMatchObject({ state: ContainerState.CONTAINER_EXITED, exitCode: 128, reason: 'StartError' });
    });

    it('lets a container end by itself on SIGTERM', async () => {
      const { id } = await startContainer('untilTerm');
      await under.runtime.stopContainer(id, 20);
      expect(await under.runtime.containerStatus(id)).toMatchObject({ state: ContainerState.CONTAINER_EXITED, exitCode: 7 });
    });

    it('kills a container that ignores SIGTERM when its grace is over', async () => {
      const { id } = await startContainer('ignoresTerm');
      await under.runtime.stopContainer(id, 1);
      expect(await under.runtime.containerStatus(id)).toMatchObject({ state: ContainerState.CONTAINER_EXITED, exitCode: 137 });
    });

    it('removes a container that runs, and takes what does not exist as stopped and removed', async () => {
      const { id } = await startContainer('untilTerm');
      await under.runtime.removeContainer(id);
      await failsWith(under.runtime.containerStatus(id), 'NotFound');
      await under.runtime.stopContainer(id, 1);
      await under.runtime.removeContainer(id);
    });

    it('makes no container in a sandbox that is stopped, nor from an image it does not have', async () => {
      const { sandboxId, config } = await runPod();
      const unknown = { ...containerConfig('exits0'), image: { image: 'docker.io/library/no-such-image:1' } };
      await failsWith(under.runtime.createContainer(sandboxId, unknown, config), 'NotFound');
      await under.runtime.stopPodSandbox(sandboxId);
      await failsWith(under.runtime.createContainer(sandboxId, containerConfig('exits0'), config), 'Internal', 'NotFound');
    });

    it('runs a command inside and answers its output and code', async () => {
      const { id } = await startContainer('untilTerm');
      const good = await under.runtime.execSync(id, ['/bin/sh', '-c', 'echo out; echo err >&2; exit 4'], 10);
      expect([Buffer.from(good.stdout).toString(), Buffer.from(good.stderr).toString(), good.exitCode]).toEqual(['out\n', 'err\n', 4]);
    });

    it('ends a command that takes too long', async () => {
      const { id } = await startContainer('untilTerm');
      await failsWith(under.runtime.execSync(id, ['/bin/sleep', '30'], 1), 'Timeout');
    });

    it('says where to run a command, to join a container and to reach a sandbox\'s ports: a URL of its own for each', async () => {
      const { sandboxId, id } = await startContainer('untilTerm');
      const streams = { stdin: true, stdout: true, stderr: true, tty: false };
      const urls = await Promise.all([
        under.runtime.exec(id, ['/bin/true'], streams), under.runtime.attach(id, { ...streams, tty: true, stderr: false }), under.runtime.portForward(sandboxId),
      ]);
      for (const url of urls) expect(new URL(url).protocol).toBe('http:');
      expect(new Set(urls).size).toBe(3);
    });

    it('refuses a conversation with what does not run or does not exist', async () => {
      const { sandboxId, id } = await startContainer('ignoresTerm');
      const streams = { stdin: false, stdout: true, stderr: true, tty: false };
      await under.runtime.stopPodSandbox(sandboxId);
      await failsWith(under.runtime.exec(id, ['/bin/true'], streams), 'Internal');
      await failsWith(under.runtime.attach(id, streams), 'Internal');
      await failsWith(under.runtime.portForward(sandboxId), 'Internal');
      await failsWith(under.runtime.exec('no-such-container', ['/bin/true'], streams), 'NotFound', 'Internal');
      await failsWith(under.runtime.portForward('no-such-sandbox'), 'NotFound', 'Internal');
    });

    it('knows its images by name and by id, and says nothing of others', async () => {
      const image = await under.runtime.imageStatus(under.image);
      expect(image?.id).toMatch(/^sha256:/);
      expect((await under.runtime.imageStatus(image?.id ?? ''))?.id).toBe(image?.id);
      expect(await under.runtime.imageStatus('docker.io/library/no-such-image:1')).toBeUndefined();
      expect((await under.runtime.listImages()).map((entry) => entry.id)).toContain(image?.id);
    });

    it('keeps containers running when its own process dies, and knows them and their ends when it is back', async () => {
      await withEvents(async (events) => {
        const { id } = await startContainer('untilTerm');
        const before = await under.runtime.containerStatus(id);
        await under.crashAndReturn();
        for (;;) if (((await events.next()).value as RuntimeEvent).type === 'resync') break;
        const after = await under.runtime.containerStatus(id);
        expect([after.state, after.startedAt]).toEqual([ContainerState.CONTAINER_RUNNING, before.startedAt]);
        await under.runtime.stopContainer(id, 20);
        expect((await untilExited(id, events)).exitCode).toBe(7);
      });
    }, 60_000);
  });
}
