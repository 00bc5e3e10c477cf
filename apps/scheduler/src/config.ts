import { Framework } from './framework/framework';
import type { PluginFactory, PluginHandle } from './framework/plugin';
import { defaultPlugins, inTreePlugins } from './framework/registry';

/** One profile of KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1), reduced to multiPoint. */
export interface ProfileConfig {
  readonly schedulerName: string;
  /** Share of the nodes to find feasible before scoring, 0 … 100; 0 or absent: by cluster size. */
  readonly percentageOfNodesToScore?: number;
  readonly plugins?: {
    /** Added after the default ones; one that is enabled by default takes its weight from here. */
    readonly enabled?: readonly { readonly name: string; readonly weight?: number }[];
    /** `*`: none of the default ones. */
    readonly disabled?: readonly { readonly name: string }[];
  };
  readonly pluginConfig?: readonly { readonly name: string; readonly args?: unknown }[];
}

export interface SchedulerConfig {
  readonly profiles: readonly ProfileConfig[];
  /** Back-off of a pod that could not be scheduled, doubling from the first to the second. */
  readonly podInitialBackoffMs: number;
  readonly podMaxBackoffMs: number;
  /** A pod that no event wanted back is tried again after this time. */
  readonly unschedulableTimeoutMs: number;
  /** Decisions on their way to the API at one time. */
  readonly maxBindsInFlight: number;
  /** After a bind was accepted, how long the watch may take to show it before the API is asked. */
  readonly assumedExpiryMs: number;
  /** How long one bind call may take. */
  readonly bindTimeoutMs: number;
}

export const defaultConfig: SchedulerConfig = {
  profiles: [{ schedulerName: 'default-scheduler' }],
  podInitialBackoffMs: 1_000,
  podMaxBackoffMs: 10_000,
  unschedulableTimeoutMs: 300_000,
  maxBindsInFlight: 256,
  assumedExpiryMs: 30_000,
  bindTimeoutMs: 30_000,
};

/** The profiles by schedulerName. Throws where a plugin is unknown, its arguments are bad, or profiles collide. */
export function buildProfiles(profiles: readonly ProfileConfig[], handle: PluginHandle, outOfTree: Readonly<Record<string, PluginFactory>> = {}): Map<string, Framework> {
  const factories = { ...inTreePlugins, ...outOfTree };
  const built = new Map<string, Framework>();
  for (const profile of profiles) {
    if (!profile.schedulerName) throw new Error('profiles: schedulerName is required');
    if (built.has(profile.schedulerName)) throw new Error(`profiles: schedulerName "${profile.schedulerName}" is used twice`);
    const args = new Map((profile.pluginConfig ?? []).map(({ name, args: value }) => [name, value]));
    const plugins = selectPlugins(profile).map(({ name, weight = 1 }) => ({ plugin: makePlugin(factories[name], name, profile.schedulerName, args.get(name), handle), weight }));
    built.set(profile.schedulerName, new Framework(profile.schedulerName, profile.percentageOfNodesToScore, plugins));
  }
  return built;
}

function selectPlugins({ plugins }: ProfileConfig): readonly { name: string; weight?: number }[] {
  const disabled = new Set((plugins?.disabled ?? []).map(({ name }) => name));
  const enabled = new Map((plugins?.enabled ?? []).map((plugin) => [plugin.name, plugin]));
  const kept = defaultPlugins.filter(({ name }) => !disabled.has(name) && !disabled.has('*'));
  const known = new Set(kept.map(({ name }) => name));
  return [...kept.map((plugin) => enabled.get(plugin.name) ?? plugin), ...[...enabled.values()].filter(({ name }) => !known.has(name))];
}

function makePlugin(factory: PluginFactory | undefined, name: string, profile: string, args: unknown, handle: PluginHandle): ReturnType<PluginFactory> {
  if (!factory) throw new Error(`profile ${profile}: unknown plugin "${name}"`);
  try {
    return factory(args, handle);
  } catch (cause) {
    throw new Error(`profile ${profile}: pluginConfig of ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
