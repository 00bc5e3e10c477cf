/**
 * Rollouts on configuration change: which ConfigMaps and Secrets a pod template uses, what they hold, and whether that differs
 * from what a revision was made with. For owners that ask for it by annotation. See docs/configuration-rollouts.md.
 *
 *   const state = configState(template, namespace, { configMaps: informers.configMaps, secrets: informers.secrets });
 *   const { changed, record } = compareConfig(revision.metadata.annotations[configRecordAnnotation], state);
 *
 * A record names each object with a hash of what is used of it, never a value.
 */
import { createHash } from 'node:crypto';

import { deepEqual, type ApiObject } from '@navarch/api';
import type { Informer, ObjectChange, Request } from '@navarch/client';
import type { ConfigMap, Container, EnvFromSource, EnvVar, KeyToPath, PodTemplateSpec, Secret, Volume, VolumeProjection } from '@navarch/proto/k8s/io/api/core/v1/core';

import { keyOf } from './owned';

/** On a Deployment, StatefulSet or DaemonSet, "true": a change of a ConfigMap or Secret that its template uses rolls it out. */
export const rolloutOnConfigChangeAnnotation = 'navarch.io/rollout-on-config-change';

/** On a ReplicaSet or ControllerRevision: the configuration it was made with, as `compareConfig` writes it. */
export const configRecordAnnotation = 'navarch.io/config';

/** On a ReplicaSet or ControllerRevision that a change of configuration brought: which objects changed. */
export const configChangedAnnotation = 'navarch.io/config-changed';

const mostTold = 5;

