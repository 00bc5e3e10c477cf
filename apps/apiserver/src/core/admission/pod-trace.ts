import { traceIdOf } from '@navarch/base';

import { creates, type AdmissionPlugin } from './admission';

export const traceIdAnnotation = 'navarch.io/trace-id';

/** Writes the trace a pod was made in on the pod itself: always this request's, never one copied along with a template. */
export const podTrace: AdmissionPlugin = {
  name: 'PodTrace',
  handles: (attributes) => creates(attributes, '', 'pods'),
  admit({ object, traceparent }) {
    if (!object?.metadata) return;
    const { [traceIdAnnotation]: _copied, ...annotations } = object.metadata.annotations ?? {};
    const traceId = traceIdOf(traceparent);
    if (traceId) annotations[traceIdAnnotation] = traceId;
    object.metadata.annotations = Object.keys(annotations).length > 0 ? annotations : undefined;
  },
};
