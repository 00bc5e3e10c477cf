/**
 * HorizontalPodAutoscaler: every 15 s measures what it is told to, and sizes its target by it (KEP-853 for behaviour, KEP-1610 for
 * containers, KEP-4951 for tolerance). What it has recommended and done lately is kept in memory, as in Kubernetes: a new leader starts from
 * the present size.
 */
import { deepEqual, horizontalPodAutoscalers, parseLabelSelector, type LabelMatcher } from '@navarch/api';
import { isApiError, toError } from '@navarch/base';
import { cacheOnly, startController, watching, type ReconcileContext, type ReconcileResult } from '@navarch/client';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';
import type { Scale } from '@navarch/proto/k8s/io/api/autoscaling/v1/autoscaling';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies, StartController } from '../dependencies';
import { objectReference } from '../workload/owned';
import { apiMetrics, type MetricsSource } from './metrics-source';
import { planScale, recent, tolerancesOf, type ScaleHistory } from './plan-scale';
import { proposeReplicas, type Proposal } from './propose-replicas';
import { findScaleTarget, type ScaleTarget } from './scale-target';
import { StatusDraft } from './status-draft';

/** What is known of one autoscaler from one look to the next. */
interface Memory {
  history: ScaleHistory;
  /** By the monotonic clock: not before, unless the spec changed. */
  dueMs: number;
  spec?: HorizontalPodAutoscalerSpec | undefined;
  /** Of its target's pods, as it was last seen. */
  selector?: { readonly namespace: string; readonly matcher: LabelMatcher };
}

/** A size to go to, and why; undefined where nothing can be said. */
interface Decision {
  readonly desired: number;
  readonly reason: string;
}

interface Failure {
  readonly reason: string;
  readonly message: string;
}

const failureReasons: Readonly<Record<string, string>> = {
  Resource: 'FailedGetResourceMetric', ContainerResource: 'FailedGetContainerResourceMetric', Pods: 'FailedGetPodsMetric', Object: 'FailedGetObjectMetric', External: 'FailedGetExternalMetric',
};

class PodAutoscaler {
  private readonly memories = new Map<string, Memory>();
  private readonly source: MetricsSource;

  constructor(private readonly dependencies: ControllerDependencies) {
    this.source = dependencies.config.metrics ?? apiMetrics(dependencies.client);
  }

  async reconcile(namespace: string, name: string, context: ReconcileContext): Promise<ReconcileResult> {
    const { clock, informers, config } = this.dependencies;
    const key = `${namespace}/${name}`;
    const autoscaler = informers.horizontalPodAutoscalers.get(namespace, name);
    if (!autoscaler || autoscaler.metadata?.deletionTimestamp) {
      this.memories.delete(key);
      return {};
    }
    const memory = this.memories.get(key) ?? { history: { recommendations: [], ups: [], downs: [] }, dueMs: 0 };
    this.memories.set(key, memory);
    const leftMs = memory.dueMs - clock.monotonic();
    // Whatever woke it, a failed write or its own status: figures are not newer than a period ago.
    if (leftMs > 0 && deepEqual(memory.spec, autoscaler.spec)) return { requeueAfterMs: leftMs };
    memory.dueMs = clock.monotonic() + config.autoscalerPeriodMs;
    memory.spec = autoscaler.spec;
    const draft = new StatusDraft(autoscaler, clock.now());
    await this.sync(autoscaler, memory, draft);
    await this.write(autoscaler, draft, context);
    return { requeueAfterMs: config.autoscalerPeriodMs };
  }

  private async sync(autoscaler: HorizontalPodAutoscaler, memory: Memory, draft: StatusDraft): Promise<void> {
    const { client, resources, clock } = this.dependencies;
    const { metadata: { namespace = '' } = {}, spec: { scaleTargetRef = {} } = {} } = autoscaler;
    let target: ScaleTarget;
    try {
      target = await findScaleTarget(client, resources(), namespace, scaleTargetRef);
    } catch (error) {
      const message = messageOf(error);
      // What it does not size it does not fight others for.
      delete memory.selector;
      this.event(autoscaler, 'Warning', 'FailedGetScale', message);
      return draft.condition('AbleToScale', 'False', 'FailedGetScale', `the HPA controller was unable to get the target's current scale: ${message}`);
    }
    draft.condition('AbleToScale', 'True', 'SucceededGetScale', 'the HPA controller was able to get the target\'s current scale');
    const current = target.scale.spec?.replicas ?? 0;
    const { recommendations } = memory.history;
    if (recommendations.length === 0) memory.history = { ...memory.history, recommendations: [{ atMs: clock.now(), replicas: current }] };
    draft.sizes(current, current);
    const decision = await this.decide(autoscaler, target.scale, memory, draft);
    if (decision && decision.desired !== current) await this.resize(autoscaler, target, current, decision, memory, draft);
  }

