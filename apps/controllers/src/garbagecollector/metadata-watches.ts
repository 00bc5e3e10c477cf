import type { ApiObject, Resource } from '@navarch/api';
import { sleep, type Clock, type Logger, type Random } from '@navarch/base';
import { createInformer, type ApiClient, type Informer, type ObjectChange } from '@navarch/client';

export interface MetadataWatchesOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly resources: () => readonly Resource[];
  readonly onChange: (resource: Resource, change: ObjectChange<ApiObject>) => void;
  /** A kind is no longer served: its objects are out of sight, which does not say that they are gone. */
  readonly onUnserved: (resource: Resource) => void;
}

/** How often the kinds are looked at, as in Kubernetes. */
const resyncMs = 30_000;
/** A kind that cannot be watched must not stop the others for longer than this. */
const patienceMs = 30_000;

const keyOf = ({ group, plural }: Resource): string => `${plural}.${group}`;
const isWatched = ({ group, plural, verbs }: Resource): boolean =>
  verbs.includes('list') && verbs.includes('watch') && verbs.includes('delete') && !(plural === 'events' && (group === '' || group === 'events.k8s.io'));

/** Follows the metadata of every kind there is, those that come and go while it runs as well. Events, which nobody owns, are left out. */
export class MetadataWatches {
  private readonly watches = new Map<string, { readonly resource: Resource; readonly informer: Informer<ApiObject>; readonly stop: AbortController }>();
  private readonly startedMs: number;

  constructor(private readonly options: MetadataWatchesOptions) {
    this.startedMs = options.clock.monotonic();
  }

  /** Every kind's present objects are known. */
  get complete(): boolean {
    return [...this.watches.values()].every(({ informer }) => informer.hasSynced);
  }

  /** Complete, or not for a reason that waiting does not cure. */
  get usable(): boolean {
    return this.complete || this.options.clock.monotonic() - this.startedMs > patienceMs;
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.follow();
      await sleep(this.options.clock, resyncMs, signal).catch(() => undefined);
    }
    for (const { stop } of this.watches.values()) stop.abort(signal.reason);
  }

  /** Takes in at once which kinds there are now. */
  follow(): void {
    const wanted = new Map<string, Resource>();
    // One version of each kind is enough: the objects are the same.
    for (const resource of this.options.resources()) if (isWatched(resource) && !wanted.has(keyOf(resource))) wanted.set(keyOf(resource), resource);
    for (const [key, { resource, stop }] of this.watches) {
      if (wanted.has(key)) continue;
      stop.abort(new Error('the kind is no longer served'));
      this.watches.delete(key);
      this.options.onUnserved(resource);
    }
    for (const [key, resource] of wanted) if (!this.watches.has(key)) this.start(key, resource);
  }

  private start(key: string, resource: Resource): void {
    const { client, clock, random, logger, onChange } = this.options;
    const stop = new AbortController();
    const informer = createInformer({ client: client.resource(resource), resource, clock, random, logger, metadataOnly: true });
    informer.onChange((change) => onChange(resource, change));
    this.watches.set(key, { resource, informer, stop });
    informer.start(stop.signal);
  }
}
