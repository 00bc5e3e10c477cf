/**
 * The kubelet's part of a pod's one trace: from the commit of the binding to the first Ready. It hangs under the origin header of the
 * event that brought the pod. What is done again (a retry, a restart) is no part of it.
 */
import { context, SpanStatusCode, trace, type Attributes, type Context, type Span } from '@opentelemetry/api';

import type { Clock } from '@navarch/base';
import { contextUnder, type EventHeaders } from '@navarch/client';

import type { PodIdentity } from './identity';

const tracer = trace.getTracer('@navarch/kubelet');

export class StartTrace {
  private readonly root: Span;
  private readonly inside: Context;
  private readonly attributes: Attributes;
  private readonly done = new Set<string>();
  private lastStartMs: number;
  private open = true;

  constructor(private readonly clock: Clock, { namespace, name, uid }: PodIdentity, nodeName: string, headers: EventHeaders | undefined) {
    const nowMs = clock.now();
    const commitMs = Math.min(headers?.commitTimeMs || nowMs, nowMs);
    this.attributes = { 'k8s.pod.name': name, 'k8s.pod.uid': uid, 'k8s.namespace.name': namespace, 'k8s.node.name': nodeName };
    const parent = contextUnder(headers?.origin ?? headers?.traceparent);
    this.root = tracer.startSpan('kubelet.start-pod', { startTime: commitMs, attributes: this.attributes }, parent);
    this.inside = trace.setSpan(parent, this.root);
    tracer.startSpan('kubelet.receive', { startTime: commitMs, attributes: this.attributes }, this.inside).end(nowMs);
    this.lastStartMs = nowMs;
  }

  /** Runs `work` under a span, the first time that this is done for this container. */
  async step<T>(name: 'kubelet.sandbox' | 'kubelet.image' | 'kubelet.create' | 'kubelet.start', container: string | undefined, work: () => Promise<T>): Promise<T> {
    const key = `${name}/${container ?? ''}`;
    if (!this.open || this.done.has(key)) return work();
    this.done.add(key);
    const attributes = { ...this.attributes, ...(container !== undefined && { 'k8s.container.name': container }) };
    const span = tracer.startSpan(name, { startTime: this.clock.now(), attributes }, this.inside);
    try {
      return await context.with(trace.setSpan(this.inside, span), work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: (error as Error).message });
      throw error;
    } finally {
      this.lastStartMs = this.clock.now();
      span.end(this.lastStartMs);
    }
  }

  /** First Ready, seen now: the trace is complete. */
  ready(): void {
    if (!this.open) return;
    tracer.startSpan('kubelet.ready', { startTime: this.lastStartMs, attributes: this.attributes }, this.inside).end(this.clock.now());
    this.end();
  }

  /** The pod ends before it was ever ready, or this process does. */
  abandon(why: string): void {
    if (!this.open) return;
    this.root.setStatus({ code: SpanStatusCode.ERROR, message: why });
    this.end();
  }

  private end(): void {
    this.open = false;
    this.root.end(this.clock.now());
  }
}
