import { context as otel, type Context } from '@opentelemetry/api';

import type { ApiObject } from '@navarch/api';
import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { ControllerDependencies } from '../dependencies';
import { ConfigSettling } from '../workload/config-settling';
import { asksForConfigRollout, configDigest, configState, type ConfigState } from '../workload/config-use';

/** What the owners of one kind that ask for rollouts on configuration change wait for (see workload/config-use.ts). */
export class ConfigRollouts {
  private readonly settling: ConfigSettling;
  /** Where a change of configuration waits: the trace of who made it. */
  private readonly changeContexts = new Map<string, Context>();

  constructor(private readonly dependencies: Pick<ControllerDependencies, 'clock' | 'config' | 'informers'>) {
    const { configRolloutQuietMs, configRolloutMaxWaitMs } = dependencies.config;
    this.settling = new ConfigSettling({ quietMs: configRolloutQuietMs, maxWaitMs: configRolloutMaxWaitMs });
  }

  /** What the template uses holds now; undefined for an owner that does not ask. */
  stateOf(owner: ApiObject, template: PodTemplateSpec | undefined): ConfigState | undefined {
    return asksForConfigRollout(owner) ? configState(template, owner.metadata?.namespace ?? '', this.dependencies.informers) : undefined;
  }

  /** A change that nothing else brings is there: how long it still has to settle, and in whose trace it is rolled out then. */
  settle({ metadata }: ApiObject, config: ConfigState): { readonly waitMs: number; readonly under: Context } {
    const uid = metadata?.uid ?? '';
    const under = this.changeContexts.get(uid) ?? otel.active();
    const waitMs = this.settling.wait(uid, configDigest(config), this.dependencies.clock.monotonic());
    if (waitMs > 0) this.changeContexts.set(uid, under);
    return { waitMs, under };
  }

  /** Nothing differs, or it is being rolled out, or the owner is gone. */
  calm({ metadata }: ApiObject): void {
    this.settling.calm(metadata?.uid ?? '');
    this.changeContexts.delete(metadata?.uid ?? '');
  }
}
