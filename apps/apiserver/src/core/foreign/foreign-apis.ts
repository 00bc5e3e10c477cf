import { findCondition, type ApiObject, type JsonObject } from '@navarch/api';
import { ApiError, type Random } from '@navarch/base';
import type { Service } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { EndpointSlice } from '@navarch/proto/k8s/io/api/discovery/v1/discovery';
import type { APIService } from '@navarch/proto/k8s/io/kube_aggregator/pkg/apis/apiregistration/v1/apiregistration';

import { parseSelection } from '../cache/selection';
import type { Kinds } from '../kinds';
import type { KubeletConnector } from '../pods/kubelet-connector';
import { allowed, endpointNode } from '../proxy/reach';
import { chooseEndpoint } from '../proxy/choose-endpoint';
import { unknownResource } from '../errors';
import type { ProxySession, RequestTarget, SessionResponse, User, Verb } from '../request';
import { userHeaders } from './user-headers';

/** How this server proves to others that it speaks for its callers (PEM); they know its authority by --requestheader-client-ca-file. */
export interface ProxyIdentity {
  readonly certificate: string;
  readonly key: string;
}

/** What a far server said of itself at the last check that it answered. */
export interface ForeignDocument {
  readonly group: string;
  readonly version: string;
  readonly versionPriority: number;
  readonly available: boolean;
  /** The entries of its APIResourceList. */
  readonly resources: readonly JsonObject[];
}

export interface ForeignAsk {
  readonly user: User;
  readonly verb: Verb;
  readonly group: string;
  readonly version: string;
  /** Absent: the version's own document. */
  readonly target?: RequestTarget;
}

export interface ForeignApisOptions {
  readonly kinds: () => Kinds;
  readonly kubelets: KubeletConnector;
  readonly random: Random;
  /** Groups' versions of our own, `group/version`: nobody takes these over. */
  readonly own: () => ReadonlySet<string>;
  /** Throws Forbidden. */
  readonly authorize: (ask: ForeignAsk & { readonly target: RequestTarget }) => void;
  /** A place among the requests in flight, until it is released. */
  readonly take: (ask: ForeignAsk) => () => void;
  /** Absent: far servers see an unknown client, and answer as they answer strangers. */
  readonly identity?: ProxyIdentity;
}

/**
 * APIs that other servers answer: a group's version whose APIService names a Service ("Kubernetes API Aggregation Layer"). Requests are
 * authenticated and authorized here and carried on whole; who asks is told in headers, which the far server believes of our certificate.
 */
export class ForeignApis {
  private readonly said = new Map<string, readonly JsonObject[]>();

  constructor(private readonly options: ForeignApisOptions) {}

  all(): APIService[] {
    return this.objects<APIService>('apiregistration.k8s.io', 'apiservices').filter(({ spec }) => spec?.service !== undefined);
  }

  /** The APIService behind which somebody else answers; undefined for our own APIs, and those that nobody has. */
  find(group: string, version: string): APIService | undefined {
    if (this.options.own().has(`${group}/${version}`)) return undefined;
    const found = this.options.kinds().get('apiregistration.k8s.io', 'apiservices').cache.get('', `${version}.${group}`)?.object as APIService | undefined;
    return found?.spec?.service ? found : undefined;
  }

  /** The way there for one request. Throws Forbidden, Unavailable, TooManyRequests. */
  open(ask: ForeignAsk): SessionResponse {
    const service = this.find(ask.group, ask.version);
    if (!service) throw unknownResource();
    const { target } = ask;
    if (target) this.options.authorize({ ...ask, target });
    const session = this.reach(service, ask.user);
    return { type: 'session', session, release: this.options.take(ask) };
  }

  /** What discovery tells of them. */
  documents(): ForeignDocument[] {
    return this.all().filter(({ spec }) => !this.options.own().has(`${spec?.group}/${spec?.version}`)).map(({ metadata, spec, status }) => ({
      group: spec?.group ?? '', version: spec?.version ?? '', versionPriority: spec?.versionPriority ?? 0,
      available: isAvailable(status), resources: this.said.get(metadata?.name ?? '') ?? [],
    }));
  }

  /** Keeps what a server said of itself. */
  remember(name: string, resources: readonly JsonObject[]): void {
    this.said.set(name, resources);
  }

  /** Lets go of what servers said whose APIServices are gone. */
  forgetOthers(names: ReadonlySet<string>): void {
    for (const name of this.said.keys()) if (!names.has(name)) this.said.delete(name);
  }

  /** Connections to the server behind it, on behalf of `user`. Throws Unavailable where its last check failed, or nothing answers. */
  reach(service: APIService, user: User): ProxySession {
    if (!isAvailable(service.status)) throw new ApiError('Unavailable', `service unavailable: ${findCondition(service.status?.conditions, 'Available')?.message ?? 'not checked yet'}`);
    return this.connect(service, user);
  }

  /** The same, whatever the last check said. */
  connect({ spec }: APIService, user: User): ProxySession {
    const { namespace = '', name = '', port = 443 } = spec?.service ?? {};
    const { kubelets, random, identity } = this.options;
    const far = chooseEndpoint(this.service(namespace, name), String(port), this.slices(namespace, name), random);
    const node = endpointNode(this.options.kinds().get('', 'nodes').cache, far);
    const { caBundle, insecureSkipTLSVerify = false } = spec ?? {};
    return {
      kind: 'proxy', scheme: 'https', port: far.port, start: (signal) => kubelets.dial(node, allowed(far.address), signal),
      whole: {
        headers: userHeaders(user),
        tls: {
          servername: `${name}.${namespace}.svc`, rejectUnauthorized: !insecureSkipTLSVerify,
          ...(caBundle && caBundle.length > 0 && { ca: Buffer.from(caBundle).toString() }), ...(identity && { cert: identity.certificate, key: identity.key }),
        },
      },
    };
  }

  private service(namespace: string, name: string): Service {
    const found = this.options.kinds().get('', 'services').cache.get(namespace, name)?.object as Service | undefined;
    if (!found) throw new ApiError('Unavailable', `service/${name} in "${namespace}" is not present`);
    return found;
  }

  private slices(namespace: string, name: string): EndpointSlice[] {
    return this.objects<EndpointSlice>('discovery.k8s.io', 'endpointslices', { namespace, labelSelector: `kubernetes.io/service-name=${name}` });
  }

  private objects<T extends ApiObject>(group: string, plural: string, { namespace, labelSelector }: { readonly namespace?: string; readonly labelSelector?: string } = {}): T[] {
    const { resource, cache } = this.options.kinds().get(group, plural);
    const target = { group, version: resource.version, resource: plural, ...(namespace !== undefined && { namespace }) };
    return [...cache.select(parseSelection(resource, target, { ...(labelSelector !== undefined && { labelSelector }) }))].map(({ object }) => object as T);
  }
}

const isAvailable = (status: APIService['status']): boolean => findCondition(status?.conditions, 'Available')?.status === 'True';
