/** Says of each range of Services' addresses whether it can be used, and keeps one that is being deleted as long as its addresses are in use. */
import { deepEqual, serviceCidrs } from '@navarch/api';
import { startController, watching, type ReconcileContext, type Request } from '@navarch/client';
import type { ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import type { ControllerDependencies, StartController } from '../../dependencies';
import { planServiceCidr, type CidrPlan } from './plan-service-cidr';

/** A write that was under way when the range stopped giving addresses may still bring one (Kubernetes: 10 s). */
const deletionGraceMs = 10_000;

class Protection {
  /** Since when, by our own clock, a range has been about to go without anybody needing it. */
  private readonly idleSince = new Map<string, number>();

  constructor(private readonly dependencies: ControllerDependencies) {}

  async reconcile({ name }: Request, context: ReconcileContext): Promise<{ requeueAfterMs: number } | void> {
    const { informers, clock, config, recorder } = this.dependencies;
    const cidr = informers.serviceCidrs.get('', name);
    if (!cidr) return void this.idleSince.delete(name);
    const plan = planServiceCidr({
      cidr, nowMs: clock.now(), podRanges: config.clusterRanges.map((range) => range.cidr),
      others: informers.serviceCidrs.list().filter(({ metadata }) => metadata?.name !== name && !metadata?.deletionTimestamp),
      addresses: informers.ipAddresses.list().map(({ metadata }) => metadata?.name ?? ''),
    });
    const waitMs = this.waitBeforeRelease(cidr, plan);
    if (waitMs > 0) return { requeueAfterMs: waitMs };
    const reported = cidr.status?.conditions?.some(({ reason }) => reason === 'OverlapsPodRange');
    await this.write(cidr, plan, context);
    if (plan.problem && !reported) recorder.event({ apiVersion: 'networking.k8s.io/v1', kind: 'ServiceCIDR', name, uid: cidr.metadata?.uid }, 'Warning', 'OverlapsPodRange', plan.problem);
  }

  private waitBeforeRelease({ metadata }: ServiceCIDR, { finalizers }: CidrPlan): number {
    const { name = '', finalizers: present = [], deletionTimestamp } = metadata ?? {};
    if (!deletionTimestamp || finalizers.length === present.length) {
      this.idleSince.delete(name);
      return 0;
    }
    const nowMs = this.dependencies.clock.monotonic();
    const sinceMs = this.idleSince.get(name) ?? nowMs;
    this.idleSince.set(name, sinceMs);
    return sinceMs + deletionGraceMs - nowMs;
  }

  private async write(cidr: ServiceCIDR, { finalizers, conditions }: CidrPlan, { wrote }: ReconcileContext): Promise<void> {
    const { client, informers } = this.dependencies;
    const kind = client.resource(serviceCidrs);
    let present = cidr;
    if (!deepEqual(conditions, cidr.status?.conditions ?? [])) {
      present = await kind.updateStatus({ ...cidr, status: { conditions: [...conditions] } });
      await wrote(informers.serviceCidrs, present);
    }
    if (deepEqual(finalizers, cidr.metadata?.finalizers ?? [])) return;
    await wrote(informers.serviceCidrs, await kind.update({ ...present, metadata: { ...present.metadata, finalizers: finalizers.length > 0 ? [...finalizers] : undefined } }));
  }
}

export const startServiceCidrProtection: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const protection = new Protection(dependencies);
  const requestOf = ({ metadata }: ServiceCIDR): Request => ({ namespace: '', name: metadata?.name ?? '' });
  const terminating = (): Request[] => informers.serviceCidrs.list().filter(({ metadata }) => metadata?.deletionTimestamp).map(requestOf);
  return startController({
    name: 'servicecidr/protection', clock, random, logger, signal, ...(observe && { observe }),
    watches: [
      watching(informers.serviceCidrs, { keys: (cidr) => [requestOf(cidr), ...terminating()] }),
      // Only an address that goes can let a range go, or one that comes keep it.
      watching(informers.ipAddresses, { keys: terminating, when: ({ type }) => type !== 'MODIFIED' }),
    ],
    reconcile: (request, context) => protection.reconcile(request, context),
  });
};
