import type { Event as CoreEvent } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Event } from '@navarch/proto/k8s/io/api/events/v1/events';

import { codecFor } from '../../codec/codec';
import { defineView } from '../../define-view';
import { events, validateEventCreate, validateEventUpdate } from '../core/events';

function toStored(event: Event): CoreEvent {
  const { metadata, eventTime, series, reportingController, reportingInstance, action, reason, regarding, related, note, type } = event;
  return {
    metadata, eventTime, series, reportingInstance, action, reason, related, type,
    involvedObject: regarding, message: note, reportingComponent: reportingController,
    source: event.deprecatedSource, firstTimestamp: event.deprecatedFirstTimestamp, lastTimestamp: event.deprecatedLastTimestamp, count: event.deprecatedCount,
  };
}

function fromStored(event: CoreEvent): Event {
  const { metadata, eventTime, series, reportingComponent, reportingInstance, action, reason, involvedObject, related, message, type } = event;
  return {
    metadata, eventTime, series, reportingInstance, action, reason, related, type,
    regarding: involvedObject, note: message, reportingController: reportingComponent,
    deprecatedSource: event.source, deprecatedFirstTimestamp: event.firstTimestamp, deprecatedLastTimestamp: event.lastTimestamp, deprecatedCount: event.count,
  };
}

/** events.k8s.io: the Events of the core group under newer names, with stricter rules for who writes them. */
export const eventsV1 = defineView<Event, CoreEvent>(events, {
  group: 'events.k8s.io', version: 'v1', shortNames: ['ev'],
  codec: codecFor<Event>('k8s.io.api.events.v1.Event'),
  toStored, fromStored,
  validateCreate: (event) => validateEventCreate(toStored(event), 'events.k8s.io'),
  validateUpdate: (next, previous) => validateEventUpdate(toStored(next), toStored(previous), 'events.k8s.io'),
  fieldSelectors: {
    'regarding.kind': ({ regarding }) => regarding?.kind ?? '',
    'regarding.namespace': ({ regarding }) => regarding?.namespace ?? '',
    'regarding.name': ({ regarding }) => regarding?.name ?? '',
    'regarding.uid': ({ regarding }) => regarding?.uid ?? '',
    'regarding.apiVersion': ({ regarding }) => regarding?.apiVersion ?? '',
    'regarding.resourceVersion': ({ regarding }) => regarding?.resourceVersion ?? '',
    'regarding.fieldPath': ({ regarding }) => regarding?.fieldPath ?? '',
    reason: ({ reason }) => reason ?? '',
    reportingController: ({ reportingController, deprecatedSource }) => reportingController ?? deprecatedSource?.component ?? '',
    type: ({ type }) => type ?? '',
  },
});
