import type { ReconcileRecord } from '@navarch/client';

/** What the controllers do, for /metrics in Prometheus' text format: their queues by the name that Kubernetes gives such, and their reconciles by outcome. */
export class ControllerMetrics {
  private readonly depths = new Map<string, number>();
  private readonly counts = new Map<string, number>();

  readonly observe = ({ controller, outcome, queueLength }: ReconcileRecord): void => {
    this.depths.set(controller, queueLength);
    const labels = `controller="${controller}",outcome="${outcome}"`;
    this.counts.set(labels, (this.counts.get(labels) ?? 0) + 1);
  };

  text(): string {
    return [
      '# HELP workqueue_depth Keys that were ready in a controller’s queue when its last reconcile ended.', '# TYPE workqueue_depth gauge',
      ...[...this.depths].map(([name, depth]) => `workqueue_depth{name="${name}"} ${depth}`),
      '# HELP navarch_reconciles_total Reconciles by controller and how they ended.', '# TYPE navarch_reconciles_total counter',
      ...[...this.counts].map(([labels, count]) => `navarch_reconciles_total{${labels}} ${count}`), '',
    ].join('\n');
  }
}
