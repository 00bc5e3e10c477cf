import { configMaps, cronJobs, daemonSets, deployments, jobs, namespaces, ownerReference, podDisruptionBudgets, pods, replicaSets, replicationControllers, resourceQuotas, services, statefulSets, type ApiObject, type JsonValue, type Resource } from '@navarch/api';
import { hasReason, randomInt, type Random } from '@navarch/base';

import type { SimulatedCluster } from '../simulated-cluster';
import * as make from './objects';

/** What people do to one sort of workload; `shop` and the like are namespaces, all names are the script's own. */
type Step = (user: ScriptedUser) => Promise<void>;

const shop = 'shop';
const cascades = ['Background', 'Foreground', 'Orphan'] as const;

/** Somebody who makes, scales, rolls and deletes, as the random source says, and tries again until it is done. */
export class ScriptedUser {
  /** ConfigMaps that must outlive their owner, which was deleted without them. */
  readonly orphaned: string[] = [];
  private count = 0;

  constructor(private readonly cluster: SimulatedCluster, readonly random: Random, private readonly note: (what: string) => void) {}

  pick<T>(values: readonly T[]): T {
    return values[randomInt(this.random, values.length)] as T;
  }

  fresh(prefix: string): string {
    return `${prefix}${this.count++}`;
  }

  async create<T extends ApiObject>(resource: Resource<T>, object: T): Promise<void> {
    this.note(`create ${resource.plural} ${object.metadata?.namespace ?? ''}/${object.metadata?.name}`);
    await this.insist(() => this.cluster.admin.resource(resource).create(object), ['AlreadyExists', 'Forbidden']);
  }

  async patch(resource: Resource, namespace: string, name: string, patch: JsonValue): Promise<void> {
    this.note(`patch ${resource.plural} ${namespace}/${name} ${JSON.stringify(patch)}`);
    await this.insist(() => this.cluster.admin.resource(resource).patch(namespace, name, 'application/merge-patch+json', patch), ['NotFound']);
  }

  async remove(resource: Resource, namespace: string, name: string, propagationPolicy: (typeof cascades)[number] = 'Background'): Promise<void> {
    this.note(`delete ${resource.plural} ${namespace}/${name} ${propagationPolicy}`);
    await this.insist(() => this.cluster.admin.resource(resource).delete(namespace, name, { deleteOptions: { propagationPolicy } }), ['NotFound', 'Conflict']);
  }

  scale(resource: Resource, namespace: string, name: string, most: number): Promise<void> {
    return this.patch(resource, namespace, name, { spec: { replicas: randomInt(this.random, most + 1) } });
  }

  roll(resource: Resource, namespace: string, name: string): Promise<void> {
    return this.patch(resource, namespace, name, { spec: { template: { metadata: { annotations: { release: this.fresh('r') } } } } });
  }

  /** One try, as kubectl drain does one after another. */
  async evictSome(namespace: string, app: string): Promise<void> {
    const list = await this.insist(() => this.cluster.admin.resource(pods).list({ namespace, labelSelector: `app=${app}` }), []);
    const names = list?.items.map(({ metadata }) => metadata?.name ?? '') ?? [];
    const name = names.length > 0 ? this.pick(names) : undefined;
    if (name === undefined) return;
    this.note(`evict ${namespace}/${name}`);
    await this.cluster.evict(namespace, name).catch(() => undefined);
  }

  /** Again and again until an answer comes; one of `fine` is an answer. */
  async insist<R>(call: () => Promise<R>, fine: readonly string[]): Promise<R | undefined> {
    for (;;) {
      try {
        return await call();
      } catch (thrown) {
        if (fine.some((reason) => hasReason(thrown, reason as never))) return undefined;
        if (!hasReason(thrown, 'Unavailable', 'Timeout', 'ServerTimeout', 'TooManyRequests', 'Conflict', 'NotFound')) throw thrown;
        await this.pause(500);
      }
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => { this.cluster.clock.setTimer(ms, resolve); });
  }
}

const make1 = <T extends ApiObject>(resource: Resource<T>, object: T): Step => (user) => user.create(resource, object);
const scaled = (resource: Resource, name: string, most: number, namespace = shop): Step => (user) => user.scale(resource, namespace, name, most);
const rolled = (resource: Resource, name: string): Step => (user) => user.roll(resource, shop, name);
/** Deleted, and after a while made again under the same name. */
const remade = <T extends ApiObject>(resource: Resource<T>, object: T): Step => async (user) => {
  await user.remove(resource as unknown as Resource, shop, object.metadata?.name ?? '', user.pick(['Background', 'Foreground']));
  await user.pause(randomInt(user.random, 4_000));
  await user.create(resource, object);
};

const any = (resource: unknown): Resource => resource as Resource;

/** A tree of ConfigMaps: nobody but the garbage collector ever deletes them. */
const tree: Step = async (user) => {
  const [root, leaf] = [user.fresh('root'), user.fresh('leaf')];
  await user.create(configMaps, { metadata: { namespace: shop, name: root } });
  const owner = await user.insist(() => userClient(user).resource(configMaps).get(shop, root), []);
  if (!owner) return;
  await user.create(configMaps, { metadata: { namespace: shop, name: leaf, ownerReferences: [{ ...ownerReference(configMaps, owner), controller: false }] } });
  await user.pause(randomInt(user.random, 3_000));
  const cascade = user.pick(cascades);
  if (user.random.next() < 0.3) return;
  if (cascade === 'Orphan') user.orphaned.push(leaf);
  await user.remove(any(configMaps), shop, root, cascade);
};
const userClient = (user: ScriptedUser) => user['cluster'].admin;

