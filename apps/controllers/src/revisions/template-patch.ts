import { codecFor, deepEqual, type JsonObject, type JsonValue } from '@navarch/api';
import type { ControllerRevision } from '@navarch/proto/k8s/io/api/apps/v1/apps';
import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

const codec = codecFor<PodTemplateSpec>('k8s.io.api.core.v1.PodTemplateSpec');

/**
 * What a revision keeps of its owner, in the form that Kubernetes stores and kubectl applies on `rollout undo`: a strategic merge patch
 * that puts this template in place of whatever is there. Members are sorted and escaped as Go does it: kubectl compares bytes
 * to tell that there is nothing to undo.
 */
export function templatePatch(template: PodTemplateSpec | undefined): Uint8Array {
  return Buffer.from(sortedJson({ spec: { template: { ...codec.toJson(template ?? {}), $patch: 'replace' } } }));
}

const escapes: Readonly<Record<string, string>> = { '<': '\\u003c', '>': '\\u003e', '&': '\\u0026', '\u2028': '\\u2028', '\u2029': '\\u2029' };

function sortedJson(value: JsonValue): string {
  if (Array.isArray(value)) return `[${value.map(sortedJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => escapes[character] ?? character);
  const members = Object.entries(value).filter(([, member]) => member !== undefined).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([key, member]) => `${sortedJson(key)}:${sortedJson(member as JsonValue)}`).join(',')}}`;
}

/** The template that a revision keeps. Throws where its data is not such a patch: somebody else wrote it. */
export function templateOf({ metadata, data }: ControllerRevision): PodTemplateSpec {
  const json = JSON.parse(Buffer.from(data?.raw ?? []).toString()) as { readonly spec?: { readonly template?: JsonObject } } | null;
  const kept = json?.spec?.template;
  if (!kept) throw new Error(`ControllerRevision ${metadata?.namespace}/${metadata?.name} has no spec.template in its data`);
  const { $patch: _directive, ...template } = kept;
  return codec.fromJson(template, { warn: () => undefined });
}

/** Whether a revision keeps this patch, however its bytes are arranged. */
export function keepsPatch(revision: ControllerRevision, patch: Uint8Array): boolean {
  const raw = revision.data?.raw ?? new Uint8Array();
  if (Buffer.compare(raw, patch) === 0) return true;
  try {
    return deepEqual(JSON.parse(Buffer.from(raw).toString()), JSON.parse(Buffer.from(patch).toString()));
  } catch {
    // Not JSON: certainly not ours.
    return false;
  }
}
