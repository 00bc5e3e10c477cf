import { nodes as nodeResource, pods as podResource, events as eventResource } from '@navarch/api';
import { seededRandom, silentLogger, type VirtualClock } from '@navarch/base';
import type { ApiClient, ResourceClient } from '@navarch/client';
import { createMemoryApi, type MemoryApi } from '@navarch/client/testing';
import type { Binding, Event, Node, Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import { runScheduler, type RunningScheduler, type SchedulerDependencies } from '../app';
import type { AttemptRecord } from '../cycle/scheduler';
import { virtualClock } from './builders';

/** What to do with one bind call: `pass` lets it through; it may throw before or after. */
export type BindHook = (binding: Binding, pass: () => Promise<void>) => Promise<void>;

/** A whole scheduler over an API in memory, under a virtual clock, with a hand on each bind. */
export class Harness {
  readonly clock: VirtualClock = virtualClock();
  readonly api: MemoryApi = createMemoryApi({ clock: this.clock, random: seededRandom(11) });
  readonly pods: ResourceClient<Pod> = this.api.client.resource(podResource);
  readonly nodes: ResourceClient<Node> = this.api.client.resource(nodeResource);
  readonly events: ResourceClient<Event> = this.api.client.resource(eventResource);
  readonly attempts: AttemptRecord[] = [];
  readonly bindings: string[] = [];
  onBind: BindHook = (_binding, pass) => pass();
  private readonly running: RunningScheduler[] = [];

  /** The API with `onBind` in the way of bindings. */
  readonly client: ApiClient = {
    resource: (resource) => this.api.client.resource(resource),
    createToken: (...args) => this.api.client.createToken(...args),
    getForeign: (...args) => this.api.client.getForeign(...args),
    bindPod: async (binding, options) => {
      const { signal } = options ?? {};
      signal?.throwIfAborted();
      const aborted = new Promise<never>((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
      await Promise.race([aborted, this.onBind(binding, async () => {
        await this.api.client.bindPod(binding, options);
        this.bindings.push(`${binding.metadata?.name} → ${binding.target?.name}`);
      })]);
    },
  };

  /** Starts a scheduler and waits until it works. */
  async start(more: Partial<SchedulerDependencies> = {}): Promise<RunningScheduler> {
    const scheduler = this.launch(more);
    await this.clock.advance(0);
    await scheduler.ready;
    return scheduler;
  }

  launch(more: Partial<SchedulerDependencies> = {}): RunningScheduler {
    const scheduler = runScheduler({
      client: this.client, clock: this.clock, random: seededRandom(5), logger: silentLogger, onAttempt: (record) => this.attempts.push(record), ...more,
    });
    this.running.push(scheduler);
    return scheduler;
  }

  /** Lets everything that is under way come to rest, without time passing to speak of. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) await this.clock.advance(1);
  }

  async nodeOf(name: string): Promise<string | undefined> {
    return (await this.pods.get('default', name)).spec?.nodeName;
  }

  async condition(name: string): Promise<{ readonly status?: string | undefined; readonly reason?: string | undefined; readonly message?: string | undefined } | undefined> {
    return (await this.pods.get('default', name)).status?.conditions?.find(({ type }) => type === 'PodScheduled');
  }

  async eventTexts(): Promise<string[]> {
    return (await this.events.list()).items.map(({ reason, message }) => `${reason}: ${message}`);
  }

  async close(): Promise<void> {
    for (const scheduler of this.running) {
      const closed = scheduler.close();
      await this.clock.advance(1);
      await closed;
    }
  }
}
