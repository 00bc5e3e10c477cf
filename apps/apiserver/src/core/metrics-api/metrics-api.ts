/**
 * metrics.k8s.io/v1beta1: what nodes and pods use, for `kubectl top` and the autoscaler. Kubernetes has an add-on server for it, which polls
 * all nodes for ever; here the apiserver asks the nodes concerned when somebody asks.
 */
import { metricResources, nodeMetrics, type ApiObject, type Resource } from '@navarch/api';
import type { Clock, Logger } from '@navarch/base';
import type { Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { attributesOf, notAllowed, type Authorizer } from '../auth/authorizer';
import { parseSelection } from '../cache/selection';
import { StoredObject } from '../cache/stored-object';
import { defaultTimeoutMs, startDeadline, type Deadline } from '../deadline';
import { badRequest, methodNotAllowed, notFound, unknownResource } from '../errors';
import type { Kinds } from '../kinds';
import type { KubeletConnector } from '../pods/kubelet-connector';
import { becomeCurrent } from '../read/freshness';
import type { ApiRequest, ApiResponse, RequestTarget } from '../request';
import { nodeMetricsOf, podMetricsOf } from './figures';
import { NodeScraper } from './node-scraper';

export interface MetricsApiOptions {
  readonly kinds: Kinds;
  readonly kubelets: Pick<KubeletConnector, 'stats'>;
  readonly authorizer: Authorizer;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class MetricsApi {
  private readonly scraper: NodeScraper;

  constructor(private readonly options: MetricsApiOptions) {
    this.scraper = new NodeScraper(options);
  }

  find({ group, version, resource }: Pick<RequestTarget, 'group' | 'version' | 'resource'>): Resource | undefined {
    return metricResources.find((one) => one.group === group && one.version === version && one.plural === resource);
  }

  async answer(resource: Resource, request: ApiRequest): Promise<ApiResponse> {
    const { verb, target: { subresource, namespace, name }, signal, timeoutMs = defaultTimeoutMs } = request;
    if (subresource) throw unknownResource();
    if (!resource.verbs.includes(verb)) throw methodNotAllowed();
    if (!resource.namespaced && namespace) throw badRequest(`${resource.plural} have no namespace, but the request names "${namespace}"`);
    const attributes = attributesOf(request, parseSelection(resource, request.target, request.options).fields);
    if (this.options.authorizer.authorize(attributes) !== 'allow') throw notAllowed(attributes, resource);
    const deadline = startDeadline(this.options.clock, timeoutMs, signal);
    try {
      const items = await this.measured(resource, request, deadline);
      if (verb === 'list') return { type: 'list', items, resourceVersion: '' };
      if (!items[0]) throw notFound(resource, name ?? '');
      return { type: 'object', object: items[0] };
    } finally {
      deadline.dispose();
    }
  }

  /** Those of the objects that the request means for which there are figures. */
  private async measured(resource: Resource, request: ApiRequest, deadline: Deadline): Promise<StoredObject[]> {
    const { kinds, clock } = this.options;
    const [nodes, kind] = [kinds.get('', 'nodes'), kinds.get('', resource.plural)];
    await becomeCurrent(kind.feed, deadline);
    const { verb, target: { namespace = '', name = '' } } = request;
    const objects = verb === 'get' ? [kind.cache.get(namespace, name)].filter((found) => found !== undefined) : [...kind.cache.select(parseSelection(resource, request.target, request.options))];
    const stored = (item: StoredObject, figures: ApiObject | undefined): StoredObject[] =>
      (figures ? [new StoredObject(resource, item.namespace, item.name, '', 0, clock.now(), resource.codec.encode(figures))] : []);
    if (resource.plural === nodeMetrics.plural) {
      const stats = await this.scraper.scrape(objects.map(({ object }) => object as Node), deadline.signal);
      return objects.flatMap((item) => stored(item, nodeMetricsOf(item.object as Node, stats.get(item.name), clock.now())));
    }
    const running = objects.filter(({ object }) => (object as Pod).status?.phase === 'Running');
    const names = new Set(running.map(({ object }) => (object as Pod).spec?.nodeName ?? ''));
    const theirs = [...names].flatMap((node) => (nodes.cache.get('', node)?.object as Node | undefined) ?? []);
    const stats = await this.scraper.scrape(theirs, deadline.signal);
    return running.flatMap((item) => stored(item, podMetricsOf(item.object as Pod, stats.get((item.object as Pod).spec?.nodeName ?? ''), clock.now())));
  }
}
