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
  readonly tokens: TokenSource;
  readonly images: ImageStore;
  readonly settings: SandboxSettings & { readonly nodeMemoryBytes: number };
  readonly report: PodReport;
  /** The node's own addresses, as in its status. */
  readonly hostIps: readonly string[];
  readonly allocatable: Readonly<Record<string, Quantity>>;
}
