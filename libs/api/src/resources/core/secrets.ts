import type { Secret } from '@navarch/proto/k8s/io/api/core/v1/core';

import { setEntry } from '../../codec/plan';
import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource } from '../../define-resource';
import type { FieldError } from '../../resource';
import { forbidden, invalid, invalidEach, required, tooLong } from '../../validation/field-error';
import { configMapKey } from '../../validation/names';
import { subdomainName, validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { ageColumn, nameColumn } from '../columns';

const meta = { namespaced: true, name: subdomainName };
const maxBytes = 1024 * 1024;
const serviceAccountAnnotation = 'kubernetes.io/service-account.name';

/** stringData is a way to write only: it goes into data. */
function setDefaults(secret: Secret): void {
  secret.type ??= 'Opaque';
  if (!secret.stringData) return;
  const data = { ...secret.data };
  for (const [key, text] of Object.entries(secret.stringData)) setEntry(data, key, Buffer.from(text));
  secret.data = data;
  delete secret.stringData;
}

type DataCheck = (secret: Secret) => FieldError[];

const needs = (key: string): DataCheck => ({ data }) => (data && Object.hasOwn(data, key) ? [] : [required(`data[${key}]`)]);

/** The value under the key is a JSON object. */
const needsJson = (key: string): DataCheck => (secret) => {
  const missing = needs(key)(secret);
  if (missing.length > 0) return missing;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(secret.data?.[key] ?? []).toString());
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return [];
    return [invalid(`data[${key}]`, '<secret contents redacted>', 'must be a JSON object')];
  } catch {
    return [invalid(`data[${key}]`, '<secret contents redacted>', 'must be valid JSON')];
  }
};

const typeChecks: Readonly<Record<string, DataCheck>> = {
  'kubernetes.io/service-account-token': ({ metadata }) =>
    (metadata?.annotations?.[serviceAccountAnnotation] ? [] : [required(`metadata.annotations[${serviceAccountAnnotation}]`)]),
  'kubernetes.io/dockercfg': needsJson('.dockercfg'),
  'kubernetes.io/dockerconfigjson': needsJson('.dockerconfigjson'),
  'kubernetes.io/basic-auth': ({ data }) => (data && (Object.hasOwn(data, 'username') || Object.hasOwn(data, 'password')) ? []
    : [required('data[username]'), required('data[password]')]),
  'kubernetes.io/ssh-auth': ({ data }) => (data?.['ssh-privatekey']?.length ? [] : [required('data[ssh-privatekey]')]),
  'kubernetes.io/tls': (secret) => [...needs('tls.crt')(secret), ...needs('tls.key')(secret)],
};

function validate(secret: Secret): FieldError[] {
  const entries = Object.entries(secret.data ?? {});
  const errors = entries.flatMap(([key]) => invalidEach(`data[${key}]`, key, configMapKey(key)));
  if (entries.reduce((total, [, value]) => total + value.length, 0) > maxBytes) errors.push(tooLong('data', maxBytes));
  return [...errors, ...(typeChecks[secret.type ?? '']?.(secret) ?? [])];
}

function validateUpdate(next: Secret, previous: Secret): FieldError[] {
  const errors = validateMetaUpdate(next, previous, meta);
  if (next.type !== previous.type) errors.push(invalid('type', next.type ?? '', 'field is immutable'));
  if (previous.immutable) {
    if (!next.immutable) errors.push(forbidden('immutable', 'field is immutable when `immutable` is set'));
    if (!deepEqual(next.data, previous.data)) errors.push(forbidden('data', 'field is immutable when `immutable` is set'));
  }
  return [...errors, ...validate(next)];
}

export const secrets = defineResource<Secret>({
  group: '', version: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true,
  codec: codecFor<Secret>('k8s.io.api.core.v1.Secret'),
  setDefaults,
  validateCreate: (secret) => [...validateMeta(secret, meta), ...validate(secret)],
  validateUpdate,
  fieldSelectors: { type: ({ type }) => type ?? '' },
  columns: [
    nameColumn,
    { name: 'Type', type: 'string', description: 'Used to facilitate programmatic handling of secret data.', value: ({ type }) => type ?? '' },
    { name: 'Data', type: 'string', description: 'Number of entries', value: ({ data = {} }) => Object.keys(data).length },
    ageColumn,
  ],
});
