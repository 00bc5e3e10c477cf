import type { ApiClient } from '@navarch/client';

import type { CycleState } from '../framework/cycle-state';
import type { BindPlugin, EnqueueExtensions } from '../framework/plugin';
import type { PodInfo } from '../snapshot/pod-info';

/** Binds through the pods/binding subresource. The uid goes along: a pod made again under the same name is not this one. */
export class DefaultBinder implements BindPlugin, EnqueueExtensions {
  readonly name = 'DefaultBinder';

  constructor(private readonly client: ApiClient) {}

  async bind(_state: CycleState, info: PodInfo, nodeName: string, signal: AbortSignal): Promise<'bound'> {
    const { namespace, name, uid } = info;
    await this.client.bindPod({ metadata: { namespace, name, uid }, target: { kind: 'Node', name: nodeName } }, { signal });
    return 'bound';
  }

  eventsToRegister(): readonly never[] {
    return [];
  }
}
