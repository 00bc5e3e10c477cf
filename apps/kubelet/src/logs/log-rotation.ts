import { sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { ContainerRuntime } from '@navarch/cri';
import { ContainerState, type Container } from '@navarch/proto/runtime/v1/cri';

import type { HostFiles } from '../host/host';
import { identityOfLabels, podPaths, type KubeletPaths } from '../pod/identity';

export interface LogRotationOptions {
  readonly runtime: ContainerRuntime;
  readonly files: HostFiles;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly paths: KubeletPaths;
  /** A log of this size is put aside; below 1 nothing ever is. */
  readonly maxBytes: number;
  /** Most files of one container, the one that is written among them; 2 at least. */
  readonly maxFiles: number;
}

/** Kubernetes' containerLogMonitorInterval. */
const periodMs = 10_000;

/** Puts large logs of running containers aside until the signal aborts. */
export async function rotateLogs(options: LogRotationOptions, signal: AbortSignal): Promise<void> {
  if (options.maxBytes < 1) return;
  while (!signal.aborted) {
    await sleep(options.clock, periodMs, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      const containers = await options.runtime.listContainers();
      for (const container of containers) if (container.state === ContainerState.CONTAINER_RUNNING) await rotateIfLarge(container, options);
    } catch (error) {
      options.logger.debug('container logs could not be looked at', { error: toError(error).message });
    }
  }
}

async function rotateIfLarge({ id = '', labels, metadata }: Container, options: LogRotationOptions): Promise<void> {
  const { files, runtime, clock, logger, maxBytes, maxFiles, paths: directories } = options;
  const identity = identityOfLabels(labels);
  if (identity.uid === '') return;
  const paths = podPaths(directories, identity);
  const path = `${paths.logs}/${paths.log(metadata?.name ?? '', metadata?.attempt ?? 0)}`;
  try {
    if (((await files.stat(path))?.size ?? 0) < maxBytes) return;
    // Room for the one that is put aside now.
    await removeOldest(files, path, maxFiles - 2);
    const aside = `${path}.${stamp(clock.now())}`;
    await files.rename(path, aside);
    try {
      await runtime.reopenContainerLog(id);
    } catch (error) {
      // The runtime still writes to it: under its old name it is found.
      await files.rename(aside, path);
      throw error;
    }
  } catch (error) {
    logger.warn('a container log could not be rotated', { container: id, error: toError(error).message });
  }
}

async function removeOldest(files: HostFiles, path: string, kept: number): Promise<void> {
  const aside = await asideOf(files, path);
  for (const file of aside.slice(0, Math.max(0, aside.length - kept))) await files.remove(file);
}

/** The files that were put aside of a log, oldest first. */
export async function asideOf(files: HostFiles, path: string): Promise<readonly string[]> {
  const slash = path.lastIndexOf('/');
  const [directory, name] = [path.slice(0, slash), path.slice(slash + 1)];
  return (await files.list(directory)).filter((one) => one.startsWith(`${name}.`)).sort().map((one) => `${directory}/${one}`);
}

/** Kubernetes' ending: 20260102-030405, with milliseconds, so that a torrent of logs overwrites nothing. */
function stamp(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:Z]/g, '').replace('T', '-');
}
