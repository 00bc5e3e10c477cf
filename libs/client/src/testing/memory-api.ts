import { context, trace } from '@opentelemetry/api';

import { applyMergePatch, fieldErrorsToApiError, parseFieldSelector, parseLabelSelector, timeFromMs, type ApiObject, type JsonValue, type Resource } from '@navarch/api';
import { ApiError, BoundedQueue, randomNameSuffix, randomUuid, type Clock, type Random, type TraceHeaders } from '@navarch/base';
import type { TokenRequest, TokenRequestSpec } from '@navarch/proto/k8s/io/api/authentication/v1/authentication';
import type { Binding, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { DeleteOptions, ObjectMeta } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { ApiClient, CallOptions, ListOptions, ListResult, PatchType, ResourceClient, WatchEvent, WatchOptions } from '../api-client';
import { cacheKey } from '../object-cache';
import { compareVersions } from '../version-waiters';

interface Change<T> extends TraceHeaders {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: T;
  readonly old?: T;
  readonly version: string;
  readonly commitTimeMs: number;
}

type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'updateStatus' | 'patch' | 'delete';

/** Faults and trace headers to order; everything else is as an ApiClient promises. */
export interface MemoryApi {
  readonly client: ApiClient;
  /** Ends every watch, as a server does that goes away. */
  cutWatches(error?: Error): void;
  /** Versions before now can no longer be watched. */
  expireHistory(): void;
  /** The next call of this verb (on this plural, where told) fails so; with `landed` it takes effect before it fails. */
  failNext(verb: Verb, error: Error, options?: { readonly plural?: string; readonly landed?: boolean }): void;
  /** Watchers (of this plural, where told) hear nothing until `resume`. */
  pauseWatches(plural?: string): () => void;
  /** The headers that the next writes carry; those of the writer's active span unless told. */
  writeWith(headers: TraceHeaders): void;
  /** Every write so far, as `verb plural namespace/name`. */
  readonly writes: readonly string[];
}

/** An ApiClient without a server, for unit tests; passes `apiClientContract`. */
export function createMemoryApi(options: { readonly clock: Clock; readonly random: Random }): MemoryApi {
  return new MemoryServer(options.clock, options.random);
}

class MemoryServer implements MemoryApi {
  readonly writes: string[] = [];
  readonly stores = new Map<Resource<never>, unknown>();
  private version = 0;
  private tokens = 0;
  private headers: TraceHeaders | undefined;
  private readonly faults: { readonly verb: Verb; readonly error: Error; readonly plural?: string; readonly landed?: boolean }[] = [];
  private paused: { readonly plural?: string } | undefined;

  constructor(readonly clock: Clock, readonly random: Random) {}

  readonly client: ApiClient = {
    resource: <T extends ApiObject>(resource: Resource<T>): ResourceClient<T> => this.store(resource),
    bindPod: (binding) => this.bind(binding),
    createToken: (namespace, account, spec, options) => this.call('create', 'serviceaccounts/token', options?.signal, () => this.token(namespace, account, spec)),
      getForeign: () => Promise.reject(new ApiError('NotFound', 'the server could not find the requested resource')),
  };

  cutWatches(error?: Error): void {
    for (const store of this.allStores()) store.cut(error);
  }

  expireHistory(): void {
    for (const store of this.allStores()) store.expire();
  }

  failNext(verb: Verb, error: Error, options: { readonly plural?: string; readonly landed?: boolean } = {}): void {
    this.faults.push({ verb, error, ...options });
  }

  isPaused(plural: string): boolean {
    return this.paused !== undefined && (this.paused.plural ?? plural) === plural;
  }

  pauseWatches(plural?: string): () => void {
    this.paused = plural === undefined ? {} : { plural };
    return () => {
      this.paused = undefined;
      for (const store of this.allStores()) store.release();
    };
  }

  writeWith(headers: TraceHeaders): void {
    this.headers = headers;
  }

  get currentHeaders(): TraceHeaders {
    if (this.headers) return this.headers;
    const span = trace.getSpanContext(context.active());
    return span ? { traceparent: `00-${span.traceId}-${span.spanId}-01` } : {};
  }

  get currentVersion(): string {
    return String(this.version);
  }

  nextVersion(): string {
    return String(++this.version);
  }

  /** Runs a call with the fault ordered for it, if any. */
  async call<R>(verb: Verb, plural: string, signal: AbortSignal | undefined, work: () => R): Promise<R> {
    signal?.throwIfAborted();
    await Promise.resolve();
    const index = this.faults.findIndex((fault) => fault.verb === verb && (fault.plural ?? plural) === plural);
    const fault = index < 0 ? undefined : this.faults.splice(index, 1)[0];
    if (fault && !fault.landed) throw fault.error;
    const result = work();
    if (fault) throw fault.error;
    return result;
  }

  private readonly byName = new Map<string, MemoryStore<ApiObject>>();

  private store<T extends ApiObject>(resource: Resource<T>): MemoryStore<T> {
    const key = `${resource.plural}.${resource.group}`;
    const known = this.byName.get(key) as MemoryStore<T> | undefined;
    if (known) return known;
    const made = new MemoryStore(this, resource);
    this.byName.set(key, made as unknown as MemoryStore<ApiObject>);
    return made;
  }

  private allStores(): Iterable<MemoryStore<ApiObject>> {
    return this.byName.values();
  }

  /** Says what it was asked for; nobody checks it. */
  private token(namespace: string, account: string, spec: TokenRequestSpec): TokenRequest {
    const store = this.byName.get('serviceaccounts.') as MemoryStore<ApiObject> | undefined;
    if (!store?.has(namespace, account)) throw notFound('serviceaccounts', account);
    const { expirationSeconds = 3_600, boundObjectRef } = spec;
    const token = ['token', ++this.tokens, account, ...(spec.audiences ?? []), boundObjectRef?.uID ?? ''].join('/');
    return { metadata: { namespace, name: account }, spec, status: { token, expirationTimestamp: timeFromMs(this.clock.now() + expirationSeconds * 1_000) } };
  }

  private async bind(binding: Binding): Promise<void> {
    const store = this.byName.get('pods.') as MemoryStore<Pod> | undefined;
    const { namespace = '', name = '' } = binding.metadata ?? {};
    if (!store) throw notFound('pods', name);
    await Promise.resolve();
    store.modify(namespace, name, (pod) => {
      if (pod.spec?.nodeName) throw new ApiError('Conflict', `pod ${name} is already assigned to node "${pod.spec.nodeName}"`, { kind: 'pods', name });
      return { ...pod, spec: { ...pod.spec, nodeName: binding.target?.name } };
    });
  }
}

class MemoryStore<T extends ApiObject> implements ResourceClient<T> {
  private readonly objects = new Map<string, { readonly object: T; readonly origin?: string }>();
  private readonly watchers = new Set<{ readonly queue: BoundedQueue<Change<T>>; held: Change<T>[] }>();
  private history: Change<T>[] = [];
  private floor = '0';

  constructor(private readonly server: MemoryServer, private readonly resource: Resource<T>) {}

  has(namespace: string, name: string): boolean {
    return this.objects.has(cacheKey(namespace, name));
  }

  get(namespace: string, name: string, options?: CallOptions): Promise<T> {
    return this.server.call('get', this.resource.plural, options?.signal, () => this.mustHave(namespace, name));
  }

  list(options: ListOptions = {}): Promise<ListResult<T>> {
    return this.server.call('list', this.resource.plural, options.signal, () => ({
      items: [...this.objects.values()].map(({ object }) => object).filter(this.selector(options)),
      resourceVersion: this.server.currentVersion,
    }));
  }

  async *watch(options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    const selects = this.selector(options);
    const start = await this.server.call('watch', this.resource.plural, options.signal, () => this.begin(options));
    const stop = (): void => start.watcher.queue.end();
    options.signal.addEventListener('abort', stop, { once: true });
    try {
      for (const { object, origin } of start.initial) if (selects(object)) yield eventOf('ADDED', object, object.metadata?.resourceVersion ?? '', { traceparent: origin, origin, commitTimeMs: 0 });
      if (options.sendInitialEvents) yield { ...eventOf('BOOKMARK', {} as T, start.version, { commitTimeMs: 0 }), initialEventsEnd: true };
      for await (const change of start.watcher.queue) {
        if (options.signal.aborted) return;
        const event = selectedEvent(change, selects);
        if (event) yield event;
      }
    } finally {
      options.signal.removeEventListener('abort', stop);
      this.watchers.delete(start.watcher);
    }
  }

  create(object: T, options?: CallOptions): Promise<T> {
    return this.server.call('create', this.resource.plural, options?.signal, () => {
      const next = structuredClone(object);
      const meta = (next.metadata ??= {});
      if (!meta.name && meta.generateName) meta.name = meta.generateName + randomNameSuffix(this.server.random);
      const key = cacheKey(meta.namespace ?? '', meta.name ?? '');
      if (this.objects.has(key)) throw new ApiError('AlreadyExists', `${this.resource.plural} "${meta.name}" already exists`, { kind: this.resource.plural, name: meta.name ?? '' });
      // As the server does: a job's selector is made of its uid.
      Object.assign(meta, { uid: randomUuid(this.server.random), creationTimestamp: timeFromMs(this.server.clock.now()) } satisfies ObjectMeta);
      this.resource.setDefaults(next);
      this.resource.prepareForCreate(next);
      this.refuse(next, this.resource.validateCreate(next));
      return this.commit('ADDED', next, undefined);
    });
  }

  update(object: T, options?: CallOptions & { readonly subresource?: 'finalize' }): Promise<T> {
    const { namespace = '', name = '', resourceVersion } = object.metadata ?? {};
    return this.server.call('update', this.resource.plural, options?.signal, () => this.modify(namespace, name, (previous) => {
      this.mustMatch(previous, resourceVersion);
      if (options?.subresource === 'finalize') return { ...previous, spec: (object as Finalizable).spec };
      return this.prepared(object, previous);
    }));
  }

  updateStatus(object: T, options?: CallOptions): Promise<T> {
    const { namespace = '', name = '', resourceVersion } = object.metadata ?? {};
    return this.server.call('updateStatus', this.resource.plural, options?.signal, () => this.modify(namespace, name, (previous) => {
      this.mustMatch(previous, resourceVersion);
      return this.preparedStatus(object, previous);
    }));
  }

  patch(namespace: string, name: string, type: PatchType, patch: JsonValue, options?: CallOptions & { readonly subresource?: 'status' }): Promise<T> {
    return this.server.call('patch', this.resource.plural, options?.signal, () => this.modify(namespace, name, (previous) => {
      if (type !== 'application/merge-patch+json') throw new ApiError('UnsupportedMediaType', `the fake has no ${type}`);
      const next = this.resource.codec.fromJson(applyMergePatch(this.resource.codec.toJson(previous), patch));
      this.mustMatch(previous, next.metadata?.resourceVersion);
      return options?.subresource === 'status' ? this.preparedStatus(next, previous) : this.prepared(next, previous);
    }));
  }

  delete(namespace: string, name: string, options?: CallOptions & { readonly deleteOptions?: DeleteOptions }): Promise<T> {
    return this.server.call('delete', this.resource.plural, options?.signal, () => {
      const previous = this.mustHave(namespace, name);
      const { preconditions, gracePeriodSeconds } = options?.deleteOptions ?? {};
      if (preconditions?.uid !== undefined && preconditions.uid !== previous.metadata?.uid) throw this.conflict(previous);
      this.mustMatch(previous, preconditions?.resourceVersion);
      const graceSeconds = gracePeriodSeconds ?? this.resource.gracePeriodSeconds?.(previous) ?? 0;
      const marked = structuredClone(previous);
      setPropagation(marked, options?.deleteOptions?.propagationPolicy);
      if (graceSeconds === 0 && !heldByFinalizer(marked)) return this.commit('DELETED', marked, previous);
      const deletionTimestamp = timeFromMs(this.server.clock.now() + graceSeconds * 1000);
      Object.assign(marked.metadata ?? {}, { deletionTimestamp, deletionGracePeriodSeconds: graceSeconds } satisfies ObjectMeta);
      if ((previous as Finalizable).spec?.finalizers) Object.assign(marked, { status: { ...(marked as { status?: object }).status, phase: 'Terminating' } });
      return this.commit('MODIFIED', marked, previous);
    });
  }

  /** Read, change, write; an object marked for deletion whose last finalizer went is deleted. */
  modify(namespace: string, name: string, change: (previous: T) => T): T {
    const previous = this.mustHave(namespace, name);
    const next = change(previous);
    const terminating = previous.metadata?.deletionTimestamp && (previous.metadata.deletionGracePeriodSeconds ?? 0) === 0;
    return this.commit(terminating && !heldByFinalizer(next) ? 'DELETED' : 'MODIFIED', structuredClone(next), previous);
  }

  cut(error?: Error): void {
    for (const { queue } of this.watchers) {
      if (error) queue.fail(error);
      else queue.end();
    }
    this.watchers.clear();
  }

  expire(): void {
    this.history = [];
    this.floor = this.server.currentVersion;
  }

  release(): void {
    for (const watcher of this.watchers) {
      for (const change of watcher.held) watcher.queue.push(change);
      watcher.held = [];
    }
  }

  private begin({ resourceVersion, sendInitialEvents }: WatchOptions) {
    const watcher = { queue: new BoundedQueue<Change<T>>(100_000), held: [] as Change<T>[] };
    if (resourceVersion !== undefined && compareVersions(resourceVersion, this.floor) < 0) throw new ApiError('Expired', `too old resource version: ${resourceVersion} (${this.floor})`);
    for (const change of this.history) if (resourceVersion !== undefined && compareVersions(change.version, resourceVersion) > 0) watcher.queue.push(change);
    this.watchers.add(watcher);
    return { watcher, version: this.server.currentVersion, initial: sendInitialEvents ? [...this.objects.values()] : [] };
  }

  private prepared(object: T, previous: T): T {
    const next = structuredClone(object);
    const { uid, creationTimestamp, deletionTimestamp, deletionGracePeriodSeconds } = previous.metadata ?? {};
    Object.assign((next.metadata ??= {}), { uid, creationTimestamp, ...(deletionTimestamp && { deletionTimestamp, deletionGracePeriodSeconds }) } satisfies ObjectMeta);
    this.resource.prepareForUpdate(next, previous);
    this.resource.setDefaults(next);
    this.refuse(next, this.resource.validateUpdate(next, previous));
    return next;
  }

  private preparedStatus(object: T, previous: T): T {
    if (!this.resource.status) throw notFound(this.resource.plural, object.metadata?.name ?? '');
    return this.resource.status.prepareForUpdate(structuredClone(object), previous);
  }

  private refuse(object: T, errors: ReturnType<Resource<T>['validateCreate']>): void {
    if (errors.length > 0) throw fieldErrorsToApiError(this.resource as unknown as Resource, object.metadata?.name ?? '', errors);
  }

  private commit(type: Change<T>['type'], object: T, old: T | undefined): T {
    const version = this.server.nextVersion();
    (object.metadata ??= {}).resourceVersion = version;
    const key = cacheKey(object.metadata.namespace ?? '', object.metadata.name ?? '');
    const { traceparent } = this.server.currentHeaders;
    const wanted = !old || type === 'DELETED' || this.resource.changesWanted(object, old);
    const origin = wanted ? traceparent : this.objects.get(key)?.origin;
    if (type === 'DELETED') this.objects.delete(key);
    else this.objects.set(key, { object, ...(origin !== undefined && { origin }) });
    const change: Change<T> = { type, object, version, commitTimeMs: this.server.clock.now(), ...(old && { old }), ...(traceparent !== undefined && { traceparent }), ...(origin !== undefined && { origin }) };
    this.history.push(change);
    for (const watcher of this.watchers) {
      if (this.server.isPaused(this.resource.plural)) watcher.held.push(change);
      else watcher.queue.push(change);
    }
    this.server.writes.push(`${type === 'ADDED' ? 'create' : type === 'DELETED' ? 'delete' : 'update'} ${this.resource.plural} ${key}`);
    return object;
  }

  private mustHave(namespace: string, name: string): T {
    const found = this.objects.get(cacheKey(namespace, name));
    if (!found) throw notFound(this.resource.plural, name);
    return found.object;
  }

  private mustMatch(previous: T, version: string | undefined): void {
    if (version !== undefined && version !== previous.metadata?.resourceVersion) throw this.conflict(previous);
  }

  private conflict({ metadata }: T): ApiError {
    return new ApiError('Conflict', `the object ${this.resource.plural} "${metadata?.name}" has been modified`, { kind: this.resource.plural, name: metadata?.name ?? '' });
  }

  private selector({ namespace, labelSelector, fieldSelector }: ListOptions): (object: T) => boolean {
    const labels = parseLabelSelector(labelSelector ?? '');
    const fields = parseFieldSelector(fieldSelector ?? '', this.resource);
    return (object) => (namespace ?? object.metadata?.namespace) === object.metadata?.namespace && labels.matches(object.metadata?.labels ?? {}) && fields.matches(object);
  }
}

interface Finalizable {
  readonly spec?: { readonly finalizers?: readonly string[] };
}

/** As the server does: garbage collection acts on these two finalizers. */
function setPropagation({ metadata = {} }: ApiObject, policy: string | undefined): void {
  if (policy === undefined) return;
  const others = (metadata.finalizers ?? []).filter((finalizer) => finalizer !== 'orphan' && finalizer !== 'foregroundDeletion');
  const finalizers = policy === 'Orphan' ? [...others, 'orphan'] : policy === 'Foreground' ? [...others, 'foregroundDeletion'] : others;
  metadata.finalizers = finalizers.length > 0 ? finalizers : undefined;
}

function heldByFinalizer(object: ApiObject): boolean {
  return (object.metadata?.finalizers?.length ?? 0) > 0 || ((object as Finalizable).spec?.finalizers?.length ?? 0) > 0;
}

function notFound(plural: string, name: string): ApiError {
  return new ApiError('NotFound', `${plural} "${name}" not found`, { kind: plural, name });
}

function eventOf<T>(type: WatchEvent<T>['type'], object: T, resourceVersion: string, from: TraceHeaders & { readonly commitTimeMs: number }): WatchEvent<T> {
  const { traceparent, origin, commitTimeMs } = from;
  return { type, object, resourceVersion, commitTimeMs, ...(traceparent !== undefined && { traceparent }), ...(origin !== undefined && { origin }) };
}

/** What a watcher with a selector sees of a change: what enters is ADDED, what leaves is DELETED. */
function selectedEvent<T>(change: Change<T>, selects: (object: T) => boolean): WatchEvent<T> | undefined {
  const was = change.old !== undefined && selects(change.old);
  const is = change.type !== 'DELETED' && selects(change.object);
  if (!was && !is) return undefined;
  return eventOf(is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED', change.object, change.version, change);
}
