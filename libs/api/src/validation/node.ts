import type { Node, NodeStatus, Taint } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { compareQuantity } from '../scalars/quantity';
import { deepEqual } from '../deep-equal';
import { duplicate, forbidden, invalid, invalidEach, oneOf, required } from './field-error';
import { cidr } from './ip';
import { labelValue, qualifiedName } from './names';
import { validateMeta, validateMetaUpdate, type MetaRules } from './object-meta';

export function validateNode(node: Node, rules: MetaRules): FieldError[] {
  return [...validateMeta(node, rules), ...validateSpec(node), ...validateStatus(node.status)];
}

function validateSpec({ spec = {} }: Node): FieldError[] {
  return [...validateTaints(spec.taints ?? [], 'spec.taints'), ...validatePodCidrs(spec.podCIDRs ?? [])];
}

export function validateTaints(taints: readonly Taint[], field: string): FieldError[] {
  const seen = new Set<string>();
  return taints.flatMap((taint, index) => {
    const { key = '', value = '', effect } = taint;
    const at = `${field}[${index}]`;
    const errors = [
      ...(key === '' ? [required(`${at}.key`)] : invalidEach(`${at}.key`, key, qualifiedName(key))),
      ...invalidEach(`${at}.value`, value, labelValue(value)),
      ...oneOf(`${at}.effect`, effect, ['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
    ];
    const identity = `${key}:${effect}`;
    if (seen.has(identity)) errors.push({ ...duplicate(at, taint), message: `Duplicate value: ${JSON.stringify(taint)}: taints must be unique by key and effect pair` });
    seen.add(identity);
    return errors;
  });
}

function validatePodCidrs(cidrs: readonly string[]): FieldError[] {
  const errors = cidrs.flatMap((value, index) => invalidEach(`spec.podCIDRs[${index}]`, value, cidr(value)));
  if (cidrs.length > 2) errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  const families = cidrs.map((value) => value.includes(':'));
  if (cidrs.length === 2 && families[0] === families[1]) errors.push(invalid('spec.podCIDRs', cidrs, 'may specify no more than one CIDR for each IP family'));
  if (new Set(cidrs).size !== cidrs.length) errors.push(duplicate('spec.podCIDRs', cidrs[1]));
  return errors;
}

function validateStatus(status: NodeStatus | undefined): FieldError[] {
  const seen = new Set<string>();
  const errors: FieldError[] = (status?.addresses ?? []).flatMap(({ type, address }, index) => {
    const identity = `${type}:${address}`;
    if (seen.has(identity)) return [duplicate(`status.addresses[${index}]`, { type, address })];
    seen.add(identity);
    return [];
  });
  for (const list of ['capacity', 'allocatable'] as const) {
    for (const [name, amount] of Object.entries(status?.[list] ?? {})) {
      errors.push(...invalidEach(`status.${list}.${name}`, name, name.includes('/') ? qualifiedName(name) : []));
      if (compareQuantity(amount, undefined) < 0) errors.push(invalid(`status.${list}.${name}`, amount.string, 'must be greater than or equal to 0'));
    }
  }
  return errors;
}

/** Ranges and provider ids are given once; everything else of the spec but taints and unschedulable stays. */
export function validateNodeUpdate(next: Node, previous: Node, rules: MetaRules): FieldError[] {
  const errors = [...validateMetaUpdate(next, previous, rules), ...validateSpec(next)];
  const after = next.spec ?? {};
  const before = previous.spec ?? {};
  if (before.podCIDRs?.length && !deepEqual(after.podCIDRs, before.podCIDRs)) {
    errors.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'));
  }
  if (before.providerID && after.providerID !== before.providerID) {
    errors.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'));
  }
  return errors;
}

export function validateNodeStatus(next: Node, previous: Node, rules: MetaRules): FieldError[] {
  return [...validateMetaUpdate(next, previous, rules), ...validateStatus(next.status)];
}
