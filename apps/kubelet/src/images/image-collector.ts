import { sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { ContainerRuntime } from '@navarch/cri';
import type { Image } from '@navarch/proto/runtime/v1/cri';

import type { Host } from '../host/host';
import type { ImageStore } from '../pod/images';

export interface ImageCollectorOptions {
  readonly runtime: ContainerRuntime;
  readonly host: Pick<Host, 'usage'>;
  readonly images: Pick<ImageStore, 'forgetImage'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Percent of the disk in use from which images go; 100: never. */
  readonly highPercent: number;
  /** Down to which they go. */
  readonly lowPercent: number;
  /** Younger ones stay: a pod may be about to use them. */
  readonly minAgeMs: number;
  readonly report: (type: 'Warning', reason: string, message: string) => void;
}

interface Seen {
  readonly firstMs: number;
  usedMs: number;
}

/** Kubernetes' ImageGCPeriod. */
const periodMs = 300_000;

/** Removes images nobody uses while the disk is full, those unused for longest first (Kubernetes' image garbage collection). */
export class ImageCollector {
  private readonly seen = new Map<string, Seen>();

  constructor(private readonly options: ImageCollectorOptions) {}

  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger, highPercent } = this.options;
    if (highPercent >= 100) return;
    while (!signal.aborted) {
      try {
        await this.collect();
      } catch (error) {
        logger.warn('images could not be collected', { error: toError(error).message });
      }
      await sleep(clock, periodMs, signal).catch(() => undefined);
    }
  }

  /** One look, and what follows from it. */
  async collect(): Promise<void> {
    const { host, highPercent, lowPercent, report } = this.options;
    const unused = await this.look();
    const { storageBytes, storageAvailableBytes } = await host.usage();
    const usedPercent = storageBytes === 0 ? 0 : 100 - Math.floor((storageAvailableBytes * 100) / storageBytes);
    if (usedPercent < highPercent) return;
    const wanted = Math.ceil((storageBytes * (100 - lowPercent)) / 100) - storageAvailableBytes;
    const freed = await this.free(unused, wanted);
    if (freed < wanted) report('Warning', 'FreeDiskSpaceFailed', `Failed to garbage collect required amount of images. Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`);
  }

  /** Which images there are, and which of them no container has, running or dead. */
  private async look(): Promise<readonly Image[]> {
    const { runtime, clock } = this.options;
    const nowMs = clock.now();
    const [images, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()]);
    const used = new Set(containers.flatMap(({ image, imageRef }) => [image?.image ?? '', imageRef ?? '']));
    const isUsed = ({ id = '', repoTags = [], repoDigests = [] }: Image): boolean => [id, ...repoTags, ...repoDigests].some((name) => used.has(name));
    for (const image of images) {
      const known = this.seen.get(image.id ?? '') ?? { firstMs: nowMs, usedMs: 0 };
      if (isUsed(image)) known.usedMs = nowMs;
      this.seen.set(image.id ?? '', known);
    }
    const present = new Set(images.map(({ id = '' }) => id));
    for (const id of this.seen.keys()) if (!present.has(id)) this.seen.delete(id);
    return images.filter((image) => !isUsed(image) && !image.pinned);
  }

  private async free(unused: readonly Image[], wanted: number): Promise<number> {
    const { runtime, images, clock, minAgeMs, logger } = this.options;
    const nowMs = clock.now();
    const seenOf = ({ id = '' }: Image): Seen => this.seen.get(id) ?? { firstMs: nowMs, usedMs: 0 };
    const eligible = unused.filter((image) => nowMs - seenOf(image).firstMs >= minAgeMs)
      .sort((a, b) => seenOf(a).usedMs - seenOf(b).usedMs || seenOf(a).firstMs - seenOf(b).firstMs);
    let freed = 0;
    for (const image of eligible) {
      if (freed >= wanted) break;
      try {
        await runtime.removeImage(image.id ?? '');
      } catch (error) {
        logger.warn('an unused image could not be removed', { image: image.id, error: toError(error).message });
        continue;
      }
      images.forgetImage(image.id ?? '');
      freed += image.size ?? 0;
    }
    return freed;
  }
}
