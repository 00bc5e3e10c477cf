import type { PodInfo } from '../snapshot/pod-info';
import type { EventRegistration } from './cluster-event';
import { Action } from './cluster-event';
import {
  has, type BindPlugin, type EnqueueExtensions, type FilterPlugin, type NormalizeScorePlugin, type PermitPlugin, type Plugin, type PostBindPlugin,
  type PostFilterPlugin, type PreBindPlugin, type PreEnqueuePlugin, type PreFilterPlugin, type PreScorePlugin, type QueueSortPlugin,
  type ReservePlugin, type ScorePlugin, type SignPlugin,
} from './plugin';

export interface WeightedScore {
  readonly plugin: ScorePlugin | NormalizeScorePlugin;
  readonly weight: number;
}

const everyEvent: readonly EventRegistration[] = [
  { resource: 'Node', actions: Action.all }, { resource: 'AssignedPod', actions: Action.all }, { resource: 'UnscheduledPod', actions: Action.all }, { resource: 'Volume', actions: Action.all },
];

/** One profile: the plugins that decide for the pods of one schedulerName, by extension point and in order. */
export class Framework {
  readonly queueSort: QueueSortPlugin;
  readonly preEnqueue: readonly PreEnqueuePlugin[];
  readonly preFilter: readonly PreFilterPlugin[];
  readonly filter: readonly FilterPlugin[];
  readonly postFilter: readonly PostFilterPlugin[];
  readonly preScore: readonly PreScorePlugin[];
  readonly score: readonly WeightedScore[];
  readonly reserve: readonly ReservePlugin[];
  readonly permit: readonly PermitPlugin[];
  readonly preBind: readonly PreBindPlugin[];
  readonly bind: readonly BindPlugin[];
  readonly postBind: readonly PostBindPlugin[];
  /** By plugin name. */
  readonly events: ReadonlyMap<string, readonly EventRegistration[]>;
  private readonly signers: readonly (SignPlugin | undefined)[];

  constructor(readonly schedulerName: string, readonly percentageOfNodesToScore: number | undefined, plugins: readonly { readonly plugin: Plugin; readonly weight: number }[]) {
    const all = plugins.map(({ plugin }) => plugin);
    this.queueSort = onlyOne(schedulerName, all.filter((plugin) => has<QueueSortPlugin>(plugin, 'less')));
    this.preEnqueue = all.filter((plugin) => has<PreEnqueuePlugin>(plugin, 'preEnqueue'));
    this.preFilter = all.filter((plugin) => has<PreFilterPlugin>(plugin, 'preFilter'));
    this.filter = all.filter((plugin) => has<FilterPlugin>(plugin, 'filter'));
    this.postFilter = all.filter((plugin) => has<PostFilterPlugin>(plugin, 'postFilter'));
    this.preScore = all.filter((plugin) => has<PreScorePlugin>(plugin, 'preScore'));
    this.score = plugins.flatMap(({ plugin, weight }) => (has<ScorePlugin>(plugin, 'score') ? [{ plugin, weight }] : []));
    this.reserve = all.filter((plugin) => has<ReservePlugin>(plugin, 'reserve'));
    this.permit = all.filter((plugin) => has<PermitPlugin>(plugin, 'permit'));
    this.preBind = all.filter((plugin) => has<PreBindPlugin>(plugin, 'preBind'));
    this.bind = all.filter((plugin) => has<BindPlugin>(plugin, 'bind'));
    this.postBind = all.filter((plugin) => has<PostBindPlugin>(plugin, 'postBind'));
    if (this.bind.length === 0) throw new Error(`profile ${schedulerName}: at least one bind plugin is needed`);
    this.events = new Map(all.map((plugin) => [plugin.name, has<EnqueueExtensions>(plugin, 'eventsToRegister') ? plugin.eventsToRegister() : everyEvent]));
    this.signers = all.filter(decides).map((plugin) => (has<SignPlugin>(plugin, 'sign') ? plugin : undefined));
  }

  /** Equal for pods that every plugin treats alike; undefined for a pod that must be looked at by itself. */
  sign(info: PodInfo): string | undefined {
    let signature = this.schedulerName;
    for (const signer of this.signers) {
      const part = signer?.sign(info);
      if (part === undefined) return undefined;
      signature += `\u0000${part}`;
    }
    return signature;
  }
}

function decides(plugin: Plugin): boolean {
  return has<PreFilterPlugin>(plugin, 'preFilter') || has<FilterPlugin>(plugin, 'filter') || has<ScorePlugin>(plugin, 'score');
}

function onlyOne(profile: string, sorters: readonly QueueSortPlugin[]): QueueSortPlugin {
  const [sorter] = sorters;
  if (!sorter || sorters.length > 1) throw new Error(`profile ${profile}: exactly one queue sort plugin is needed, got ${sorters.length}`);
  return sorter;
}
