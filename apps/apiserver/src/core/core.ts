import { metricResources, reviewResources, type Resource, type ResourceRegistry } from '@navarch/api';
import { ApiError, isApiError, type Clock, type Logger, type Random } from '@navarch/base';
import type { ObjectLog } from '@navarch/store';

import type { AdmissionPlugin } from './admission/admission';
import { builtInAdmission } from './admission/built-in';
import { quotaExtension } from './admission/quota/extension';
import { QuotaLedger } from './admission/quota/ledger';
import { createAuthenticator, type Authenticator, type Credentials } from './auth/authenticator';
import { attributesOf, notAllowed, patient, type Authorizer } from './auth/authorizer';
import { defaultAuthorizer, rbacSources } from './auth/default-authorizer';
import { escalationCheck } from './auth/escalation';
import { actingUser } from './auth/impersonation';
import type { WindowLimits } from './cache/event-window';
import { LogFeed } from './cache/log-feed';
import { parseSelection, type Selection } from './cache/selection';
import { certificateExtension } from './certificates';
import { defaultTimeoutMs, startDeadline, type Deadline } from './deadline';
import { badRequest, methodNotAllowed, qualified, unknownResource } from './errors';
import { ForeignApis, type ProxyIdentity } from './foreign/foreign-apis';
import type { Subresource, SubresourceContext } from './kind-extension';
import { Kinds, type Kind } from './kinds';
import { defaultLimits, InFlight, type InFlightLimits } from './limits';
import { RequestMetrics } from './metrics';
import { MetricsApi } from './metrics-api/metrics-api';
import { namespaceExtension } from './namespaces';
import { podBinding } from './pods/binding';
import { podEviction } from './pods/eviction';
import type { KubeletConnector } from './pods/kubelet-connector';
import { podLog } from './pods/log';
import { podSessions } from './pods/sessions';
import { podViews } from './pods/views';
import { podProxy, proxyExtensions } from './proxy/proxies';
import { currentObjects } from './read/current-object';
import { becomeCurrent } from './read/freshness';
import { bookmark } from './read/watch';
import { Reads } from './reads';
import type { ApiRequest, ApiResponse, RequestTarget, User } from './request';
import { defaultNodePortRange, portRange } from './services/address-range';
import { serviceExtension, serviceReservations, type ServiceReservations } from './services/extension';
import { nodePortReservations } from './services/reservations';
import { Reviews } from './reviews/reviews';
import { objectAttributes, withRequestSpan } from './tracing';
import { checkOptions, isStreaming, isWrite, strategyFor } from './routing';
import { tokenDiscovery, type TokenDiscovery } from './tokens/discovery';
import { TokenAuthenticator } from './tokens/token-authenticator';
import { apiAudiences, type TokenOptions } from './tokens/token-options';
import { tokenSubresource } from './tokens/token-request';
import { Writes } from './writes';
import type { WriteContext } from './write/writer';

export interface CoreOptions {
  readonly registry: ResourceRegistry;
  /** One log per Resource.log. */
  readonly logs: Readonly<Record<'objects' | 'events', ObjectLog>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly kubelets: KubeletConnector;
  /** Made with the kinds at hand, because node rules look at pods; administrators, the node rule and RBAC unless told. */
  readonly authorizer?: (kinds: Kinds) => Authorizer;
  /** Who else knows callers by what they show, beside client certificates and service accounts' tokens. */
  readonly authenticators?: readonly Authenticator[];
  /** Service accounts' tokens; without them none are made, mounted or known. */
  readonly tokens?: TokenOptions;
  /** How this server proves to APIs' own servers that it speaks for its callers. */
  readonly proxyIdentity?: ProxyIdentity;
  /** Run after the built-in plugins. */
  readonly admission?: readonly AdmissionPlugin[];
  readonly limits?: InFlightLimits;
  /** Where node ports come from, `first-last`; Kubernetes' 30000-32767 unless told. */
  readonly nodePortRange?: string;
  readonly window?: WindowLimits;
  /** Changes a watcher may be behind before it is cut off; 4,096 unless told. */
  readonly watchQueueCapacity?: number;
  /** Milliseconds between a watch's bookmarks; 60,000 unless told. */
  readonly bookmarkIntervalMs?: number;
  /** Hears `notReady()` whenever it may have changed. */
  readonly onReadiness?: (reasons: readonly string[]) => void;
}

