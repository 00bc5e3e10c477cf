import { ROOT_CONTEXT, trace, type Context, type Link, type SpanContext } from '@opentelemetry/api';

/** A W3C traceparent as OpenTelemetry's span context; undefined where it is malformed or all zero. */
export function spanContextOf(traceparent: string | undefined): SpanContext | undefined {
  const [, traceId, spanId, flags] = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(traceparent ?? '') ?? [];
  if (!traceId || !spanId || !flags || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true };
}

/** The context in which work caused by an event runs: a child of `traceparent`, or of nothing. */
export function contextUnder(traceparent: string | undefined): Context {
  const parent = spanContextOf(traceparent);
  return parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
}

/** Links to each distinct, well-formed traceparent. */
export function linksTo(traceparents: Iterable<string | undefined>): Link[] {
  return [...new Set(traceparents)].flatMap((traceparent) => {
    const context = spanContextOf(traceparent);
    return context ? [{ context }] : [];
  });
}
