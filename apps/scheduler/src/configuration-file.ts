import { parse } from 'yaml';

import { toError } from '@navarch/base';

import type { ProfileConfig, SchedulerConfig } from './config';

const apiVersion = 'kubescheduler.config.k8s.io/v1';
const points = ['multiPoint'];

interface PluginSet {
  readonly enabled?: readonly { readonly name: string; readonly weight?: number }[];
  readonly disabled?: readonly { readonly name: string }[];
}

interface ConfigurationFile {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly podInitialBackoffSeconds?: number;
  readonly podMaxBackoffSeconds?: number;
  readonly percentageOfNodesToScore?: number;
  readonly profiles?: readonly {
    readonly schedulerName?: string;
    readonly percentageOfNodesToScore?: number;
    readonly plugins?: Readonly<Record<string, PluginSet>>;
    readonly pluginConfig?: ProfileConfig['pluginConfig'];
  }[];
}

const known = ['apiVersion', 'kind', 'podInitialBackoffSeconds', 'podMaxBackoffSeconds', 'percentageOfNodesToScore', 'profiles'];

/**
 * Reads a KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1). Plugins are switched at `multiPoint`; a setting that
 * this scheduler does not have is an error, never ignored.
 */
export function readSchedulerConfiguration(text: string): Partial<SchedulerConfig> {
  const file = parseYaml(text);
  if (file.apiVersion !== apiVersion || file.kind !== 'KubeSchedulerConfiguration') throw new Error(`expected ${apiVersion} KubeSchedulerConfiguration, got ${file.apiVersion} ${file.kind}`);
  for (const key of Object.keys(file)) if (!known.includes(key)) throw new Error(`${key} is not a setting of this scheduler; it has: ${known.join(', ')}`);
  return {
    ...(file.podInitialBackoffSeconds !== undefined && { podInitialBackoffMs: seconds('podInitialBackoffSeconds', file.podInitialBackoffSeconds) }),
    ...(file.podMaxBackoffSeconds !== undefined && { podMaxBackoffMs: seconds('podMaxBackoffSeconds', file.podMaxBackoffSeconds) }),
    ...(file.profiles && { profiles: file.profiles.map((profile, i) => readProfile(profile, i, file.percentageOfNodesToScore)) }),
  };
}

function parseYaml(text: string): ConfigurationFile {
  try {
    const file: unknown = parse(text);
    if (typeof file !== 'object' || file === null || Array.isArray(file)) throw new Error('it is no mapping');
    return file;
  } catch (cause) {
    throw new Error(`the scheduler's configuration is not readable: ${toError(cause).message}`, { cause });
  }
}

function readProfile(profile: NonNullable<ConfigurationFile['profiles']>[number], index: number, percentage: number | undefined): ProfileConfig {
  const { schedulerName = 'default-scheduler', plugins = {}, pluginConfig, percentageOfNodesToScore = percentage } = profile;
  for (const point of Object.keys(plugins)) if (!points.includes(point)) throw new Error(`profiles[${index}].plugins.${point}: plugins are switched at multiPoint only`);
  return {
    schedulerName, ...(plugins['multiPoint'] && { plugins: plugins['multiPoint'] }), ...(pluginConfig && { pluginConfig }),
    ...(percentageOfNodesToScore !== undefined && { percentageOfNodesToScore }),
  };
}

function seconds(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name}: Invalid value: ${value}: must be a whole number of at least 1`);
  return value * 1_000;
}
