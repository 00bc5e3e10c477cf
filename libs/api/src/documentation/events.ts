import type { PackageText } from './text';

/** Documentation of events.k8s.io/v1. */
export const events: PackageText = {
  Event: ['Something that happened to an object, kept for a while only.', {
    eventTime: 'When it was first seen, to the microsecond.',
    series: 'Set when it goes on happening.',
    reportingController: 'Controller that reports it.',
    reportingInstance: 'Which instance of the controller reports it.',
    action: 'What was done or failed.',
    reason: 'One word on why it happened.',
    regarding: 'The object it happened to.',
    related: 'A second object that takes part.',
    note: 'A sentence on what happened; at most 1 kB.',
    type: 'Normal or Warning.',
    deprecatedSource: 'The source of a core/v1 event.',
    deprecatedFirstTimestamp: 'The firstTimestamp of a core/v1 event.',
    deprecatedLastTimestamp: 'The lastTimestamp of a core/v1 event.',
    deprecatedCount: 'The count of a core/v1 event.',
  }],
  EventSeries: ['An event that goes on happening.', {
    count: 'How often it has happened so far.',
    lastObservedTime: 'When it was last seen.',
  }],
};
