import { persistentVolumeClaims, persistentVolumes, storageClasses } from '@navarch/api';
import { deadlineSignal, deferred, type Clock, type Logger, type Random } from '@navarch/base';
import { createInformer, type ApiClient, type Informer } from '@navarch/client';
import type { PersistentVolume, PersistentVolumeClaim } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { StorageClass } from '@navarch/proto/k8s/io/api/storage/v1/storage';

/** Claims, volumes and classes as the watch shows them: what volumes a pod needs decides where it can run. */
export class VolumeCaches {
  readonly claims: Informer<PersistentVolumeClaim>;
  readonly volumes: Informer<PersistentVolume>;
  readonly classes: Informer<StorageClass>;
  private readonly clock: Clock;

  constructor({ client, clock, random, logger }: { readonly client: ApiClient; readonly clock: Clock; readonly random: Random; readonly logger: Logger }) {
    this.clock = clock;
    this.claims = createInformer({ client: client.resource(persistentVolumeClaims), resource: persistentVolumeClaims, clock, random, logger });
    this.volumes = createInformer({ client: client.resource(persistentVolumes), resource: persistentVolumes, clock, random, logger });
    this.classes = createInformer({ client: client.resource(storageClasses), resource: storageClasses, clock, random, logger });
  }

  get informers(): readonly Informer<never>[] {
    return [this.claims, this.volumes, this.classes] as unknown as Informer<never>[];
  }

  start(signal: AbortSignal): void {
    for (const informer of this.informers) informer.start(signal);
  }

  onChange(handler: () => void): () => void {
    const stops = this.informers.map((informer) => informer.onChange(handler));
    return () => stops.forEach((stop) => stop());
  }

  /** What `look` answers as soon as it answers something, asked again with each change of a claim; rejects when the time is over. */
  async until<T>(look: () => T | undefined, timeoutMs: number, signal: AbortSignal): Promise<T> {
    const found = deferred<T>();
    const check = (): void => {
      const value = look();
      if (value !== undefined) found.resolve(value);
    };
    const stop = this.claims.onChange(check);
    const limit = deadlineSignal(this.clock, timeoutMs, () => new Error(`nothing came of it within ${timeoutMs / 1_000} s`), signal);
    const onAbort = (): void => found.reject(limit.signal.reason as Error);
    limit.signal.addEventListener('abort', onAbort, { once: true });
    try {
      check();
      return await found.promise;
    } finally {
      limit.signal.removeEventListener('abort', onAbort);
      limit.dispose();
      stop();
    }
  }
}
