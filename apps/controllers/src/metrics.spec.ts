import { ControllerCluster } from './testing/cluster';
import { ControllerMetrics } from './metrics';

describe('metrics of the controllers', () => {
  it('tell the depth of each queue and how reconciles ended, of controllers at work', async () => {
    const metrics = new ControllerMetrics();
    const cluster = new ControllerCluster();
    await cluster.start({}, cluster.api.client, metrics.observe);
    await cluster.addNode('a');
    await cluster.clock.advance(1_000);
    await cluster.close();
    expect(metrics.text()).toMatch(/^workqueue_depth\{name="node\/ipam"\} \d+$/m);
    expect(metrics.text()).toMatch(/^navarch_reconciles_total\{controller="node\/ipam",outcome="done"\} [1-9]\d*$/m);
  });

  it('count by controller and outcome; a depth is the latest', () => {
    const metrics = new ControllerMetrics();
    for (const [outcome, queueLength] of [['done', 3], ['done', 2], ['failed', 7]] as const) metrics.observe({ controller: 'job', outcome, durationMs: 1, queueLength });
    expect(metrics.text().split('\n').filter((line) => !line.startsWith('#'))).toEqual([
      'workqueue_depth{name="job"} 7', 'navarch_reconciles_total{controller="job",outcome="done"} 2', 'navarch_reconciles_total{controller="job",outcome="failed"} 1', '',
    ]);
  });
});
