import { namespaces, networkPolicies, pods } from '@navarch/api';
import { ApiError, toError, type Clock, type Logger, type Random } from '@navarch/base';
import { createInformer, startController, watching, type ApiClient, type Informer, type ObjectChange } from '@navarch/client';
import type { Namespace, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { NetworkPolicy } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { KernelTable } from '../nft/kernel-table';
import type { Nft } from '../nft/nft';
import { podFacts, policyFacts } from './policy-facts';
import { PolicyRules } from './policy-rules';

export interface PolicyProxyOptions {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly nodeName: string;
  readonly nft: Nft;
  /** How often the kernel's table is looked at although nothing changed, in milliseconds. */
  readonly driftPeriodMs: number;
  /** Hears that the kernel does not take the rules. */
  failed(error: Error): void;
  readonly signal: AbortSignal;
}

export interface PolicyProxy {
  /** Whether the kernel had all that was wanted at the last look. */
  readonly ready: boolean;
  readonly done: Promise<void>;
}

export const policiesTable = 'navarch-policies';
const everything = { namespace: '', name: 'policies' };
const check = { namespace: '', name: 'check' };
const keys = (): (typeof everything)[] => [everything];
const idOf = ({ metadata }: { metadata?: { namespace?: string; name?: string } }): string => `${metadata?.namespace ?? ''}/${metadata?.name}`;

/**
 * Follows NetworkPolicies and keeps the kernel's table as they want it. All pods of the cluster are watched only once there is a policy: most clusters
 * have none, and pay nothing.
 */
export function runPolicyProxy(options: PolicyProxyOptions): PolicyProxy {
  return new PolicyFollower(options);
}

class PolicyFollower implements PolicyProxy {
  ready = false;
  readonly done: Promise<void>;
  private readonly rules = new PolicyRules();
  private readonly table: KernelTable;
  private readonly policies: Informer<NetworkPolicy>;
  /** Takes one change into the rules; later ones of one object replace earlier ones. */
  private readonly changed = new Map<string, () => void>();
  private following: Promise<void> | undefined;

  constructor(private readonly options: PolicyProxyOptions) {
    const { client, clock, random, logger, nft, signal } = options;
    this.table = new KernelTable({ name: policiesTable, model: this.rules.model, nft, logger });
    this.policies = createInformer({ client: client.resource(networkPolicies), resource: networkPolicies, clock, random, logger });
    this.policies.onChange(({ type, object }) => this.changed.set(`policy ${idOf(object)}`, () => this.rules.setPolicy(idOf(object), type === 'DELETED' ? undefined : policyFacts(object))));
    const first = startController({
      name: 'proxy/first-policy', clock, random, logger, signal, maxBackoffMs: 10_000,
      watches: [watching(this.policies, { keys, when: () => !this.following })],
      reconcile: () => this.begin(),
    });
    first.enqueue(everything);
    this.policies.start(signal);
    this.done = first.done.then(() => this.following);
  }

  /** Without a policy no table is needed, also none of an earlier run. */
  private async begin(): Promise<void> {
    if (this.following) return;
    if (this.policies.list().length > 0) this.following = this.follow();
    else {
      await this.inKernel(() => this.table.remove());
    }
  }

  private follow(): Promise<void> {
    const { client, clock, random, logger, nodeName, signal, driftPeriodMs } = this.options;
    const podInformer = createInformer({ client: client.resource(pods), resource: pods, clock, random, logger });
    const namespaceInformer = createInformer({ client: client.resource(namespaces), resource: namespaces, clock, random, logger });
    podInformer.onChange(({ type, object }) => this.changed.set(`pod ${idOf(object)}`, () => this.rules.setPod(idOf(object), type === 'DELETED' ? undefined : podFacts(object, nodeName))));
    namespaceInformer.onChange(({ type, object }) => this.changed.set(`namespace ${object.metadata?.name}`, () =>
      this.rules.setNamespace(object.metadata?.name ?? '', type === 'DELETED' ? undefined : object.metadata?.labels ?? {})));
    const controller = startController({
      name: 'proxy/policies', clock, random, logger, signal, maxBackoffMs: 10_000,
      watches: [
        watching(this.policies, { keys }),
        watching(podInformer, { keys, when: (change: ObjectChange<Pod>) => podMatters(change, nodeName) }),
        watching(namespaceInformer, { keys, when: ({ type, object, old }: ObjectChange<Namespace>) => type !== 'MODIFIED' || JSON.stringify(object.metadata?.labels) !== JSON.stringify(old?.metadata?.labels) }),
      ],
      reconcile: async ({ name }, context) => {
        if (name === check.name) {
          await this.inKernel(() => this.table.check(context.signal));
          return { requeueAfterMs: driftPeriodMs };
        }
        for (const take of this.changed.values()) take();
        this.changed.clear();
        await this.inKernel(() => this.table.sync(context.signal));
      },
    });
    controller.enqueue(check, driftPeriodMs);
    podInformer.start(signal);
    namespaceInformer.start(signal);
    return controller.done;
  }

  private async inKernel(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.ready = true;
    } catch (thrown) {
      this.ready = false;
      if (!this.options.signal.aborted) this.options.failed(toError(thrown));
      throw new ApiError('Unavailable', `the kernel does not take the policies: ${toError(thrown).message}`, {}, { cause: thrown });
    }
  }
}

/** Most changes of pods are of their status: of no concern here. */
function podMatters({ type, object, old }: ObjectChange<Pod>, nodeName: string): boolean {
  return type !== 'MODIFIED' || !old || JSON.stringify(podFacts(object, nodeName)) !== JSON.stringify(podFacts(old, nodeName));
}
