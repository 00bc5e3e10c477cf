import { setCondition } from '@navarch/api';
import type { Condition } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type { ServiceCIDR } from '@navarch/proto/k8s/io/api/networking/v1/networking';

import { bitsOf, parseRange, type IpRange } from '../../node/ipam/ip-range';

/** Keeps a range while addresses of it are in use. */
export const protectionFinalizer = 'networking.k8s.io/service-cidr-finalizer';

export interface CidrPlan {
  readonly finalizers: readonly string[];
  readonly conditions: readonly Condition[];
  /** The range that Services would share with something else; what an event should say. */
  readonly problem?: string;
}

export interface CidrInput {
  readonly cidr: ServiceCIDR;
  /** The other ranges, without those that are being deleted. */
  readonly others: readonly ServiceCIDR[];
  /** All addresses in use. */
  readonly addresses: readonly string[];
  /** Where pods get theirs. */
  readonly podRanges: readonly string[];
  readonly nowMs: number;
}

/**
 * What a ServiceCIDR is to be: ready, unless its addresses are pods' as well; kept, when it is being deleted, until no
 * address in use needs it (KEP-1880). Nothing new is given from a range that is not ready.
 */
export function planServiceCidr({ cidr, others, addresses, podRanges, nowMs }: CidrInput): CidrPlan {
  const { metadata = {}, spec, status } = cidr;
  const own = rangesOf(spec?.cidrs);
  const finalizers = metadata.finalizers ?? [];
  const ready = (is: 'True' | 'False', reason: string | undefined, message: string): Condition[] =>
    setCondition(status?.conditions ?? [], { type: 'Ready', status: is, ...(reason && { reason }), message, observedGeneration: metadata.generation }, nowMs);
  if (metadata.deletionTimestamp) {
    const free = finalizers.filter((one) => one !== protectionFinalizer);
    if (!isNeeded(own, others, addresses)) return { finalizers: free, conditions: status?.conditions ?? [] };
    return { finalizers, conditions: ready('False', 'Terminating', 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR') };
  }
  const kept = finalizers.includes(protectionFinalizer) ? finalizers : [...finalizers, protectionFinalizer];
  const clash = podRanges.find((pods) => rangesOf([pods]).some((range) => own.some((one) => overlaps(one, range))));
  if (clash === undefined) return { finalizers: kept, conditions: ready('True', undefined, 'Kubernetes Service CIDR is ready') };
  const problem = `The range overlaps with the cluster's pod range ${clash}; no address is given from it`;
  return { finalizers: kept, conditions: ready('False', 'OverlapsPodRange', problem), problem };
}

/** Whether an address in use would be in no range without this one. */
function isNeeded(own: readonly IpRange[], others: readonly ServiceCIDR[], addresses: readonly string[]): boolean {
  const elsewhere = others.flatMap(({ spec }) => rangesOf(spec?.cidrs));
  return addresses.flatMap((address) => rangesOf([`${address}/${address.includes(':') ? 128 : 32}`]))
    .some((address) => own.some((range) => overlaps(range, address)) && !elsewhere.some((range) => overlaps(range, address)));
}

const rangesOf = (cidrs: readonly string[] = []): IpRange[] => cidrs.flatMap((text) => parseRange(text) ?? []);

function overlaps(left: IpRange, right: IpRange): boolean {
  const shift = BigInt(bitsOf(left.family) - Math.min(left.prefix, right.prefix));
  return left.family === right.family && left.base >> shift === right.base >> shift;
}