/** A namespace with something in it, deleted before it has come to rest. */
const shortLived: Step = async (user) => {
  const name = user.fresh('brief');
  await user.create(namespaces, { metadata: { name } });
  await user.create(deployments, make.deployment(name, 'web', 2));
  await user.create(configMaps, { metadata: { namespace: name, name: 'settings' } });
  await user.pause(randomInt(user.random, 4_000));
  await user.remove(any(namespaces), '', name);
};

const freshJob: Step = (user) => user.create(jobs, make.job(shop, user.fresh('job'), user.random.next() < 0.5));

/** Each topic: how it begins, and what may happen to it again and again. */
export const topics: Readonly<Record<string, { readonly begin: readonly Step[]; readonly steps: readonly Step[] }>> = {
  deployments: {
    begin: [make1(deployments, make.deployment(shop, 'web', 3)), make1(services, make.service(shop, 'web')), make1(deployments, make.deployment(shop, 'batch', 2, true))],
    steps: [rolled(any(deployments), 'web'), rolled(any(deployments), 'web'), scaled(any(deployments), 'web', 5), rolled(any(deployments), 'batch'), remade(deployments, make.deployment(shop, 'batch', 2, true))],
  },
  replicas: {
    begin: [make1(replicaSets, make.replicaSet(shop, 'herd', 3)), make1(replicationControllers, make.replicationController(shop, 'flock', 2)), make1(services, make.service(shop, 'herd'))],
    steps: [scaled(any(replicaSets), 'herd', 5), scaled(any(replicationControllers), 'flock', 4), remade(replicaSets, make.replicaSet(shop, 'herd', 3))],
  },
  statefulSets: {
    begin: [make1(statefulSets, make.statefulSet(shop, 'db', 2)), make1(statefulSets, make.statefulSet(shop, 'cache', 2, { parallel: true, retention: 'Delete' })), make1(statefulSets, make.wanderingSet(shop, 'peer', 3))],
    steps: [
      scaled(any(statefulSets), 'db', 3), scaled(any(statefulSets), 'cache', 3), scaled(any(statefulSets), 'peer', 4), rolled(any(statefulSets), 'db'), rolled(any(statefulSets), 'peer'),
      remade(statefulSets, make.statefulSet(shop, 'cache', 2, { parallel: true, retention: 'Delete' })), remade(statefulSets, make.wanderingSet(shop, 'peer', 3)),
    ],
  },
  daemonSets: {
    begin: [make1(daemonSets, make.daemonSet(shop, 'agent')), make1(daemonSets, make.daemonSet(shop, 'mesh', true))],
    steps: [rolled(any(daemonSets), 'agent'), rolled(any(daemonSets), 'mesh'), remade(daemonSets, make.daemonSet(shop, 'agent'))],
  },
  jobs: {
    begin: [make1(jobs, make.job(shop, 'once', false)), make1(jobs, make.job(shop, 'each', true))],
    steps: [freshJob, freshJob, (user) => user.remove(any(jobs), shop, 'once')],
  },
  cronJobs: {
    begin: [make1(cronJobs, make.cronJob(shop, 'tick', 'Allow')), make1(cronJobs, make.cronJob(shop, 'tock', 'Replace'))],
    steps: [(user) => user.patch(any(cronJobs), shop, 'tick', { spec: { suspend: user.random.next() < 0.2 } })],
  },
  budgets: {
    begin: [make1(replicaSets, make.replicaSet(shop, 'quorum', 4)), make1(podDisruptionBudgets, make.budget(shop, 'quorum', 3))],
    steps: [(user) => user.evictSome(shop, 'quorum'), (user) => user.evictSome(shop, 'quorum')],
  },
  quotas: {
    begin: [make1(namespaces, { metadata: { name: 'tight' } }), make1(resourceQuotas, make.quota('tight', 4)), make1(replicaSets, make.replicaSet('tight', 'left', 3)), make1(replicaSets, make.replicaSet('tight', 'right', 3))],
    steps: [scaled(any(replicaSets), 'left', 4, 'tight'), scaled(any(replicaSets), 'right', 4, 'tight')],
  },
  garbage: { begin: [tree], steps: [tree, tree] },
  namespaces: { begin: [shortLived], steps: [shortLived] },
};

/** Only where asked for by name: a rollout of one size, since a size that changes excuses that fewer serve. */
const rehearsals: typeof topics = {
  rollouts: { begin: [make1(deployments, make.deployment(shop, 'steady', 4))], steps: [rolled(any(deployments), 'steady')] },
};

/** Lives through these topics until `untilMs`; at the end nothing starts by itself any more. */
export async function liveThrough(user: ScriptedUser, names: readonly string[], nowMs: () => number, untilMs: number, paceMs: number): Promise<void> {
  const chosen = names.map((name) => topics[name] ?? rehearsals[name]).filter((topic) => topic !== undefined);
  await user.create(namespaces, { metadata: { name: shop } });
  for (const { begin } of chosen) for (const step of begin) await step(user);
  const steps = chosen.flatMap((topic) => topic.steps);
  while (nowMs() < untilMs) {
    await user.pause(randomInt(user.random, paceMs * 2));
    await user.pick(steps)(user);
  }
  for (const name of ['tick', 'tock']) if (names.includes('cronJobs')) await user.remove(any(cronJobs), shop, name);
}