/**
 * The apiserver without its doors. `handle` takes a request as a value, through limits, authorization and whichever of
 * reads and writes it is; everything it needs is in the watch caches, everything it changes goes to the object log.
 * Stateless but for the caches: any number of cores can serve one log.
 */
export class ApiCore {
  readonly kinds: Kinds;
  /** What Services hold. */
  readonly serviceReservations: ServiceReservations;
  private readonly feeds: Readonly<Record<'objects' | 'events', LogFeed>>;
  private readonly reads: Reads;
  private readonly writes: Writes;
  private readonly inFlight: InFlight;
  private readonly metrics = new RequestMetrics();
  private readonly authorizer: Authorizer;
  /** What is answered without being stored. */
  private readonly computed: readonly (Reviews | MetricsApi)[];
  /** Who is calling, or whom the caller may act as, for the doors. Throws Unauthorized, Forbidden. */
  readonly authenticate: (credentials: Credentials) => Promise<User>;
  /** What others need to check service accounts' tokens; undefined where there are none. */
  readonly tokenDiscovery: TokenDiscovery | undefined;
  /** APIs that other servers answer. */
  readonly foreign: ForeignApis;
  private draining = false;
  private rolesPending = false;

  constructor(private readonly options: CoreOptions) {
    const { clock, random, logger, registry, logs, kubelets } = options;
    const feed = (name: 'objects' | 'events'): LogFeed => new LogFeed({ name, log: logs[name], logger, onState: () => options.onReadiness?.(this.notReady()) });
    this.feeds = { objects: feed('objects'), events: feed('events') };
    const pods = { group: '', plural: 'pods', views: podViews, subresources: { binding: podBinding, eviction: podEviction, log: podLog(kubelets), proxy: podProxy(kubelets), ...podSessions(kubelets) } };
    const common = { clock, random, logger };
    const quotas = new QuotaLedger(() => this.kinds, common);
    this.serviceReservations = serviceReservations(() => this.kinds, portRange(options.nodePortRange ?? defaultNodePortRange), common);
    const accounts = { group: '', plural: 'serviceaccounts', subresources: { token: tokenSubresource(options.tokens, random) } };
    const extensions = [pods, accounts, namespaceExtension, certificateExtension, serviceExtension(this.serviceReservations, common), quotaExtension(quotas), ...proxyExtensions(kubelets)];
    this.kinds = new Kinds({ registry, feeds: this.feeds, extensions, internal: [nodePortReservations as Resource], writer: { clock, random }, window: options.window });
    const { watchQueueCapacity: queueCapacity = 4_096, bookmarkIntervalMs = 60_000 } = options;
    this.reads = new Reads(clock, { clock, random, queueCapacity, bookmarkIntervalMs });
    const find = currentObjects(this.kinds, clock);
    const builtIn = builtInAdmission({ kinds: this.kinds, random, find, mountTokens: options.tokens !== undefined });
    const escalation = escalationCheck(() => rbacSources(this.kinds), () => this.authorizer);
    this.writes = new Writes({ clock, random, reservations: quotas, admission: [...builtIn, escalation, ...(options.admission ?? [])] });
    this.inFlight = new InFlight(options.limits ?? defaultLimits);
    this.authorizer = patient((options.authorizer ?? defaultAuthorizer)(this.kinds), () => this.rolesPending);
    const tokens = options.tokens && new TokenAuthenticator({ tokens: options.tokens, clock, find });
    const authenticate = createAuthenticator([...(options.authenticators ?? []), ...(tokens ? [tokens] : [])]);
    this.authenticate = async (credentials) => actingUser(await authenticate(credentials), credentials.impersonation, this.authorizer);
    this.tokenDiscovery = options.tokens && tokenDiscovery(options.tokens);
    const reviews = new Reviews({ clock, authorizer: this.authorizer, authenticate: this.authenticate, tokens, audiences: options.tokens ? apiAudiences(options.tokens) : [] });
    const own = new Set(this.resources().map(({ group, version }) => `${group}/${version}`));
    this.foreign = new ForeignApis({
      kinds: () => this.kinds, kubelets, random, own: () => own, ...(options.proxyIdentity && { identity: options.proxyIdentity }),
      authorize: ({ user, verb, target }) => this.authorize({ namespaced: target.namespace !== undefined }, { user, verb, target }),
      take: ({ user, verb }) => this.inFlight.take(user, verb, verb === 'watch'),
    });
    this.computed = [reviews, new MetricsApi({ kinds: this.kinds, kubelets, authorizer: this.authorizer, clock, logger })];
  }

