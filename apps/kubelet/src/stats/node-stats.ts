/**
 * What the node and its containers use. Every ten seconds the counters of each running container are read from its cgroup; a rate is the
 * difference of the last two readings over the time between them.
 */
import { inParallel, sleep, toError, type Clock, type Logger } from '@navarch/base';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Host } from '../host/host';
import type { PodIdentity } from '../pod/identity';
import { Meter, type Usage } from './meter';
import { runningPods, type RunningContainer } from './running-containers';

export interface ContainerUsage {
  readonly name: string;
  readonly startedAtMs: number;
  readonly usage: Usage;
}

export interface PodUsage {
  readonly identity: PodIdentity;
  readonly startedAtMs: number | undefined;
  readonly containers: readonly ContainerUsage[];
}

export interface Measurements {
  /** Undefined until there are two readings. */
  readonly node: Usage | undefined;
  /** Pods all of whose running containers have been measured. */
  readonly pods: readonly PodUsage[];
}

export interface NodeStatsOptions {
  readonly host: Host;
  readonly pods: () => readonly Pod[];
  readonly cgroupRoot: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** cAdvisor's housekeeping interval. */
const periodMs = 10_000;
/** A container younger than this is measured from its start: its first figures come with its first reading. */
const youngMs = 2 * periodMs;
/** The shortest time that says something about a rate. */
const shortestMs = 1_000;
const readAtOnce = 8;
const nodeKey = 'node';

export class NodeStats {
  private readonly meter = new Meter();

  constructor(private readonly options: NodeStatsOptions) {}

  /** Measures until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.measure().catch((error: unknown) => this.options.logger.warn('use of cpu and memory could not be measured', { error: toError(error).message }));
      await sleep(this.options.clock, periodMs, signal).catch(() => undefined);
    }
  }

  latest(): Measurements {
    const pods = runningPods(this.options.pods(), this.options.cgroupRoot).flatMap(({ containers, ...pod }) => {
      const measured = containers.flatMap(({ id, name, startedAtMs }) => {
        const usage = this.meter.usage(id);
        return usage ? [{ name, startedAtMs, usage }] : [];
      });
      return measured.length < containers.length ? [] : [{ ...pod, containers: measured }];
    });
    return { node: this.meter.usage(nodeKey), pods };
  }

  private async measure(): Promise<void> {
    const { host, pods, cgroupRoot } = this.options;
    const { cpuNanoseconds, memoryWorkingSetBytes } = await host.usage();
    this.meter.take(nodeKey, { cpuNanoseconds, workingSetBytes: memoryWorkingSetBytes }, this.moment());
    const containers = runningPods(pods(), cgroupRoot).flatMap((pod) => pod.containers);
    this.meter.keep(new Set([nodeKey, ...containers.map(({ id }) => id)]));
    await inParallel(containers, readAtOnce, (container) => this.read(container));
  }

  private async read({ id, cgroup, startedAtMs }: RunningContainer): Promise<void> {
    const counters = await this.options.host.cgroupUsage(cgroup);
    if (!counters) return;
    const moment = this.moment();
    const ageMs = moment.nowMs - startedAtMs;
    this.meter.take(id, counters, moment, ageMs >= shortestMs && ageMs <= youngMs ? ageMs : undefined);
  }

  private moment() {
    const { clock } = this.options;
    return { nowMs: clock.now(), monotonicMs: clock.monotonic() };
  }
}
