import type { Resource } from '@navarch/api';
import type { Clock, Logger, Random } from '@navarch/base';
import type { ApiClient, Controller, EventRecorder, ReconcileRecord } from '@navarch/client';

import type { ControllersConfig } from './config';
import type { Informers } from './informers';

/** What every controller is given. */
export interface ControllerDependencies {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly informers: Informers;
  readonly recorder: EventRecorder;
  readonly config: ControllersConfig;
  /** The kinds there are: what a namespace may contain. */
  readonly resources: () => readonly Resource[];
  readonly observe?: (record: ReconcileRecord) => void;
}

/** Starts a controller; it runs until the signal aborts. */
export type StartController = (dependencies: ControllerDependencies, signal: AbortSignal) => Controller;
