import type { ObjectMeta, OwnerReference } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { deepEqual } from '../deep-equal';
import type { ApiObject, FieldError } from '../resource';
import { forbidden, invalid, invalidEach, required, tooLong } from './field-error';
import { dnsLabel, dnsSubdomain, labelValue, qualifiedName } from './names';

export interface MetaRules {
  readonly namespaced: boolean;
  /** Kubernetes' complaints about a name of this kind. */
  readonly name: (name: string) => string[];
}

/** All annotations of an object together, keys and values. */
const maxAnnotationBytes = 256 * 1024;
/** Kinds that may own nothing. */
const bannedOwners = new Set(['v1/Event']);

/** Metadata of a new object, and the half of the update rules that need no predecessor. */
export function validateMeta({ metadata = {} }: ApiObject, rules: MetaRules): FieldError[] {
  return [
    ...validateName(metadata, rules),
    ...validateNamespace(metadata, rules.namespaced),
    ...validateLabels(metadata.labels, 'metadata.labels'),
    ...validateAnnotations(metadata.annotations, 'metadata.annotations'),
    ...validateOwners(metadata.ownerReferences ?? []),
    ...validateFinalizers(metadata.finalizers ?? [], 'metadata.finalizers'),
  ];
}

function validateName({ name, generateName }: ObjectMeta, rules: MetaRules): FieldError[] {
  const errors: FieldError[] = [];
  if (generateName) {
    // What follows the prefix is alphanumeric, so a dash at its end is fine.
    errors.push(...invalidEach('metadata.generateName', generateName, rules.name(generateName.replace(/(?<!-)-+$/, (dashes) => 'a'.repeat(dashes.length)))));
  }
  if (!name) errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...invalidEach('metadata.name', name, rules.name(name)));
  return errors;
}

function validateNamespace({ namespace }: ObjectMeta, namespaced: boolean): FieldError[] {
  if (!namespaced) return namespace ? [forbidden('metadata.namespace', 'not allowed on this type')] : [];
  return namespace ? invalidEach('metadata.namespace', namespace, dnsLabel(namespace)) : [required('metadata.namespace')];
}

export function validateLabels(labels: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [...invalidEach(field, key, qualifiedName(key)), ...invalidEach(field, value, labelValue(value))]);
}

export function validateAnnotations(annotations: Readonly<Record<string, string>> | undefined, field: string): FieldError[] {
  const entries = Object.entries(annotations ?? {});
  const errors = entries.flatMap(([key]) => invalidEach(field, key, qualifiedName(key.toLowerCase())));
  const size = entries.reduce((total, [key, value]) => total + Buffer.byteLength(key) + Buffer.byteLength(value), 0);
  if (size > maxAnnotationBytes) errors.push(tooLong(field, maxAnnotationBytes));
  return errors;
}

function validateOwners(owners: readonly OwnerReference[]): FieldError[] {
  const field = 'metadata.ownerReferences';
  const errors = owners.flatMap((owner, index) => validateOwner(owner, `${field}[${index}]`));
  const controllers = owners.filter(({ controller }) => controller === true);
  const [first, second] = controllers;
  if (first && second) {
    errors.push(invalid(field, owners, `Only one reference can have Controller set to true. Found "true" in references for ${first.kind}/${first.name} and ${second.kind}/${second.name}`));
  }
  return errors;
}

function validateOwner({ apiVersion = '', kind = '', name = '', uid = '' }: OwnerReference, field: string): FieldError[] {
  const errors: FieldError[] = [];
  if (apiVersion === '' || apiVersion.split('/').length > 2 || apiVersion.endsWith('/')) errors.push(invalid(`${field}.apiVersion`, apiVersion, 'version must not be empty'));
  if (kind === '') errors.push(invalid(`${field}.kind`, kind, 'must not be empty'));
  if (name === '') errors.push(invalid(`${field}.name`, name, 'must not be empty'));
  if (uid === '') errors.push(invalid(`${field}.uid`, uid, 'must not be empty'));
  if (bannedOwners.has(`${apiVersion}/${kind}`)) errors.push(invalid(field, { apiVersion, kind, name, uid }, `${apiVersion}, Kind=${kind} is disallowed from being an owner`));
  return errors;
}

const standardFinalizers = new Set(['kubernetes', 'orphan', 'foregroundDeletion']);

export function validateFinalizers(finalizers: readonly string[], field: string): FieldError[] {
  const errors = finalizers.flatMap((name, index) => {
    const complaints = qualifiedName(name);
    if (complaints.length > 0) return invalidEach(field, name, complaints);
    return name.includes('/') || standardFinalizers.has(name) ? [] : [invalid(`${field}[${index}]`, name, 'name is neither a standard finalizer name nor is it fully qualified')];
  });
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion')) {
    errors.push(invalid(field, finalizers, 'finalizer foregroundDeletion and finalizer orphan cannot be both set'));
  }
  return errors;
}

const immutable = 'field is immutable';

/** The metadata of an update: what must stay, and the same rules as for a new object. */
export function validateMetaUpdate(next: ApiObject, previous: ApiObject, rules: MetaRules): FieldError[] {
  const after = next.metadata ?? {};
  const before = previous.metadata ?? {};
  const errors: FieldError[] = [];
  for (const member of ['name', 'namespace', 'uid', 'creationTimestamp'] as const) {
    if (!deepEqual(after[member], before[member])) errors.push(invalid(`metadata.${member}`, after[member], immutable));
  }
  if ((after.generation ?? 0) < (before.generation ?? 0)) errors.push(invalid('metadata.generation', after.generation ?? 0, 'must not be decremented'));
  if (before.deletionTimestamp) {
    for (const member of ['deletionTimestamp', 'deletionGracePeriodSeconds'] as const) {
      if (!deepEqual(after[member], before[member])) errors.push(invalid(`metadata.${member}`, after[member], immutable));
    }
    const added = (after.finalizers ?? []).filter((name) => !before.finalizers?.includes(name));
    if (added.length > 0) errors.push(forbidden('metadata.finalizers', `no new finalizers can be added if the object is being deleted, found new finalizers [${added.map((name) => JSON.stringify(name)).join(', ')}]`));
  }
  // The name was accepted when it was made.
  return [...errors, ...validateMeta(next, { ...rules, name: () => [] })];
}

/** Names of most kinds. */
export const subdomainName: MetaRules['name'] = dnsSubdomain;
/** Names of namespaces, which become DNS labels. */
export const labelName: MetaRules['name'] = dnsLabel;
