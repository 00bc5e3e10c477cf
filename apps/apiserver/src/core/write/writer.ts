import { context, SpanStatusCode, trace, type Context, type Span } from '@opentelemetry/api';
import { withResourceVersion, type ApiObject, type Resource } from '@navarch/api';
import { ApiError, randomUuid, type Clock, type Random } from '@navarch/base';
import type { LogVerb, LogWrite, ObjectLog, PublishResult } from '@navarch/store';

import { StoredObject } from '../cache/stored-object';
import type { Deadline } from '../deadline';

/** JetStream takes 8 MB messages; Kubernetes' own limit for what a client sends is 3 MiB, and stored objects stay near it. */
export const maxObjectBytes = 3 * 1024 * 1024;

export interface WriterDependencies {
  readonly clock: Clock;
  readonly random: Random;
}

/** One write that the log is to take: `previous` is the live object it replaces, `expected` the sequence it must find. */
export interface Change<T extends ApiObject = ApiObject> {
  readonly verb: LogVerb;
  readonly object: T;
  /** The object's stored form, from `encode`. */
  readonly body: Uint8Array;
  readonly previous?: StoredObject<T>;
  readonly expected: number;
}

export interface WriteContext {
  readonly deadline: Deadline;
  readonly dryRun: boolean;
  /** Holds the request's own span. */
  readonly context: Context;
  /** Asked before an update or apply makes what is not there; throws Forbidden. */
  readonly authorizeCreate?: () => void;
  /** Hears that the write made a new object. */
  readonly onCreated?: () => void;
  /** Of the request's own span: what the log entry carries. */
  readonly traceparent?: string;
}

export type WriteOutcome =
  | { readonly type: 'written'; readonly object: StoredObject }
  | { readonly type: 'conflict'; readonly currentSequence?: number };

/** Turns a decided change into a log entry: encoding, trace headers, message id, and the publish itself. */
export class ObjectWriter {
  constructor(private readonly log: ObjectLog, private readonly resource: Resource, private readonly deps: WriterDependencies) {}

  async write(change: Change, ctx: WriteContext): Promise<WriteOutcome> {
    const { verb, object, body, previous, expected } = change;
    const metadata = object.metadata ?? {};
    const [namespace, name, uid] = [metadata.namespace ?? '', metadata.name ?? '', metadata.uid ?? ''];
    const origin = this.originOf(change, ctx);
    const stored = (sequence: number): StoredObject => {
      const bytes = sequence === 0 ? body : withResourceVersion(body, String(sequence));
      return new StoredObject(this.resource, namespace, name, uid, sequence, this.deps.clock.now(), bytes, ctx.traceparent, origin);
    };
    if (ctx.dryRun) return { type: 'written', object: stored(previous?.sequence ?? 0) };
    const key = { group: this.resource.group, resource: this.resource.plural, namespace, name };
    const messageId = randomUuid(this.deps.random);
    const result = await this.publish({ key, verb, uid, messageId, expectedSequence: expected, body, traceparent: ctx.traceparent, origin }, ctx);
    if (result.outcome === 'conflict') return { type: 'conflict', currentSequence: result.currentSequence };
    return { type: 'written', object: stored(result.sequence) };
  }

  /** The stored form: without the version, which is the log's to give. */
  encode(object: ApiObject): Uint8Array {
    const body = this.resource.codec.encode({ ...object, metadata: { ...object.metadata, resourceVersion: undefined } });
    if (body.length > maxObjectBytes) throw new ApiError('RequestEntityTooLarge', `Request entity too large: limit is ${maxObjectBytes}`);
    return body;
  }

  private originOf({ verb, object, previous }: Change, { traceparent }: WriteContext): string | undefined {
    const wanted = !previous || verb !== 'update' || this.resource.changesWanted(object, previous.object);
    return wanted ? traceparent : previous.origin;
  }

  private async publish(write: LogWrite, { deadline, context: parent }: WriteContext): Promise<PublishResult> {
    const span = trace.getTracer('navarch-apiserver').startSpan('store.publish', {}, parent);
    try {
      return await context.with(trace.setSpan(parent, span), () =>
        this.log.publish(write, { signal: deadline.caller, timeoutMs: deadline.leftMs() }));
    } catch (error) {
      markFailed(span);
      throw error;
    } finally {
      span.end();
    }
  }
}

/** No message: an error may quote what was sent, and what was sent may be a secret. */
export function markFailed(span: Span): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
}
