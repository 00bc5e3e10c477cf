import type {
  AuthConfig, Container, ContainerConfig, ContainerState, ContainerStatus, Image, PodSandbox, PodSandboxConfig, PodSandboxState, PodSandboxStatus,
} from '@navarch/proto/runtime/v1/cri';

/** Bounds of one call; each has a default deadline that fits what it does. */
export interface RuntimeCallOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

export interface RuntimeVersion {
  readonly name: string;
  readonly version: string;
  readonly apiVersion: string;
}

/** RuntimeReady and NetworkReady, with the runtime's own words where one is false. */
export interface RuntimeHealth {
  readonly runtimeReady: boolean;
  readonly networkReady: boolean;
  readonly message: string;
}

export interface SandboxFilter {
  readonly id?: string;
  readonly state?: PodSandboxState;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ContainerFilter {
  readonly id?: string;
  readonly sandboxId?: string;
  readonly state?: ContainerState;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface ExecResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

/** Which standard streams are connected. With a terminal there is no stderr of its own. */
export interface StreamSelection {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/**
 * Something happened to a container. An event says "look again", not what the state is: the runtime's status may follow
 * some milliseconds later. `resync`: events before this one may have been missed; list everything.
 */
export type RuntimeEvent =
  | { readonly type: 'created' | 'started' | 'stopped' | 'deleted' | 'oom'; readonly containerId: string }
  | { readonly type: 'resync' };

/**
 * A container runtime on this node: CRI v1, narrowed to what a kubelet asks. Failures are ApiErrors: NotFound, AlreadyExists
 * (a name is taken: a sandbox or container with these metadata exists or is just being made), Unavailable (not reachable),
 * Timeout (outcome unknown), Canceled, Invalid, Internal (the runtime's own words). Nothing here tries again.
 * States, times (nanoseconds as text) and zero values are as ts-proto decodes CRI: absent is zero.
 */
export interface ContainerRuntime {
  version(options?: RuntimeCallOptions): Promise<RuntimeVersion>;
  health(options?: RuntimeCallOptions): Promise<RuntimeHealth>;

  /** Makes and starts a sandbox, network included; its id. */
  runPodSandbox(config: PodSandboxConfig, options?: RuntimeCallOptions & { readonly runtimeHandler?: string }): Promise<string>;
  /** Kills what runs in it and gives its network back. Repeatable; a sandbox that does not exist is stopped. */
  stopPodSandbox(id: string, options?: RuntimeCallOptions): Promise<void>;
  /** Removes it and its containers, killing them if need be. Repeatable. */
  removePodSandbox(id: string, options?: RuntimeCallOptions): Promise<void>;
  podSandboxStatus(id: string, options?: RuntimeCallOptions): Promise<PodSandboxStatus>;
  listPodSandboxes(filter?: SandboxFilter, options?: RuntimeCallOptions): Promise<readonly PodSandbox[]>;

  /** AlreadyExists where the sandbox holds a container of the same name and attempt. */
  createContainer(sandboxId: string, config: ContainerConfig, sandboxConfig: PodSandboxConfig, options?: RuntimeCallOptions): Promise<string>;
  /** Once per container. When the command cannot be started it fails and the container is EXITED, 128, StartError. */
  startContainer(id: string, options?: RuntimeCallOptions): Promise<void>;
  /** SIGTERM (or the image's signal), then SIGKILL after `graceSeconds`; resolves when it has ended. Repeatable; missing is stopped. */
  stopContainer(id: string, graceSeconds: number, options?: RuntimeCallOptions): Promise<void>;
  /** Kills it if it runs. Repeatable; missing is removed. */
  removeContainer(id: string, options?: RuntimeCallOptions): Promise<void>;
  containerStatus(id: string, options?: RuntimeCallOptions): Promise<ContainerStatus>;
  listContainers(filter?: ContainerFilter, options?: RuntimeCallOptions): Promise<readonly Container[]>;
  /** The command's own failure is an exit code; Timeout where it took longer than `timeoutSeconds` (0: no limit). */
  execSync(id: string, command: readonly string[], timeoutSeconds: number, options?: RuntimeCallOptions): Promise<ExecResult>;
  /** Where to run a command in it, connected: a URL of the runtime's streaming server, for one use within a minute. Fails where it does not run. */
  exec(id: string, command: readonly string[], streams: StreamSelection, options?: RuntimeCallOptions): Promise<string>;
  /** Where to join its own process: a URL likewise. */
  attach(id: string, streams: StreamSelection, options?: RuntimeCallOptions): Promise<string>;
  /** Where to connect to ports of the sandbox: a URL likewise. */
  portForward(sandboxId: string, options?: RuntimeCallOptions): Promise<string>;
  /** After its log file was renamed. */
  reopenContainerLog(id: string, options?: RuntimeCallOptions): Promise<void>;

  /** Undefined where the image is not on the node. */
  imageStatus(image: string, options?: RuntimeCallOptions): Promise<Image | undefined>;
  /** The image's reference (id). */
  pullImage(image: string, options?: RuntimeCallOptions & { readonly auth?: AuthConfig; readonly sandboxConfig?: PodSandboxConfig }): Promise<string>;
  listImages(options?: RuntimeCallOptions): Promise<readonly Image[]>;
  removeImage(image: string, options?: RuntimeCallOptions): Promise<void>;

  /**
   * What happens from now on, beginning with a `resync` once the subscription stands; ends when the signal aborts. The stream
   * mends itself (another `resync` after a break). A runtime without events never yields: list from time to time.
   */
  events(signal: AbortSignal): AsyncIterable<RuntimeEvent>;
  close(): void;
}
