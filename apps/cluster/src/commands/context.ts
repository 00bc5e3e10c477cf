import { join, resolve } from 'node:path';

import type { Clock } from '@navarch/base';
import { Option } from 'commander';

import { placesOf, repositoryRoot, type Places } from '../cluster/places';
import type { Progress } from '../cluster/progress';

/** What every command is given. */
export interface CommandContext {
  /** The repository with the built apps. */
  readonly root: string;
  /** Where clusters keep their state: $NAVARCH_HOME or .navarch in the repository. */
  readonly home: string;
  readonly clock: Clock;
  readonly progress: Progress;
  /** To standard output. */
  write(text: string): void;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
}

export function homeDirectory(environment: NodeJS.ProcessEnv, root = repositoryRoot()): string {
  return environment.NAVARCH_HOME ? resolve(environment.NAVARCH_HOME) : join(root, '.navarch');
}

/** Every command that works on a cluster has it. */
export const nameOption = (): Option => new Option('--name <cluster>', 'which cluster').default('default').env('NAVARCH_CLUSTER');

export interface NameOption {
  readonly name: string;
}

export const placesFor = ({ home }: CommandContext, { name }: NameOption): Places => placesOf(home, name);
