import { apiVersionOf, storageOf, type FieldVersions, type Resource, type ResourceRegistry } from '@navarch/api';

import { KindCache } from './cache/kind-cache';
import type { LogFeed } from './cache/log-feed';
import type { WindowLimits } from './cache/event-window';
import type { KindExtension } from './kind-extension';
import type { RequestTarget } from './request';
import { withScale } from './scale';
import { sameStorage, View } from './view';
import { fieldVersion } from './write/field-versions';
import { KindStore, type ObjectStore } from './write/mutate';
import { ObjectWriter, type WriterDependencies } from './write/writer';

/** A kind as this server runs it. */
export interface Kind {
  readonly resource: Resource;
  readonly feed: LogFeed;
  readonly cache: KindCache;
  readonly store: ObjectStore;
  /** Of a kind that is another's other form: how it shows what that one's cache and store hold. */
  readonly view?: View;
  /** The other forms in which the same objects are served, by apiVersion. */
  readonly versions: FieldVersions;
  readonly extension?: KindExtension;
}

export interface KindsOptions {
  readonly registry: ResourceRegistry;
  readonly feeds: Readonly<Record<Resource['log'], LogFeed>>;
  readonly extensions: readonly KindExtension[];
  /** Kept in the log, and by nobody but the server itself: no door serves them. */
  readonly internal?: readonly Resource[];
  readonly writer: WriterDependencies;
  readonly window?: WindowLimits;
}

/** The kinds served, following the registry as it changes: a kind that leaves takes its watches with it. */
export class Kinds {
  private readonly kinds = new Map<Resource, Kind>();
  private readonly views = new Map<Resource, Kind & { readonly view: View }>();
  private readonly unsubscribe: () => void;

  constructor(private readonly options: KindsOptions) {
    for (const resource of [...options.registry.all(), ...(options.internal ?? [])]) this.add(resource);
    this.unsubscribe = options.registry.subscribe(({ type, resource }) => (type === 'added' ? this.add(resource) : this.remove(resource)));
  }

  all(): readonly Kind[] {
    return [...this.kinds.values()];
  }

  find({ group, version, resource }: Pick<RequestTarget, 'group' | 'version' | 'resource'>): Kind | undefined {
    const found = this.options.registry.find({ group, version, resource });
    return found && (found.storedAs ? this.viewKind(found) : this.kinds.get(found));
  }

  /** For the server's own use of a kind that it cannot run without. */
  get(group: string, plural: string): Kind {
    for (const kind of this.kinds.values()) if (kind.resource.group === group && kind.resource.plural === plural) return kind;
    throw new Error(`${plural}.${group} is not in the registry`);
  }

  close(): void {
    this.unsubscribe();
  }

  private add(resource: Resource): void {
    // A form of another kind's objects has none of its own: it is put together when it is asked for.
    if (resource.storedAs) return;
    const feed = this.options.feeds[resource.log];
    const cache = new KindCache(resource, this.options.window);
    const writer = new ObjectWriter(feed.log, resource, this.options.writer);
    const extension = withScale(resource, extensionOf(resource, this.options.extensions));
    this.kinds.set(resource, { resource, feed, cache, store: new KindStore(feed, cache, writer), extension, versions: this.versionsOf(resource) });
    feed.add(cache);
  }

  /** A form of a stored kind: that one's cache and log, seen through the conversion. Nothing where the kind it is stored as is not served. */
  private viewKind(resource: Resource): Kind | undefined {
    const stored = this.kinds.get(storageOf(resource));
    const known = this.views.get(resource);
    if (known && known.cache === stored?.cache) return known;
    this.closeView(resource);
    if (!stored) return undefined;
    const { feed, cache } = stored;
    const view = new View(resource, stored.store);
    const kind = { resource, feed, cache, view, store: view.store, extension: withScale(resource, stored.extension), versions: this.versionsOf(resource) };
    this.views.set(resource, kind);
    return kind;
  }

  private closeView(resource: Resource): void {
    this.views.get(resource)?.view.close();
    this.views.delete(resource);
  }

  private versionsOf(resource: Resource): FieldVersions {
    return (apiVersion) => {
      const other = this.options.registry.all().find((one) => one.kind === resource.kind && apiVersionOf(one) === apiVersion && sameStorage(one, resource));
      return other && fieldVersion(resource, other);
    };
  }

  private remove(resource: Resource): void {
    this.closeView(resource);
    const kind = this.kinds.get(resource);
    this.kinds.delete(resource);
    kind?.feed.remove(kind.cache);
  }
}

/** One kind may be extended from several folders. */
function extensionOf({ group, plural }: Resource, all: readonly KindExtension[]): KindExtension | undefined {
  const own = all.filter((one) => one.group === group && one.plural === plural);
  if (own.length < 2) return own[0];
  return own.reduce((sum, one) => ({ ...sum, ...one, subresources: { ...sum.subresources, ...one.subresources }, views: { ...sum.views, ...one.views } }));
}