  get registry(): ResourceRegistry {
    return this.options.registry;
  }

  /** What can be asked for: the registry's kinds, and those that are only questions or figures. */
  resources(): readonly Resource[] {
    return [...this.registry.all(), ...reviewResources, ...metricResources];
  }

  resource(target: Pick<RequestTarget, 'group' | 'version' | 'resource'>): Resource | undefined {
    return this.registry.find(target) ?? this.computedOf(target)?.resource;
  }

  /** Follows the logs until the signal aborts; then every watch ends. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.feeds.objects.run(signal), this.feeds.events.run(signal)]);
    this.kinds.close();
    for (const { cache } of this.kinds.all()) cache.endWatches();
  }

  /** Resolves when both logs have been loaded; rejects where a log refuses to serve. */
  async loaded(signal: AbortSignal): Promise<void> {
    await Promise.all([this.feeds.objects.waitFor(0, signal), this.feeds.events.waitFor(0, signal)]);
  }

  /** Until then whoever is not allowed is told to come again, because the roles that say so may not be there yet. Refused for good if it never comes. */
  expectRoles(made: Promise<unknown>): void {
    this.rolesPending = true;
    const over = (): void => { this.rolesPending = false; };
    made.then(over, over);
  }

  /** Throws Forbidden where this user may not reach a path that is no resource's. */
  checkPath(user: User, verb: string, path: string): void {
    if (this.authorizer.reach?.({ user, verb, path }) === 'allow') return;
    throw new ApiError('Forbidden', `forbidden: User "${user.name}" cannot ${verb} path "${path}"`);
  }

  /** Why this replica should get no requests; empty when it is ready. */
  notReady(): string[] {
    return [...(this.draining ? ['shutting down'] : []), ...Object.entries(this.feeds).flatMap(([name, { state }]) => {
      if (state.type === 'serving') return [];
      return [state.type === 'failed' ? `the ${name} log is not served: ${state.error.message}` : `the ${name} log is being loaded`];
    })];
  }

  /** Ends every watch with a last bookmark, so that its client goes on elsewhere without listing again. */
  drain(): void {
    this.draining = true;
    this.options.onReadiness?.(this.notReady());
    for (const { cache, feed } of this.kinds.all()) cache.endWatches(bookmark(cache, feed.position));
  }

  async handle(request: ApiRequest): Promise<ApiResponse> {
    const beganMs = this.options.clock.now();
    try {
      const response = await this.dispatch(request);
      this.count(request, request.verb === 'create' || (response.type === 'object' && response.created) ? 201 : 200, beganMs);
      return response;
    } catch (error) {
      this.count(request, isApiError(error) ? error.code : 500, beganMs);
      throw error;
    }
  }

  /** What this replica has done and holds, in Prometheus' text format. */
  metricsText(): string {
    const { streams, ...inFlight } = this.inFlight.counts();
    return this.metrics.text({ inFlight, longRunning: streams, objects: this.kinds.all().map(({ resource, cache }) => [qualified(resource), cache.size]) });
  }

  /** Names that nobody serves are not counted by name: they are the caller's to invent. */
  private count(request: ApiRequest, code: number, beganMs: number): void {
    const { target } = request;
    const resource = this.resource(target);
    if (!resource) return;
    const subresource = target.subresource && !resource.subresources.includes(target.subresource) ? 'unknown' : target.subresource;
    const seconds = isStreaming(request) ? undefined : (this.options.clock.now() - beganMs) / 1_000;
    this.metrics.record({ verb: request.verb, target: { ...target, subresource } }, code, seconds);
  }