  private async decide(autoscaler: HorizontalPodAutoscaler, scale: Scale, memory: Memory, draft: StatusDraft): Promise<Decision | undefined> {
    const { minReplicas: min = 1, maxReplicas: max = 1, behavior } = autoscaler.spec ?? {};
    const { clock, config } = this.dependencies;
    const current = scale.spec?.replicas ?? 0;
    if (current === 0 && min !== 0) {
      draft.condition('ScalingActive', 'False', 'ScalingDisabled', 'scaling is disabled since the replica count of the target is zero');
      return undefined;
    }
    if (current > max) return { desired: max, reason: 'Current number of replicas above Spec.MaxReplicas' };
    if (current < min) return { desired: min, reason: 'Current number of replicas below Spec.MinReplicas' };
    const best = await this.measure(autoscaler, scale, memory, draft);
    if (!best) return undefined;
    const nowMs = clock.now();
    const plan = planScale({ current, desired: best.replicas, min, max, behavior, history: memory.history, nowMs, downscaleStabilizationMs: config.downscaleStabilizationMs });
    memory.history = recent({ ...memory.history, recommendations: [...memory.history.recommendations, { atMs: nowMs, replicas: best.replicas }] }, nowMs);
    draft.condition('AbleToScale', 'True', plan.able.reason, plan.able.message);
    draft.condition('ScalingLimited', plan.limited.status, plan.limited.reason, plan.limited.message);
    return { desired: plan.replicas, reason: plan.replicas > current ? `${best.name} above target` : 'All metrics below target' };
  }

  /** The metric that asks for most. Where some fail, the others may make it grow but not shrink. */
  private async measure(autoscaler: HorizontalPodAutoscaler, scale: Scale, memory: Memory, draft: StatusDraft): Promise<Proposal | undefined> {
    const { clock, config } = this.dependencies;
    const { metadata: { namespace = '' } = {}, spec: { metrics = [], behavior } = {} } = autoscaler;
    const selected = this.selectedPods(autoscaler, scale, memory);
    if ('reason' in selected) return this.inactive(autoscaler, draft, selected.event ?? selected.reason, selected);
    const workload = {
      namespace, selector: scale.status?.selector ?? '', pods: selected.pods, specReplicas: scale.spec?.replicas ?? 0, statusReplicas: scale.status?.replicas ?? 0,
      tolerances: tolerancesOf(behavior, config.autoscalerTolerance), rules: { cpuInitializationMs: config.cpuInitializationPeriodMs, initialReadinessMs: config.initialReadinessDelayMs }, nowMs: clock.now(),
    };
    const proposals: (Proposal | Failure)[] = [];
    for (const metric of metrics) proposals.push(await proposeReplicas(metric, workload, this.source).catch((error: unknown) => this.failure(autoscaler, metric, error)));
    draft.metrics(proposals.map((each, index) => ('status' in each ? each.status : { type: metrics[index]?.type })));
    const failures = proposals.filter((each) => 'message' in each);
    const best = proposals.filter((each) => 'status' in each).reduce<Proposal | undefined>((most, each) => (most && most.replicas >= each.replicas ? most : each), undefined);
    const [first] = failures;
    if (first && (!best || best.replicas < workload.specReplicas)) {
      this.event(autoscaler, 'Warning', 'FailedComputeMetricsReplicas', `invalid metrics (${failures.length} invalid out of ${metrics.length}), first error is: ${first.message}`);
      draft.condition('ScalingActive', 'False', first.reason, `the HPA was unable to compute the replica count: ${first.message}`);
      return undefined;
    }
    if (best) draft.condition('ScalingActive', 'True', 'ValidMetricFound', `the HPA was able to successfully calculate a replica count from ${best.name}`);
    return best;
  }

  private failure(autoscaler: HorizontalPodAutoscaler, { type = '' }: MetricSpec, error: unknown): Failure {
    const failure = { reason: failureReasons[type] ?? 'InvalidMetricSourceType', message: messageOf(error) };
    this.event(autoscaler, 'Warning', failure.reason, failure.message);
    return failure;
  }

