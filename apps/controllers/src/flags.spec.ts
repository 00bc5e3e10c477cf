import { parseConfig } from '@navarch/service';

import { defaultConfig, type ControllersConfig } from './config';
import { configOf, controllerFields } from './flags';

const configured = (argv: readonly string[], env: NodeJS.ProcessEnv = {}): Partial<ControllersConfig> => configOf(parseConfig(controllerFields, { name: 'navarch-controllers', argv, env }));

describe('the flags of the controllers', () => {
  it('leave everything as Kubernetes has it unless told', () => {
    expect(defaultConfig).toMatchObject(configured([]));
  });

  it('set how autoscalers work, by the names that kube-controller-manager gives them, or by environment', () => {
    expect(configured([
      '--horizontal-pod-autoscaler-sync-period=5s', '--horizontal-pod-autoscaler-tolerance=0.2', '--horizontal-pod-autoscaler-downscale-stabilization=1m',
      '--horizontal-pod-autoscaler-cpu-initialization-period=30s', '--horizontal-pod-autoscaler-initial-readiness-delay=10s',
    ])).toMatchObject({ autoscalerPeriodMs: 5_000, autoscalerTolerance: 0.2, downscaleStabilizationMs: 60_000, cpuInitializationPeriodMs: 30_000, initialReadinessDelayMs: 10_000 });
    expect(configured([], { NAVARCH_HORIZONTAL_POD_AUTOSCALER_SYNC_PERIOD: '2s' })).toMatchObject({ autoscalerPeriodMs: 2_000 });
  });
});
