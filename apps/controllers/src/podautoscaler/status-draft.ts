import { setCondition, timeFromMs } from '@navarch/api';
import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerCondition, HorizontalPodAutoscalerStatus, MetricStatus } from '@navarch/proto/k8s/io/api/autoscaling/v2/autoscaling';

export type ConditionType = 'AbleToScale' | 'ScalingActive' | 'ScalingLimited';

/** What one look at an autoscaler comes to, gathered while it is looked at. */
export class StatusDraft {
  private conditions: HorizontalPodAutoscalerCondition[];
  private changes: HorizontalPodAutoscalerStatus = {};

  constructor(private readonly autoscaler: HorizontalPodAutoscaler, private readonly nowMs: number) {
    this.conditions = autoscaler.status?.conditions ?? [];
  }

  condition(type: ConditionType, status: 'True' | 'False', reason: string, message: string): void {
    this.conditions = setCondition(this.conditions, { type, status, reason, message }, this.nowMs);
  }

  sizes(currentReplicas: number, desiredReplicas: number): void {
    this.changes = { ...this.changes, currentReplicas, desiredReplicas };
  }

  metrics(currentMetrics: MetricStatus[]): void {
    this.changes = { ...this.changes, currentMetrics };
  }

  scaled(): void {
    this.changes = { ...this.changes, lastScaleTime: timeFromMs(Math.floor(this.nowMs / 1_000) * 1_000) };
  }

  status(): HorizontalPodAutoscalerStatus {
    const { metadata, status } = this.autoscaler;
    return { ...status, ...this.changes, conditions: this.conditions, ...(metadata?.generation !== undefined && { observedGeneration: metadata.generation }) };
  }
}
