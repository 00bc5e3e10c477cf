import { defaultPullPolicy } from '@navarch/api';
import { deferred, toError, type Clock } from '@navarch/base';
import type { ContainerRuntime } from '@navarch/cri';
import type { Container } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { AuthConfig, Image, PodSandboxConfig } from '@navarch/proto/runtime/v1/cri';

import type { PullCredentials } from '../images/pull-credentials';
import { durationText } from './container-status';
import { isImageReference } from './image-reference';

/** Why a container cannot run for now, as its waiting state says it. */
export class StartFault extends Error {
  constructor(readonly reason: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
  }
}

type Report = (type: 'Normal' | 'Warning', reason: string, message: string) => void;

export interface PullOptions {
  readonly sandbox: PodSandboxConfig;
  /** Asked for when there is something to pull. */
  credentials(image: string): Promise<PullCredentials>;
}

export interface ImageStore {
  /** The image by the container's pull policy; throws StartFault. */
  ensure(container: Container, pull: PullOptions, report: Report, signal: AbortSignal): Promise<Image>;
  /** After the runtime said that it has none: look again next time. */
  forget(image: string): void;
  /** An image was removed, under all its names. */
  forgetImage(id: string): void;
}

/** Kubernetes' maxParallelImagePulls, where it is set. */
const maxParallelPulls = 5;

/** The node's images. A present image is remembered, so that starting a container from it asks nobody. */
export function createImageStore(runtime: ContainerRuntime, clock: Clock): ImageStore {
  const known = new Map<string, Image>();
  const pulls = new Map<string, Promise<void>>();
  const waiting: (() => void)[] = [];
  let running = 0;

  const slot = async (): Promise<void> => {
    if (running >= maxParallelPulls) {
      const turn = deferred<void>();
      waiting.push(turn.resolve);
      await turn.promise;
    }
    running += 1;
  };

  /**
   * One pull per image and credentials at a time, whoever asks: nobody gets an image by what another one knows. A pod that goes away does
   * not take it from the others.
   */
  const pull = (name: string, sandboxConfig: PodSandboxConfig, configs: readonly AuthConfig[]): Promise<void> => {
    const key = JSON.stringify([name, configs]);
    const under = pulls.get(key);
    if (under) return under;
    const work = slot().then(() => pullWith(name, sandboxConfig, configs)).finally(() => {
      pulls.delete(key);
      running -= 1;
      waiting.shift()?.();
    });
    pulls.set(key, work);
    return work;
  };

  /** One set of credentials after the other until one works; the first refusal is what is told. */
  const pullWith = async (name: string, sandboxConfig: PodSandboxConfig, configs: readonly AuthConfig[]): Promise<void> => {
    let refusal: unknown;
    for (const auth of configs.length > 0 ? configs : [undefined]) {
      try {
        await runtime.pullImage(name, { sandboxConfig, ...(auth && { auth }) });
        return;
      } catch (error) {
        refusal ??= error;
      }
    }
    throw refusal;
  };

  const lookUp = async (name: string): Promise<Image | undefined> => {
    const image = known.get(name) ?? await runtime.imageStatus(name);
    if (image) known.set(name, image);
    return image;
  };

  const inspect = async (name: string, report: Report): Promise<Image | undefined> => {
    try {
      return await lookUp(name);
    } catch (error) {
      const message = `Failed to inspect image "${name}": ${toError(error).message}`;
      report('Warning', 'InspectFailed', message);
      throw new StartFault('ImageInspectError', message, { cause: error });
    }
  };

  const pulled = async (name: string, { sandbox, credentials }: PullOptions, report: Report, signal: AbortSignal): Promise<Image> => {
    report('Normal', 'Pulling', `Pulling image "${name}"`);
    const began = clock.monotonic();
    try {
      const { configs, missing } = await credentials(name);
      if (missing.length > 0) report('Warning', 'FailedToRetrieveImagePullSecret', `Unable to retrieve some image pull secrets (${missing.join(', ')}); attempting to pull the image may not succeed.`);
      await abortable(pull(name, sandbox, configs), signal);
    } catch (error) {
      if (signal.aborted) throw error;
      const { message } = toError(error);
      report('Warning', 'Failed', `Failed to pull image "${name}": ${message}`);
      report('Warning', 'Failed', 'Error: ErrImagePull');
      throw new StartFault('ErrImagePull', message, { cause: error });
    }
    known.delete(name);
    const image = await inspect(name, report);
    if (!image) throw new StartFault('ErrImagePull', `image "${name}" is missing after its pull`);
    const took = durationText(clock.monotonic() - began);
    report('Normal', 'Pulled', `Successfully pulled image "${name}" in ${took} (${took} including waiting). Image size: ${image.size ?? 0} bytes.`);
    return image;
  };

  return {
    async ensure(container, pullOptions, report, signal) {
      const name = container.image ?? '';
      if (!isImageReference(name)) {
        const message = `Failed to apply default image tag "${name}": couldn't parse image name "${name}": invalid reference format`;
        report('Warning', 'InspectFailed', message);
        report('Warning', 'Failed', 'Error: InvalidImageName');
        throw new StartFault('InvalidImageName', message);
      }
      const policy = container.imagePullPolicy ?? defaultPullPolicy(name);
      if (policy === 'Always') return pulled(name, pullOptions, report, signal);
      const present = await inspect(name, report);
      if (present) {
        report('Normal', 'Pulled', `Container image "${name}" already present on machine`);
        return present;
      }
      if (policy !== 'Never') return pulled(name, pullOptions, report, signal);
      const message = `Container image "${name}" is not present with pull policy of Never`;
      report('Warning', 'ErrImageNeverPull', message);
      report('Warning', 'Failed', 'Error: ErrImageNeverPull');
      throw new StartFault('ErrImageNeverPull', message);
    },
    forget: (name) => void known.delete(name),
    forgetImage(id) {
      for (const [name, image] of known) if (image.id === id) known.delete(name);
    },
  };
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const stopped = deferred<never>();
  const onAbort = (): void => stopped.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, stopped.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
