import { isNotFound } from '@navarch/base';
import type { ContainerRuntime } from '@navarch/cri';
import { ContainerState, PodSandboxState, type ContainerStatus } from '@navarch/proto/runtime/v1/cri';

import type { HostFiles } from '../host/host';
import { annotations, labels } from './identity';
import { observeContainer, observedPod, observeSandbox, type ObservedContainer, type ObservedPod, type ObservedSandbox } from './observed';
import { parseLogLines } from '../logs/cri-log';

/** Kubernetes' bounds of a termination message. */
const maxMessageBytes = 4096;
const maxLogMessageBytes = 2048;
const maxLogMessageLines = 80;

/** What the runtime holds of one pod, asked now. What cannot change any more (exited containers) is taken from `known`. */
export async function readPod(runtime: ContainerRuntime, files: HostFiles, uid: string, known: ObservedPod): Promise<ObservedPod> {
  const filter = { labels: { [labels.podUid]: uid } };
  const [sandboxes, containers] = await Promise.all([runtime.listPodSandboxes(filter), runtime.listContainers(filter)]);
  const [readSandboxes, readContainers] = await Promise.all([
    Promise.all(sandboxes.map(async ({ id = '', state }): Promise<ObservedSandbox | undefined> => {
      const before = known.sandboxes.find((sandbox) => sandbox.id === id);
      const ready = (state ?? PodSandboxState.SANDBOX_READY) === PodSandboxState.SANDBOX_READY;
      if (before && before.ready === ready) return before;
      if (before && !ready) return { ...before, ready };
      return unlessGone(readSandbox(runtime, id));
    })),
    Promise.all(containers.map(async ({ id = '', podSandboxId = '', state }): Promise<ObservedContainer | undefined> => {
      const before = known.containers.find((container) => container.id === id);
      if (before?.state === 'exited' && state === ContainerState.CONTAINER_EXITED) return before;
      if (before?.state === 'running' && before.startedAtMs !== undefined && state === ContainerState.CONTAINER_RUNNING) return before;
      return unlessGone(readContainer(runtime, files, id, podSandboxId));
    })),
  ]);
  return observedPod(readSandboxes.filter((sandbox) => sandbox !== undefined), readContainers.filter((container) => container !== undefined));
}

async function unlessGone<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

export async function readSandbox(runtime: ContainerRuntime, id: string): Promise<ObservedSandbox> {
  return observeSandbox(await runtime.podSandboxStatus(id));
}

export async function readContainer(runtime: ContainerRuntime, files: HostFiles, id: string, sandboxId: string): Promise<ObservedContainer> {
  const status = await runtime.containerStatus(id);
  const message = status.state === ContainerState.CONTAINER_EXITED ? await terminationMessage(status, files) : '';
  return observeContainer(status, sandboxId, message || status.message);
}

/** What the container wrote to its termination file or, where its policy says so and it failed, the end of its log. */
async function terminationMessage(status: ContainerStatus, files: HostFiles): Promise<string> {
  const path = status.annotations?.[annotations.terminationMessagePath];
  const mount = status.mounts?.find((entry) => entry.containerPath === path);
  const written = mount?.hostPath ? await readTail(files, mount.hostPath, maxMessageBytes) : '';
  const fromLogs = status.annotations?.[annotations.terminationMessagePolicy] === 'FallbackToLogsOnError' && (status.exitCode ?? 0) !== 0;
  if (written || !fromLogs || !status.logPath) return written;
  const raw = await readTail(files, status.logPath, 4 * maxLogMessageBytes);
  const text = parseLogLines(raw).slice(-maxLogMessageLines).map((line) => line.text).join('');
  return text.slice(-maxLogMessageBytes);
}

async function readTail(files: HostFiles, path: string, tailBytes: number): Promise<string> {
  try {
    return (await files.read(path, { tailBytes })).toString('utf8');
  } catch (error) {
    if (isNotFound(error)) return '';
    throw error;
  }
}
