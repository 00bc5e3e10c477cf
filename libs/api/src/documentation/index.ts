/**
 * Our own words on every message and field of the API, for OpenAPI and so for kubectl explain. A path of its own,
 * because only the apiserver needs them in memory.
 */
import { commonField, commonMessage } from './common';
import { packages } from './packages';

/**
 * What a message (`k8s.io.api.core.v1.Pod`) or a field by its JSON name (`k8s.io.api.core.v1.Pod.spec`) means, in one
 * sentence; undefined where nothing is written.
 */
export function describeField(name: string): string | undefined {
  const [, packageName = '', message = '', field] = /^([a-z\d_.]+)\.([A-Z]\w*)(?:\.(.+))?$/.exec(name) ?? [];
  const messages = Object.hasOwn(packages, packageName) ? packages[packageName] : undefined;
  if (!messages) return undefined;
  const [about, fields] = Object.hasOwn(messages, message) ? (messages[message] ?? []) : [];
  if (field === undefined) return about ?? commonMessage(message);
  return fields && Object.hasOwn(fields, field) ? fields[field] : commonField(message, field);
}