/** `configmap/a, secret/b`, and how many more. */
export function changedText(changed: readonly string[]): string {
  const more = changed.length - mostTold;
  return `${changed.slice(0, mostTold).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

export const asksForConfigRollout = ({ metadata }: ApiObject): boolean => metadata?.annotations?.[rolloutOnConfigChangeAnnotation] === 'true';

/** An object that a template uses: `configmap/name` or `secret/name`. */
export interface ConfigUse {
  readonly id: string;
  readonly kind: 'configmap' | 'secret';
  readonly name: string;
  /** Pods start without it. */
  readonly optional: boolean;
  /** The keys that are used; undefined: all. */
  readonly keys: ReadonlySet<string> | undefined;
}

interface Reference {
  readonly kind: ConfigUse['kind'];
  readonly name: string | undefined;
  readonly optional: boolean | undefined;
  readonly keys?: readonly (string | undefined)[];
}

/** What containers read and volumes show, one use per object, sorted. Pull secrets are no configuration. */
export function configUses(template: PodTemplateSpec | undefined): ConfigUse[] {
  const { containers = [], initContainers = [], volumes = [] } = template?.spec ?? {};
  const references = [...[...initContainers, ...containers].flatMap(ofContainer), ...volumes.flatMap(ofVolume)];
  const uses = new Map<string, ConfigUse>();
  for (const { kind, name, optional = false, keys } of references) {
    if (!name) continue;
    const id = `${kind}/${name}`;
    const known = uses.get(id);
    const named = keys && new Set(keys.filter((key) => key !== undefined));
    const merged = known ? known.keys && named && new Set([...known.keys, ...named]) : named;
    uses.set(id, { id, kind, name, optional: optional && (known?.optional ?? true), keys: merged });
  }
  return [...uses.values()].sort((left, right) => (left.id < right.id ? -1 : 1));
}

function ofContainer({ env = [], envFrom = [] }: Container): Reference[] {
  return [...env.flatMap(ofVariable), ...envFrom.flatMap(ofEnvFrom)];
}

function ofVariable({ valueFrom }: EnvVar): Reference[] {
  const { configMapKeyRef, secretKeyRef } = valueFrom ?? {};
  return [
    ...(configMapKeyRef ? [{ kind: 'configmap', name: configMapKeyRef.localObjectReference?.name, optional: configMapKeyRef.optional, keys: [configMapKeyRef.key] } as const] : []),
    ...(secretKeyRef ? [{ kind: 'secret', name: secretKeyRef.localObjectReference?.name, optional: secretKeyRef.optional, keys: [secretKeyRef.key] } as const] : []),
  ];
}

function ofEnvFrom({ configMapRef, secretRef }: EnvFromSource): Reference[] {
  return [
    ...(configMapRef ? [{ kind: 'configmap', name: configMapRef.localObjectReference?.name, optional: configMapRef.optional } as const] : []),
    ...(secretRef ? [{ kind: 'secret', name: secretRef.localObjectReference?.name, optional: secretRef.optional } as const] : []),
  ];
}

const keysOf = (items: readonly KeyToPath[] | undefined): Pick<Reference, 'keys'> => (items?.length ? { keys: items.map(({ key }) => key) } : {});

function ofVolume({ volumeSource }: Volume): Reference[] {
  const { configMap, secret, projected } = volumeSource ?? {};
  return [
    ...(configMap ? [{ kind: 'configmap', name: configMap.localObjectReference?.name, optional: configMap.optional, ...keysOf(configMap.items) } as const] : []),
    ...(secret ? [{ kind: 'secret', name: secret.secretName, optional: secret.optional, ...keysOf(secret.items) } as const] : []),
    ...(projected?.sources ?? []).flatMap(ofProjection),
  ];
}

function ofProjection({ configMap, secret }: VolumeProjection): Reference[] {
  return [
    ...(configMap ? [{ kind: 'configmap', name: configMap.localObjectReference?.name, optional: configMap.optional, ...keysOf(configMap.items) } as const] : []),
    ...(secret ? [{ kind: 'secret', name: secret.localObjectReference?.name, optional: secret.optional, ...keysOf(secret.items) } as const] : []),
  ];
}

/** Where the objects are looked up: informers do. */
export interface ConfigSource {
  readonly configMaps: { get(namespace: string, name: string): ConfigMap | undefined };
  readonly secrets: { get(namespace: string, name: string): Secret | undefined };
}

/** What the template uses holds now: by id, a hash, or why there is none. */
export type ConfigState = ReadonlyMap<string, string>;

/** A required object that is not there: no pod can start until it is, so that its absence is no configuration. */
export const awaited = '?';
/** An optional object that is not there: pods start without it. */
const absent = '-';

export function configState(template: PodTemplateSpec | undefined, namespace: string, { configMaps, secrets }: ConfigSource): ConfigState {
  return new Map(configUses(template).map(({ id, kind, name, optional, keys }) => {
    const object = kind === 'configmap' ? configMaps.get(namespace, name) : secrets.get(namespace, name);
    return [id, object ? hashOf(object, keys, kind === 'secret' ? (object.metadata?.uid ?? '') : '') : optional ? absent : awaited];
  }));
}

/** Objects from a cache are shared and never changed: what was hashed once is hashed. */
const hashed = new WeakMap<object, Map<string, string>>();

/**
 * Of the values, not of the object: labels and versions are no configuration. 64 bits, enough to tell versions of one object
 * apart. A Secret's is salted with its uid, so that who may read ReplicaSets but no Secrets cannot guess at short values.
 */
function hashOf(object: ConfigMap | Secret, keys: ReadonlySet<string> | undefined, salt: string): string {
  const byKeys = hashed.get(object) ?? new Map<string, string>();
  hashed.set(object, byKeys);
  const wanted = keys ? [...keys].sort() : undefined;
  const cacheKey = JSON.stringify(wanted ?? null);
  const known = byKeys.get(cacheKey);
  if (known !== undefined) return known;
  const values = new Map<string, string | Uint8Array>([...Object.entries(object.data ?? {}), ...Object.entries('binaryData' in object ? (object.binaryData ?? {}) : {})]);
  const hash = createHash('sha256').update(salt);
  for (const key of wanted ?? [...values.keys()].sort()) {
    const value = values.get(key);
    if (value === undefined) continue;
    const bytes = Buffer.from(value);
    hash.update(`${key.length}:${key}${bytes.length}:`).update(bytes);
  }
  const answer = hash.digest('hex').slice(0, 16);
  byKeys.set(cacheKey, answer);
  return answer;
}

/** Objects named one by one in a record; further ones share one entry. */
const mostNamed = 64;
const others = 'others';

export interface ConfigComparison {
  /** What differs from the record: ids, sorted. Empty: the revision is of this configuration. */
  readonly changed: readonly string[];
  /** The record to keep with the revision from now on. */
  readonly record: string;
}

/**
 * Compares what a revision was made with and what is there. Nothing differs without a record (the owner asks only from now
 * on), while a required object is missing (its last version counts), and where one was missing (no pod started before).
 */
export function compareConfig(record: string | undefined, state: ConfigState): ConfigComparison {
  const before = parseRecord(record);
  const now = bounded(state);
  const changed = before ? Object.keys(now).filter((id) => differs(before[id], now[id] as string)) : [];
  const kept = Object.entries(now).map(([id, hash]) => [id, hash === awaited ? (before?.[id] ?? awaited) : hash]);
  return { changed, record: JSON.stringify(Object.fromEntries(kept)) };
}

const differs = (before: string | undefined, now: string): boolean => before !== undefined && before !== awaited && now !== awaited && before !== now;

/** What tells two configurations of one template apart. */
export function configDigest(state: ConfigState): string {
  return JSON.stringify([...state]);
}

/** At most so many entries that the annotation stays small, whatever the template. */
function bounded(state: ConfigState): Record<string, string> {
  const entries = [...state];
  if (entries.length <= mostNamed) return Object.fromEntries(entries);
  const rest = entries.slice(mostNamed);
  const together = rest.some(([, hash]) => hash === awaited) ? awaited : createHash('sha256').update(JSON.stringify(rest)).digest('hex').slice(0, 16);
  return { ...Object.fromEntries(entries.slice(0, mostNamed)), [others]: together };
}

/** Undefined where there is none that we wrote. */
function parseRecord(record: string | undefined): Readonly<Record<string, string>> | undefined {
  if (record === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(record);
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined;
    return Object.fromEntries(Object.entries(parsed).filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
  } catch {
    return undefined;
  }
}

/** Values for an index by which the users of a changed object are found: `namespace/configmap/name`. None for owners that do not ask. */
export function configIndex(owner: ApiObject & { readonly spec?: { readonly template?: PodTemplateSpec | undefined } | undefined }): string[] {
  if (!asksForConfigRollout(owner)) return [];
  return configUses(owner.spec?.template).map(({ id }) => `${owner.metadata?.namespace ?? ''}/${id}`);
}

/** For the keys of a watch on ConfigMaps or Secrets: the owners that ask for rollouts and use the object. The informer has the index `usesConfig`. */
export function configUsers<O extends ApiObject>(owners: Informer<O>, kind: ConfigUse['kind']): (object: ApiObject) => readonly Request[] {
  return ({ metadata }) => owners.by('usesConfig', `${metadata?.namespace ?? ''}/${kind}/${metadata?.name ?? ''}`).map(keyOf);
}

/** For the `when` of that watch: changes that pods could see. What was there when we came is judged with its users. */
export function configMatters<T extends ApiObject & { readonly data?: unknown; readonly binaryData?: unknown }>({ object, old, initial }: ObjectChange<T>): boolean {
  if (!old || object === old) return !initial;
  return !deepEqual([object.data, object.binaryData], [old.data, old.binaryData]);
}