  private async dispatch(request: ApiRequest): Promise<ApiResponse> {
    if (request.signal.aborted) throw new ApiError('Canceled', 'the request was given up before it began', {}, { cause: request.signal.reason });
    const kind = this.kinds.find(request.target);
    if (!kind) return this.compute(request);
    checkRoute(kind, request);
    const parsed = parseSelection(kind.resource, request.target, request.options);
    const selection = kind.view?.selection(parsed) ?? parsed;
    this.authorize(kind.resource, request, selection);
    checkOptions(request.options);
    if (this.draining && isStreaming(request)) throw new ApiError('Unavailable', 'the apiserver is shutting down', { retryAfterSeconds: 1 });
    const release = this.inFlight.take(request.user, request.verb, isStreaming(request));
    return this.answer(kind, request, selection, release);
  }

  private authorize(resource: Pick<Resource, 'namespaced'>, request: Pick<ApiRequest, 'user' | 'verb' | 'target'>, selection?: Selection): void {
    const attributes = attributesOf(request, selection?.fields ?? {}, selection?.labels);
    if (this.authorizer.authorize(attributes) !== 'allow') throw notAllowed(attributes, resource);
  }

  private computedOf(target: Pick<RequestTarget, 'group' | 'version' | 'resource'>): { readonly resource: Resource; readonly by: Reviews | MetricsApi } | undefined {
    for (const by of this.computed) {
      const resource = by.find(target);
      if (resource) return { resource, by };
    }
    return undefined;
  }

  private async compute(request: ApiRequest): Promise<ApiResponse> {
    const found = this.computedOf(request.target);
    if (!found) throw unknownResource();
    checkOptions(request.options);
    const release = this.inFlight.take(request.user, request.verb, false);
    try {
      return await found.by.answer(found.resource, request);
    } finally {
      release();
    }
  }

  /** Holds the request's place until its answer is complete: a stream's when the stream ends. */
  private async answer(kind: Kind, request: ApiRequest, selection: Selection, release: () => void): Promise<ApiResponse> {
    const deadline = startDeadline(this.options.clock, request.timeoutMs ?? defaultTimeoutMs, request.signal);
    let streams = false;
    try {
      const response = isWrite(request) ? await this.write(kind, request, selection, deadline) : await this.read(kind, request, selection, deadline);
      if (response.type === 'watch') {
        streams = true;
        return { ...response, items: held(response.items, request.signal, release) };
      }
      if (response.type === 'stream') {
        streams = true;
        return { ...response, chunks: held(response.chunks, request.signal, release) };
      }
      if (response.type === 'session') {
        streams = true;
        return { ...response, release };
      }
      return response;
    } finally {
      deadline.dispose();
      if (!streams) release();
    }
  }

  private read(kind: Kind, request: ApiRequest, selection: Selection, deadline: Deadline): Promise<ApiResponse> {
    const special = specialOf(kind, request);
    if (special) return special.handle(request, this.subresourceContext(kind, request, deadline));
    switch (request.verb) {
      case 'list': return this.reads.list(kind, request, selection, deadline);
      case 'watch': return this.reads.watch(kind, request, selection, deadline);
      default: return this.reads.get(kind, request, deadline);
    }
  }

  private write(kind: Kind, request: ApiRequest, selection: Selection, deadline: Deadline): Promise<ApiResponse> {
    return withRequestSpan(request, kind, async ({ context, traceparent }, note) => {
      let created = false;
      const ctx: WriteContext = {
        deadline, dryRun: request.options.dryRun?.includes('All') ?? false, context, traceparent,
        authorizeCreate: () => this.authorize(kind.resource, { ...request, verb: 'create' }), onCreated: () => { created = true; },
      };
      const special = specialOf(kind, request);
      if (special) return special.handle(request, this.subresourceContext(kind, request, deadline, ctx));
      if (request.verb === 'deletecollection') {
        await becomeCurrent(kind.feed, deadline);
        return this.writes.deleteCollection(kind, request, selection, ctx);
      }
      const object = await this.writeOne(kind, request, ctx);
      note(objectAttributes(kind, object.name, object.uid));
      return { type: 'object', object, created };
    });
  }