  private selectedPods(autoscaler: HorizontalPodAutoscaler, scale: Scale, memory: Memory): { readonly pods: readonly Pod[] } | (Failure & { readonly event?: string }) {
    const { namespace = '' } = autoscaler.metadata ?? {};
    const text = scale.status?.selector ?? '';
    if (text === '') return { event: 'SelectorRequired', reason: 'InvalidSelector', message: 'the HPA target\'s scale is missing a selector' };
    let matcher: LabelMatcher;
    try {
      matcher = parseLabelSelector(text);
    } catch (error) {
      return { reason: 'InvalidSelector', message: `couldn't convert selector into a corresponding internal selector object: ${messageOf(error)}` };
    }
    memory.selector = { namespace, matcher };
    const pods = this.dependencies.informers.pods.list(namespace).filter(({ metadata }) => matcher.matches(metadata?.labels ?? {}));
    const others = this.othersFor(pods, memory);
    if (others.length === 0) return { pods };
    const all = [`${namespace}/${autoscaler.metadata?.name ?? ''}`, ...others].sort();
    return { reason: 'AmbiguousSelector', message: `pods by selector ${text} are controlled by multiple HPAs: [${all.join(' ')}]` };
  }

  /** Two that size the same pods would work against each other. */
  private othersFor(pods: readonly Pod[], memory: Memory): string[] {
    return [...this.memories].filter(([, other]) => other !== memory && pods.some(({ metadata }) =>
      other.selector?.namespace === metadata?.namespace && other.selector?.matcher.matches(metadata?.labels ?? {}))).map(([key]) => key);
  }

  private inactive(autoscaler: HorizontalPodAutoscaler, draft: StatusDraft, eventReason: string, { reason, message }: Failure): undefined {
    this.event(autoscaler, 'Warning', eventReason, message);
    draft.condition('ScalingActive', 'False', reason, message);
  }

  private async resize(autoscaler: HorizontalPodAutoscaler, target: ScaleTarget, current: number, { desired, reason }: Decision, memory: Memory, draft: StatusDraft): Promise<void> {
    try {
      await target.resize(desired);
    } catch (error) {
      const message = messageOf(error);
      this.event(autoscaler, 'Warning', 'FailedRescale', `New size: ${desired}; reason: ${reason}; error: ${message}`);
      return draft.condition('AbleToScale', 'False', 'FailedUpdateScale', `the HPA controller was unable to update the target scale: ${message}`);
    }
    const event = { atMs: this.dependencies.clock.now(), change: Math.abs(desired - current) };
    const { history } = memory;
    memory.history = desired > current ? { ...history, ups: [...history.ups, event] } : { ...history, downs: [...history.downs, event] };
    this.event(autoscaler, 'Normal', 'SuccessfulRescale', `New size: ${desired}; reason: ${reason}`);
    draft.condition('AbleToScale', 'True', 'SucceededRescale', `the HPA controller was able to update the target scale to ${desired}`);
    draft.sizes(current, desired);
    draft.scaled();
  }

  private async write(autoscaler: HorizontalPodAutoscaler, draft: StatusDraft, { wrote }: ReconcileContext): Promise<void> {
    const status = draft.status();
    if (deepEqual(status, autoscaler.status)) return;
    const { client, informers } = this.dependencies;
    await wrote(informers.horizontalPodAutoscalers, await client.resource(horizontalPodAutoscalers).updateStatus({ ...autoscaler, status }));
  }

  private event(autoscaler: HorizontalPodAutoscaler, type: 'Normal' | 'Warning', reason: string, message: string): void {
    this.dependencies.recorder.event(objectReference({ resource: horizontalPodAutoscalers, object: autoscaler }), type, reason, message);
  }
}

/** Of the world's failures; ours are thrown on. */
function messageOf(error: unknown): string {
  if (!isApiError(error)) throw error;
  return toError(error).message;
}

export const startPodAutoscaler: StartController = (dependencies, signal) => {
  const { clock, random, logger, informers, observe } = dependencies;
  const autoscaler = new PodAutoscaler(dependencies);
  return startController({
    name: 'podautoscaler', clock, random, logger, signal, concurrency: 5, ...(observe && { observe }),
    watches: [
      watching(informers.horizontalPodAutoscalers, {
        keys: ({ metadata }) => [{ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' }],
        when: ({ type, object, old }) => type !== 'MODIFIED' || !deepEqual(object.spec, old?.spec),
      }),
      cacheOnly(informers.pods),
    ],
    reconcile: ({ namespace, name }, context) => autoscaler.reconcile(namespace, name, context),
  });
};
