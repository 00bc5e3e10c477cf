/** OTLP's JSON form, as far as we read it (opentelemetry-proto, "OTLP/JSON": ids in hex, 64-bit numbers as text). */
export interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}

export interface OtlpAttribute {
  readonly key: string;
  readonly value?: OtlpValue;
}

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

export interface OtlpResource {
  readonly attributes?: readonly OtlpAttribute[];
}

export interface OtlpScope {
  readonly name?: string;
  readonly version?: string;
}

export interface OtlpRequest {
  readonly resourceSpans?: readonly { readonly resource?: OtlpResource; readonly scopeSpans?: readonly { readonly scope?: OtlpScope; readonly spans?: readonly OtlpSpan[] }[] }[];
}

/** One span with where it came from. Times are milliseconds since 1970, with their fraction. */
export interface TraceSpan {
  readonly id: string;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: ReadonlyMap<string, string>;
  /** Set where the span failed: its message, or empty. */
  readonly error: string | undefined;
  readonly source: { readonly resource: OtlpResource; readonly scope: OtlpScope; readonly span: OtlpSpan };
}

const statusError = 2;

/** The spans of one trace in an export request, or of all. */
export function spansOf(request: OtlpRequest, traceId?: string): TraceSpan[] {
  return (request.resourceSpans ?? []).flatMap(({ resource = {}, scopeSpans }) => {
    const service = attributesOf(resource.attributes).get('service.name') ?? 'unknown';
    return (scopeSpans ?? []).flatMap(({ scope = {}, spans }) =>
      (spans ?? []).filter((span) => traceId === undefined || span.traceId === traceId).map((span) => toTraceSpan(span, service, resource, scope)));
  });
}

function toTraceSpan(span: OtlpSpan, service: string, resource: OtlpResource, scope: OtlpScope): TraceSpan {
  return {
    id: span.spanId, parentId: span.parentSpanId || undefined, name: span.name, service,
    startMs: toMs(span.startTimeUnixNano), endMs: Math.max(toMs(span.startTimeUnixNano), toMs(span.endTimeUnixNano)),
    attributes: attributesOf(span.attributes), error: span.status?.code === statusError ? (span.status.message ?? '') : undefined,
    source: { resource, scope, span },
  };
}

/** The spans as one export request, so that a collector or another viewer takes them. */
export function toOtlpJson(spans: readonly TraceSpan[]): OtlpRequest {
  const groups = new Map<string, { resource: OtlpResource; scope: OtlpScope; spans: OtlpSpan[] }>();
  for (const { source: { resource, scope, span } } of spans) {
    const key = JSON.stringify([resource, scope]);
    const group = groups.get(key) ?? { resource, scope, spans: [] };
    groups.set(key, group);
    group.spans.push(span);
  }
  return { resourceSpans: [...groups.values()].map(({ resource, scope, spans: members }) => ({ resource, scopeSpans: [{ scope, spans: members }] })) };
}

function attributesOf(attributes: readonly OtlpAttribute[] = []): Map<string, string> {
  return new Map(attributes.map(({ key, value = {} }) => [key, String(value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? '')]));
}

/** Nanoseconds since 1970 pass 2^53: split before they become numbers. */
function toMs(nanoseconds: string): number {
  const text = String(nanoseconds).padStart(7, '0');
  return Number(text.slice(0, -6)) + Number(text.slice(-6)) / 1e6;
}
