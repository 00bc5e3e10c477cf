import { compareQuantity, isZeroQuantity, podLimits, podRequests, quantityMilliValue, type ApiObject, type ResourceList } from '@navarch/api';
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import { forbidden } from '../errors';
import type { AdmissionAttributes, AdmissionPlugin } from './admission';

const annotation = 'kubernetes.io/limit-ranger';

/** The LimitRanges of a namespace, as the cache has them. */
export type LimitRangesOf = (namespace: string) => readonly LimitRange[];

const isPod = ({ resource }: AdmissionAttributes): boolean => resource.group === '' && resource.plural === 'pods';
const isClaim = ({ resource }: AdmissionAttributes): boolean => resource.group === '' && resource.plural === 'persistentvolumeclaims';

/** Gives containers the amounts that a namespace's LimitRanges default to, and refuses what is outside of them (Kubernetes' LimitRanger). */
export function limitRanger(rangesOf: LimitRangesOf): AdmissionPlugin {
  return {
    name: 'LimitRanger',
    handles: (attributes) => attributes.operation !== 'DELETE' && attributes.object?.metadata?.deletionTimestamp === undefined
      && ((isPod(attributes) && (attributes.subresource === '' ? attributes.operation === 'CREATE' : attributes.subresource === 'resize')) || (isClaim(attributes) && attributes.subresource === '')),
    admit(attributes) {
      if (!isPod(attributes) || attributes.operation !== 'CREATE') return;
      for (const range of rangesOf(attributes.namespace)) setDefaults(attributes.object as Pod, range);
    },
    validate(attributes) {
      const { resource, name, namespace, object = {} } = attributes;
      for (const { spec } of rangesOf(namespace)) {
        const problems = (spec?.limits ?? []).flatMap((item) => (isPod(attributes) ? podProblems(item, object) : claimProblems(item, object)));
        if (problems.length > 0) throw forbidden(resource, name, problems.length === 1 ? problems[0] ?? '' : `[${problems.join(', ')}]`);
      }
    },
  };
}

// ---- defaults

function setDefaults(pod: Pod, { spec }: LimitRange): void {
  const items = (spec?.limits ?? []).filter(({ type }) => type === 'Container');
  const [limits, requests] = [Object.assign({}, ...items.map((item) => item.default ?? {})) as ResourceList, Object.assign({}, ...items.map((item) => item.defaultRequest ?? {})) as ResourceList];
  const fill = (container: Container, what: string): string[] => [
    ...said(fillIn(container, 'requests', requests), 'request', what, container), ...said(fillIn(container, 'limits', limits), 'limit', what, container),
  ];
  const told = [...(pod.spec?.containers ?? []).flatMap((container) => fill(container, 'container')), ...(pod.spec?.initContainers ?? []).flatMap((container) => fill(container, 'init container'))];
  if (told.length > 0) (pod.metadata ??= {}).annotations = { ...pod.metadata.annotations, [annotation]: `LimitRanger plugin set: ${told.join('; ')}` };
}

/** Answers what was missing and is now there. */
function fillIn(container: Container, list: 'requests' | 'limits', defaults: ResourceList): string[] {
  const missing = Object.keys(defaults).filter((name) => !container.resources?.[list]?.[name]);
  if (missing.length === 0) return [];
  const added = Object.fromEntries(missing.map((name) => [name, defaults[name] as Quantity]));
  container.resources = { ...container.resources, [list]: { ...container.resources?.[list], ...added } };
  return missing.sort();
}

const said = (names: readonly string[], list: string, what: string, { name }: Container): string[] => (names.length > 0 ? [`${names.join(', ')} ${list} for ${what} ${name}`] : []);

// ---- bounds

function podProblems(item: LimitRangeItem, { spec = {} }: Pod): string[] {
  if (item.type === 'Pod') return amountProblems(item, 'Pod', podRequests(spec), podLimits(spec));
  if (item.type !== 'Container') return [];
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) => amountProblems(item, 'Container', resources?.requests ?? {}, resources?.limits ?? {}));
}

function amountProblems({ min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem, type: string, requests: ResourceList, limits: ResourceList): string[] {
  return [
    ...Object.entries(min).flatMap(([name, bound]) => below(type, name, bound, requests[name], limits[name])),
    ...Object.entries(max).flatMap(([name, bound]) => above(type, name, bound, requests[name], limits[name])),
    ...Object.entries(maxLimitRequestRatio).flatMap(([name, bound]) => beyond(type, name, bound, requests[name], limits[name])),
  ];
}

function below(type: string, name: string, bound: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string[] {
  const rule = `minimum ${name} usage per ${type} is ${bound.string}`;
  if (!request) return [`${rule}.  No request is specified`];
  if (compareQuantity(request, bound) < 0) return [`${rule}, but request is ${request.string}`];
  return limit && compareQuantity(limit, bound) < 0 ? [`${rule}, but limit is ${limit.string}`] : [];
}

function above(type: string, name: string, bound: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string[] {
  const rule = `maximum ${name} usage per ${type} is ${bound.string}`;
  if (!limit) return [`${rule}.  No limit is specified`];
  if (compareQuantity(limit, bound) > 0) return [`${rule}, but limit is ${limit.string}`];
  return request && compareQuantity(request, bound) > 0 ? [`${rule}, but request is ${request.string}`] : [];
}

function beyond(type: string, name: string, bound: Quantity, request: Quantity | undefined, limit: Quantity | undefined): string[] {
  const rule = `${name} max limit to request ratio per ${type} is ${bound.string}`;
  if (isZeroQuantity(request)) return [`${rule}, but no request is specified or request is 0`];
  if (isZeroQuantity(limit)) return [`${rule}, but no limit is specified or limit is 0`];
  const ratio = quantityMilliValue(limit) / quantityMilliValue(request);
  return ratio > quantityMilliValue(bound) / 1000 ? [`${rule}, but provided ratio is ${ratio.toFixed(6)}`] : [];
}

function claimProblems({ type, min = {}, max = {} }: LimitRangeItem, object: ApiObject): string[] {
  if (type !== 'PersistentVolumeClaim') return [];
  const requests = (object as PersistentVolumeClaim).spec?.resources?.requests ?? {};
  return [
    ...Object.entries(min).flatMap(([name, bound]) => below(type, name, bound, requests[name], undefined)),
    ...Object.entries(max).flatMap(([name, bound]) => {
      const rule = `maximum ${name} usage per ${type} is ${bound.string}`;
      if (!requests[name]) return [`${rule}.  No request is specified`];
      return compareQuantity(requests[name], bound) > 0 ? [`${rule}, but request is ${requests[name].string}`] : [];
    }),
  ];
}
