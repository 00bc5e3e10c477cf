import { SpanStatusCode, trace, type Attributes, type Context, type HrTime, type Span } from '@opentelemetry/api';

import type { Clock } from '@navarch/base';
import { contextUnder } from '@navarch/client';

import type { Placement, PlacementTimes } from '../cycle/placement';
import type { QueuedPod } from '../queue/queued-pod';

/** The traced part of an attempt that found a node: bind in `context`, then end it once. */
export interface BindingTrace {
  readonly context: Context;
  end(failure?: string): void;
}

/**
 * The scheduler's part of a pod's trace, under the write that asked for the pod:
 * `scheduler.schedule` (commit → outcome) › `scheduler.queue` (commit → popped), `scheduler.filter`, `scheduler.score`, `scheduler.bind`.
 * All but bind are made afterwards. One schedule span per outcome: retries show as its attempts and its last failure.
 */
export class SchedulingTrace {
  private readonly tracer = trace.getTracer('navarch.scheduler');

  constructor(private readonly clock: Clock) {}

  /** For a pod that has a node; opens `scheduler.bind`. */
  placed(pod: QueuedPod, placement: Extract<Placement, { outcome: 'placed' }>): BindingTrace {
    const parent = contextUnder(pod.headers.origin);
    const schedule = this.open(pod, parent, { 'k8s.node.name': placement.nodeName });
    if (!schedule.isRecording()) return { context: parent, end: () => undefined };
    const within = trace.setSpan(parent, schedule);
    this.decided(pod, placement, within);
    const bind = this.tracer.startSpan('scheduler.bind', { attributes: { ...podAttributes(pod), 'k8s.node.name': placement.nodeName }, startTime: this.at(placement.times.endMs) }, within);
    return {
      context: trace.setSpan(within, bind),
      end: (failure) => {
        const endTime = hrTime(this.clock.now());
        for (const span of [bind, schedule]) {
          if (failure !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: failure });
          span.end(endTime);
        }
      },
    };
  }

  /** For a pod that fits nowhere: the first time only. */
  unschedulable(pod: QueuedPod, placement: Placement, message: string): void {
    if (pod.failureTraced) return;
    pod.failureTraced = true;
    const parent = contextUnder(pod.headers.origin);
    const schedule = this.open(pod, parent, {});
    if (!schedule.isRecording()) return;
    this.decided(pod, placement, trace.setSpan(parent, schedule));
    schedule.setStatus({ code: SpanStatusCode.ERROR, message });
    schedule.end(this.at(placement.times.endMs));
  }

  private open(pod: QueuedPod, parent: Context, attributes: Attributes): Span {
    const span = this.tracer.startSpan('scheduler.schedule', {
      startTime: hrTime(queuedSince(pod)),
      attributes: { ...podAttributes(pod), 'navarch.scheduler.attempts': pod.attempts, ...attributes },
    }, parent);
    if (pod.lastFailure !== undefined) span.addEvent('attempt failed', { message: pod.lastFailure }, hrTime(this.clock.now()));
    return span;
  }

  private decided(pod: QueuedPod, { times, evaluated, feasible }: Placement, within: Context): void {
    const attributes = podAttributes(pod);
    const step = (name: string, startTime: HrTime, endTime: HrTime, more: Attributes = {}): void =>
      this.tracer.startSpan(name, { startTime, attributes: { ...attributes, ...more } }, within).end(endTime);
    const { filterMs, scoreMs, endMs }: PlacementTimes = times;
    step('scheduler.queue', hrTime(queuedSince(pod)), this.at(filterMs));
    step('scheduler.filter', this.at(filterMs), this.at(scoreMs), { 'navarch.scheduler.evaluated_nodes': evaluated, 'navarch.scheduler.feasible_nodes': feasible });
    if (feasible > 0) step('scheduler.score', this.at(scoreMs), this.at(endMs));
  }

  /** A moment of the monotonic clock as wall time. */
  private at(monotonicMs: number): HrTime {
    return hrTime(this.clock.now() - this.clock.monotonic() + monotonicMs);
  }
}

function queuedSince(pod: QueuedPod): number {
  return pod.headers.commitTimeMs || pod.addedAtMs;
}

function podAttributes({ info }: QueuedPod): Attributes {
  return { 'k8s.pod.name': info.name, 'k8s.pod.uid': info.uid, 'k8s.namespace.name': info.namespace };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
