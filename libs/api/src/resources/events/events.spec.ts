import type { Event as CoreEvent } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Event } from '@navarch/proto/k8s/io/api/events/v1/events';
import fc from 'fast-check';

import { convertObject } from '../../define-view';
import type { FieldError, Resource } from '../../resource';
import { arbitraryMessage } from '../../testing/arbitrary';
import { events } from '../core/events';
import { eventsV1 } from './events';

const [core, view] = [events, eventsV1] as unknown as [Resource, Resource];
const metadata = { name: 'web.1', namespace: 'team' };
const event: Event = {
  metadata, regarding: { kind: 'Pod', name: 'web', namespace: 'team' }, eventTime: { seconds: 1 }, type: 'Normal', reason: 'Pulled', action: 'Pull', note: 'done',
  reportingController: 'example.com/agent', reportingInstance: 'agent-1',
};
const texts = (errors: readonly FieldError[]): string[] => errors.map(({ field, message }) => `${field}: ${message}`);

describe('events of events.k8s.io', () => {
  it('are those of the core group, field for field', () => {
    const old: CoreEvent = {
      metadata, involvedObject: event.regarding, message: 'done', reportingComponent: 'example.com/agent', source: { component: 'a', host: 'h' }, firstTimestamp: { seconds: 1 },
      lastTimestamp: { seconds: 2 }, count: 3, related: { kind: 'Node' }, series: { count: 2, lastObservedTime: { seconds: 3 } },
    };
    expect(view.codec.toJson(convertObject(old as object, core, view))).toMatchObject({
      regarding: { kind: 'Pod', name: 'web' }, note: 'done', reportingController: 'example.com/agent', deprecatedSource: { component: 'a', host: 'h' },
      deprecatedFirstTimestamp: '1970-01-01T00:00:01Z', deprecatedLastTimestamp: '1970-01-01T00:00:02Z', deprecatedCount: 3, related: { kind: 'Node' }, series: { count: 2 },
    });
  });

  it('go there and back without loss', () => {
    fc.assert(fc.property(arbitraryMessage('k8s.io.api.core.v1.Event'), (message) => {
      const object = core.codec.decode(core.codec.encode(message as object));
      const there = view.codec.decode(view.codec.encode(convertObject(object, core, view)));
      expect(core.codec.decode(core.codec.encode(convertObject(there, view, core)))).toEqual(object);
    }), { numRuns: 100 });
  });

  it('must say when, and leave out what only the old form has', () => {
    expect(eventsV1.validateCreate(event)).toEqual([]);
    expect(texts(eventsV1.validateCreate({ ...event, eventTime: undefined }))).toEqual(['eventTime: Required value']);
    const old = { deprecatedCount: 1, deprecatedSource: { component: 'a' }, deprecatedFirstTimestamp: { seconds: 1 }, deprecatedLastTimestamp: { seconds: 1 } };
    expect(texts(eventsV1.validateCreate({ ...event, ...old }))).toEqual([
      'firstTimestamp: Invalid value: "": needs to be unset', 'lastTimestamp: Invalid value: "": needs to be unset', 'count: Invalid value: "": needs to be unset', 'source: Invalid value: "": needs to be unset',
    ]);
    expect(texts(eventsV1.validateCreate({ ...event, reportingController: undefined }))).toEqual(['reportingController: Required value']);
    expect(texts(eventsV1.validateCreate({ ...event, note: 'x'.repeat(1_025) }))).toEqual(['message: Invalid value: "": can have at most 1024 characters']);
  });

  it('stay as they were told, but for their repetition; the core group lets everything change', () => {
    const repeated = { ...event, series: { count: 2, lastObservedTime: { seconds: 5 } } };
    expect(eventsV1.validateUpdate(repeated, event)).toEqual([]);
    expect(texts(eventsV1.validateUpdate({ ...event, note: 'else' }, event))).toEqual(['message: Invalid value: "else": field is immutable']);
    const [before, after] = [event, { ...event, note: 'else' }].map((one) => convertObject(one as object, view, core) as CoreEvent) as [CoreEvent, CoreEvent];
    expect(events.validateUpdate(after, before)).toEqual([]);
  });
});
