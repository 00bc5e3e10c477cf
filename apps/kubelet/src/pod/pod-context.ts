import type { Clock, Logger, Random } from '@navarch/base';
import type { ResourceClient } from '@navarch/client';
import type { ContainerRuntime } from '@navarch/cri';
import type { Pod } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { Quantity } from '@navarch/proto/k8s/io/apimachinery/pkg/api/resource/resource';

import type { Host } from '../host/host';
import type { PodSources } from './environment';
import type { ImageStore } from './images';
import type { SandboxSettings } from './sandbox-config';
import type { TokenSource } from './tokens';

/** Reports an event about a pod or, by name, one of its containers. */
export type PodReport = (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: { readonly name: string; readonly isInit: boolean }) => void;

/** What every pod worker of one node shares. */
export interface PodContext {
  readonly nodeName: string;
  readonly runtime: ContainerRuntime;
  readonly host: Host;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly pods: ResourceClient<Pod>;
  readonly sources: PodSources;
  /** For volumes that are brought up to date. */
  readonly refreshSources: PodSources;
  /** When in each period pods of this node bring volumes up to date: all at one moment, and other nodes at others. */
  readonly refreshPhase: number;
  readonly tokens: TokenSource;
  readonly images: ImageStore;
  readonly settings: SandboxSettings & { readonly nodeMemoryBytes: number };
  readonly report: PodReport;
  /** The node's own addresses, as in its status. */
  readonly hostIps: readonly string[];
  readonly allocatable: Readonly<Record<string, Quantity>>;
}
