/**
 * The two headers that travel with every write and event (docs/design, "One trace per pod").
 * Both are W3C traceparent values: `00-<32 hex>-<16 hex>-<2 hex>`.
 */
export interface TraceHeaders {
  /** The write itself. */
  readonly traceparent?: string;
  /** The write that last changed what is wanted (a spec, a binding); status writes carry it forward. */
  readonly origin?: string;
}

/** The trace id of a traceparent; undefined where it is malformed or all zero. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(traceparent ?? '');
  return match?.[1] && !/^0+$/.test(match[1]) ? match[1] : undefined;
}
