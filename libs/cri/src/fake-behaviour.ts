/** What the fake runtime can be told, and the handles it has for tests. */
import type { Clock, Random } from '@navarch/base';
import type { ContainerConfig, PodSandboxConfig } from '@navarch/proto/runtime/v1/cri';

import type { ContainerRuntime, ExecResult } from './container-runtime';

/** What one container will do. All absent: it runs until it is stopped, and ends at once, with 143, on SIGTERM. */
export interface FakeContainerPlan {
  /** Ends by itself this long after its start. */
  readonly exitAfterMs?: number;
  /** With this code (0), by itself. */
  readonly exitCode?: number;
  /** With this reason instead of Completed or Error; such as OOMKilled. */
  readonly exitReason?: string;
  /** The command cannot be started, with these words. */
  readonly startError?: string;
  /** Its probes fail until it has run so long. */
  readonly readyAfterMs?: number;
  /** How it takes SIGTERM: exit code after a while, or not at all. */
  readonly onTerm?: 'ignore' | { readonly exitCode: number; readonly afterMs: number };
}

export interface FakeCall {
  readonly name: keyof ContainerRuntime;
  /** The sandbox, container or image it is about; a sandbox's or container's name at its making. */
  readonly target: string;
}

export interface FakeBehaviour {
  plan?(container: ContainerConfig, sandbox: PodSandboxConfig): FakeContainerPlan;
  exec?(container: ContainerConfig, command: readonly string[]): ExecResult | Promise<ExecResult>;
  /** Told of each container that has been started. */
  started?(container: ContainerConfig, sandbox: PodSandboxConfig): void;
  /** Asked before each call: how long it takes, and whether it fails; `after`: it is done, but its answer is lost. */
  fault?(call: FakeCall): { readonly delayMs?: number; readonly error?: Error; readonly after?: boolean } | undefined;
  /** Whether a pull finds the image; every image unless told. */
  pullable?(image: string): boolean;
}

export interface FakeRuntimeOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Present from the beginning. */
  readonly images?: readonly string[];
  readonly behaviour?: FakeBehaviour;
  /** Where a test serves exec, attach and portForward (http://host:port); without it those fail. */
  readonly streamingServer?: string;
  /** First three bytes of the addresses it gives, such as 10.244.7, until it is told a range. */
  readonly addressPrefix?: string;
}

/** A fake with handles for tests: the runtime's process can go and come while its containers live on. */
export interface FakeRuntime extends ContainerRuntime {
  /** kill -9 of the runtime: calls in flight and new ones fail with Unavailable, streams break; containers run on and end on time. */
  crash(): void;
  /** After `crash`: everything is listed again, with what happened in between. */
  restart(): void;
  /** The machine: every container is dead (255, Unknown), every sandbox not ready; the runtime serves. */
  reboot(): void;
  /** Ends a running container from outside. */
  exitContainer(id: string, exitCode: number, reason?: string): void;
  /** The sandbox's own process dies. */
  exitSandbox(id: string): void;
  setNetworkReady(ready: boolean): void;
  /** From now on sandboxes have their addresses from this IPv4 range, whose first one is the node's own. */
  setAddressRange(cidr: string): void;
  /** Whether the pod of this address answers who connects to it: its containers run, and have run as long as their plans want. */
  serves(address: string): boolean;
  /** Every start of a container so far, in order. */
  readonly starts: readonly { readonly podUid: string; readonly name: string; readonly attempt: number; readonly id: string }[];
  /** The most containers of one pod and name that ever ran at once; anything above 1 is a kubelet's bug. */
  readonly mostAtOnce: number;
}