  private writeOne(kind: Kind, request: ApiRequest, ctx: WriteContext): ReturnType<Writes['create']> {
    switch (request.verb) {
      case 'create': return this.writes.create(kind, request, ctx);
      case 'update': return this.writes.update(kind, request, strategyFor(kind, request), ctx);
      case 'patch': return this.writes.patch(kind, request, strategyFor(kind, request), ctx);
      case 'delete': return this.writes.delete(kind, request, ctx);
      default: throw methodNotAllowed();
    }
  }

  private subresourceContext(kind: Kind, { target }: ApiRequest, deadline: Deadline, ctx?: WriteContext): SubresourceContext {
    const [namespace, name] = [target.namespace ?? '', target.name ?? ''];
    return {
      resource: kind.resource, versions: kind.versions, namespace, name, deadline, nowMs: this.options.clock.now(), random: this.options.random,
      find: async (other = name) => {
        await becomeCurrent(kind.feed, deadline);
        return kind.store.find(namespace, other, deadline);
      },
      mutate: (decide, options) => kind.store.mutate(namespace, name, decide, writeContext(ctx, options)),
      mutateObject: ({ group, plural }, other, decide, options) => this.kinds.get(group, plural).store.mutate(namespace, other, decide, writeContext(ctx, options)),
      objectsIn: (group, plural) => {
        const found = this.kinds.all().find(({ resource }) => resource.group === group && resource.plural === plural);
        return found ? [...found.cache.select(parseSelection(found.resource, { ...target, namespace: found.resource.namespaced ? namespace : '' }, {}))] : [];
      },
      cache: (group, plural) => this.kinds.get(group, plural).cache,
    };
  }
}

/** A subresource's writes go under the request's; that it only pretends may also be said in its body. */
function writeContext(ctx: WriteContext | undefined, { dryRun = false }: { readonly dryRun?: boolean } = {}): WriteContext {
  if (!ctx) throw methodNotAllowed();
  return dryRun ? { ...ctx, dryRun } : ctx;
}

/** What the kind itself does at this subresource; the name comes from the caller. */
function specialOf({ extension }: Kind, { target }: ApiRequest): Subresource | undefined {
  const { subresources = {} } = extension ?? {};
  return Object.hasOwn(subresources, target.subresource ?? '') ? subresources[target.subresource ?? ''] : undefined;
}

/** Is there such a door, and does the request say which object it means? */
function checkRoute(kind: Kind, request: ApiRequest): void {
  const { resource } = kind;
  const { verb, target } = request;
  const { subresource = '', namespace = '', name = '' } = target;
  const special = specialOf(kind, request);
  if (subresource !== '' && !special && !resource.subresources.includes(subresource)) throw unknownResource();
  const verbs = special?.verbs ?? (subresource === '' ? resource.verbs : ['get', 'update', 'patch']);
  if (!verbs.includes(verb)) throw methodNotAllowed();
  const ofCollection = ['list', 'watch', 'deletecollection'].includes(verb) || (verb === 'create' && subresource === '');
  if (!ofCollection && name === '') throw badRequest('resource name may not be empty');
  if (!resource.namespaced && namespace !== '') throw badRequest(`${resource.plural} have no namespace, but the request names "${namespace}"`);
  if (resource.namespaced && namespace === '' && verb !== 'list' && verb !== 'watch') throw badRequest('an empty namespace may not be set when a resource name is provided');
}

/** The stream, which gives its place back at its end, or when the request is over without anyone having read it. */
function held<T>(stream: AsyncIterable<T>, signal: AbortSignal, release: () => void): AsyncIterable<T> {
  signal.addEventListener('abort', release, { once: true });
  return (async function* () {
    try {
      yield* stream;
    } finally {
      signal.removeEventListener('abort', release);
      release();
    }
  })();
}
