import { isSpanContextValid, ROOT_CONTEXT, SpanKind, trace, type Attributes, type Context, type Span } from '@opentelemetry/api';

import type { Kind } from './kinds';
import type { ApiRequest } from './request';
import { markFailed } from './write/writer';

/** The span of one write, and what of it goes into the log. */
export interface RequestSpan {
  readonly context: Context;
  readonly traceparent?: string;
}

function parentContext(traceparent: string | undefined): Context {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(traceparent ?? '');
  const [, traceId, spanId, flags] = match ?? [];
  if (!traceId || !spanId || !flags) return ROOT_CONTEXT;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: parseInt(flags, 16), isRemote: true });
}

function traceparentOf(span: Span): string | undefined {
  const context = span.spanContext();
  if (!isSpanContextValid(context)) return undefined;
  return `00-${context.traceId}-${context.spanId}-${context.traceFlags.toString(16).padStart(2, '0')}`;
}

/** Runs a write inside `apiserver.request`, a child of the caller's span. Attributes name the object, never its content. */
export async function withRequestSpan<T>(request: ApiRequest, kind: Kind, run: (span: RequestSpan, note: (attributes: Attributes) => void) => Promise<T>): Promise<T> {
  const { verb, target } = request;
  const attributes: Attributes = {
    'navarch.verb': verb,
    'navarch.resource': target.subresource ? `${target.resource}/${target.subresource}` : target.resource,
    ...(target.namespace && { 'k8s.namespace.name': target.namespace }),
    ...(target.name && objectAttributes(kind, target.name)),
  };
  const parent = parentContext(request.traceparent);
  const span = trace.getTracer('navarch-apiserver').startSpan('apiserver.request', { kind: SpanKind.SERVER, attributes }, parent);
  try {
    return await run({ context: trace.setSpan(parent, span), traceparent: traceparentOf(span) }, (more) => span.setAttributes(more));
  } catch (error) {
    markFailed(span);
    throw error;
  } finally {
    span.end();
  }
}

/** OpenTelemetry's names where it has them (k8s.pod.name, k8s.node.uid …), by the kind's singular. */
export function objectAttributes({ resource }: Pick<Kind, 'resource'>, name: string, uid = ''): Attributes {
  const prefix = `k8s.${resource.singular}`;
  return { ...(name && { [`${prefix}.name`]: name }), ...(uid && { [`${prefix}.uid`]: uid }) };
}
