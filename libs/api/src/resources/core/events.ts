import type { Event } from '@navarch/proto/k8s/io/api/core/v1/core';

import { codecFor } from '../../codec/codec';
import { deepEqual } from '../../deep-equal';
import { defineResource } from '../../define-resource';
import type { FieldError, Resource } from '../../resource';
import { ageText, durationText } from '../../scalars/age';
import { microTimeToMs, timeToMs } from '../../scalars/time';
import { invalid, invalidEach, oneOf, required } from '../../validation/field-error';
import { dnsSubdomain, qualifiedName } from '../../validation/names';
import { validateMeta, validateMetaUpdate } from '../../validation/object-meta';
import { nameColumn } from '../columns';

const meta = { namespaced: true, name: dnsSubdomain };
const maxNoteBytes = 1024;
/** Kinds without namespace put their events here. */
const clusterEventsNamespace = 'default';

/** Through which group an event is judged: errors name the reporter's field as the group does, and events.k8s.io takes the new form only. */
export type EventGroup = 'core' | 'events.k8s.io';

/** Events of the old API need little; those with eventTime follow the rules of events.k8s.io. */
function validate(event: Event, group: EventGroup): FieldError[] {
  const errors = validateNamespaces(event);
  return event.eventTime === undefined ? errors : [...errors, ...validateNew(event, group === 'core' ? 'reportingComponent' : 'reportingController')];
}

function validateNamespaces({ metadata, involvedObject, eventTime }: Event): FieldError[] {
  const namespace = metadata?.namespace ?? '';
  const subject = involvedObject?.namespace ?? '';
  const wrong = [invalid('involvedObject.namespace', subject, 'does not match event.namespace')];
  if (subject === '') return namespace === clusterEventsNamespace || namespace === '' || namespace === 'kube-system' ? [] : wrong;
  return subject === namespace || eventTime !== undefined ? [] : wrong;
}

function validateNew({ reportingComponent, reportingInstance = '', action, reason, message = '', type, series }: Event, reporter: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!reportingComponent) errors.push(required(reporter));
  else errors.push(...invalidEach(reporter, reportingComponent, qualifiedName(reportingComponent)));
  if (reportingInstance === '') errors.push(required('reportingInstance'));
  for (const [field, value] of [['reportingInstance', reportingInstance], ['action', action ?? ''], ['reason', reason ?? '']] as const) {
    if (value.length > 128) errors.push(invalid(field, '', 'can have at most 128 characters'));
  }
  if (!action) errors.push(required('action'));
  if (!reason) errors.push(required('reason'));
  if (Buffer.byteLength(message) > maxNoteBytes) errors.push(invalid('message', '', `can have at most ${maxNoteBytes} characters`));
  errors.push(...oneOf('type', type, ['Normal', 'Warning']));
  if (series && (series.count ?? 0) <= 1) errors.push(invalid('series.count', '', 'should be at least 2'));
  if (series && series.lastObservedTime === undefined) errors.push(required('series.lastObservedTime'));
  return errors;
}

/** What only the old form has: whoever writes through events.k8s.io leaves it out. */
function validateNoOldForm({ firstTimestamp, lastTimestamp, count, source }: Event): FieldError[] {
  const set = { firstTimestamp, lastTimestamp, count, source: source?.component || source?.host };
  return Object.entries(set).filter(([, value]) => value !== undefined && value !== 0 && value !== '').map(([field]) => invalid(field, '', 'needs to be unset'));
}

/** What an event tells happened stays; only its repetition changes. */
const fixed = [
  'involvedObject', 'reason', 'message', 'source', 'firstTimestamp', 'lastTimestamp', 'count', 'type', 'eventTime', 'action', 'related', 'reportingComponent', 'reportingInstance',
] as const;

/** What makes an event of `group` wrong, with the names of the stored form's fields, as in Kubernetes (core/validation/events.go). */
export function validateEventCreate(event: Event, group: EventGroup): FieldError[] {
  const errors = [...validateMeta(event, meta), ...validate(event, group)];
  if (group === 'core') return errors;
  return [...errors, ...(event.eventTime === undefined ? [required('eventTime'), ...oneOf('type', event.type, ['Normal', 'Warning'])] : []), ...validateNoOldForm(event)];
}

