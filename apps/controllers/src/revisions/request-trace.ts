import { context, SpanKind, trace } from '@opentelemetry/api';

import { contextUnder, linksTo, spanContextOf, type EventHeaders } from '@navarch/client';

/**
 * Runs a step towards what a request asked for in that request's trace, whatever woke us: an ordered set makes most of its pods
 * when others have become ready. `headers` are those of the object that the request wrote. As it is, where they name no
 * trace or the active one.
 */
export function inTraceOf<R>(headers: EventHeaders | undefined, work: () => Promise<R>): Promise<R> {
  const request = spanContextOf(headers?.origin);
  const active = trace.getSpanContext(context.active());
  if (!request || request.traceId === active?.traceId) return work();
  const links = active ? [{ context: active }] : linksTo([headers?.traceparent]);
  return trace.getTracer('@navarch/controllers').startActiveSpan('controller.step', { kind: SpanKind.INTERNAL, links }, contextUnder(headers?.origin), async (span) => {
    try {
      return await work();
    } finally {
      span.end();
    }
  });
}