export function validateEventUpdate(next: Event, previous: Event, group: EventGroup): FieldError[] {
  const errors = [...validateMetaUpdate(next, previous, meta), ...validate(next, group)];
  if (group === 'core') return errors;
  return [...errors, ...fixed.filter((member) => !deepEqual(next[member], previous[member])).map((member) => invalid(member, next[member], 'field is immutable'))];
}

function lastSeen({ series, lastTimestamp, firstTimestamp, eventTime }: Event, nowMs: number): string {
  const ms = microTimeToMs(series?.lastObservedTime) ?? timeToMs(lastTimestamp) ?? timeToMs(firstTimestamp) ?? microTimeToMs(eventTime);
  return ms === undefined ? '<unknown>' : durationText(nowMs - ms);
}

function firstSeen({ firstTimestamp, eventTime }: Event, nowMs: number): string {
  return firstTimestamp ? ageText(firstTimestamp, nowMs) : ageText(eventTime, nowMs);
}

function objectText({ involvedObject }: Event): string {
  const kind = (involvedObject?.kind ?? '').toLowerCase();
  return involvedObject?.name ? `${kind}/${involvedObject.name}` : kind;
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  return [source?.component ?? reportingComponent ?? '', source?.host ?? reportingInstance].filter((part) => part !== undefined && part !== '').join(', ');
}

const columns: Resource<Event>['columns'] = [
  { name: 'Last Seen', type: 'string', description: 'Time this event was last observed', value: lastSeen },
  { name: 'Type', type: 'string', description: 'Type of this event (Normal, Warning)', value: ({ type }) => type ?? '' },
  { name: 'Reason', type: 'string', description: 'Short, machine understandable reason of the event', value: ({ reason }) => reason ?? '' },
  { name: 'Object', type: 'string', description: 'The object this event is about', value: objectText },
  { name: 'Subobject', type: 'string', priority: 1, description: 'Part of the object this event is about', value: ({ involvedObject }) => involvedObject?.fieldPath ?? '' },
  { name: 'Source', type: 'string', priority: 1, description: 'The component reporting this event', value: sourceText },
  { name: 'Message', type: 'string', description: 'Description of what happened', value: ({ message }) => (message ?? '').trim() },
  { name: 'First Seen', type: 'string', priority: 1, description: 'Time this event was first observed', value: firstSeen },
  { name: 'Count', type: 'string', priority: 1, description: 'How often this was observed', value: ({ series, count }) => series?.count ?? count ?? 1 },
  { ...nameColumn, priority: 1 },
];

export const events = defineResource<Event>({
  group: '', version: 'v1', kind: 'Event', plural: 'events', shortNames: ['ev'], namespaced: true, log: 'events',
  codec: codecFor<Event>('k8s.io.api.core.v1.Event'),
  validateCreate: (event) => validateEventCreate(event, 'core'),
  validateUpdate: (next, previous) => validateEventUpdate(next, previous, 'core'),
  // Events tell what happened; nothing is to be done about them.
  changesWanted: () => false,
  fieldSelectors: {
    'involvedObject.kind': ({ involvedObject }) => involvedObject?.kind ?? '',
    'involvedObject.namespace': ({ involvedObject }) => involvedObject?.namespace ?? '',
    'involvedObject.name': ({ involvedObject }) => involvedObject?.name ?? '',
    'involvedObject.uid': ({ involvedObject }) => involvedObject?.uid ?? '',
    'involvedObject.apiVersion': ({ involvedObject }) => involvedObject?.apiVersion ?? '',
    'involvedObject.resourceVersion': ({ involvedObject }) => involvedObject?.resourceVersion ?? '',
    'involvedObject.fieldPath': ({ involvedObject }) => involvedObject?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingComponent: ({ reportingComponent, source }) => reportingComponent ?? source?.component ?? '',
    source: ({ source, reportingComponent }) => source?.component ?? reportingComponent ?? '',
    type: ({ type }) => type ?? '',
  },
  columns,
});
