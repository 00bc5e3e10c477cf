/** What a worker knows beyond the API and the runtime. Losing it (a restarted kubelet) may delay, but never doubles or loses, a container. */

/** The keys under which a container is started and stopped: one such task at a time. */
export const startKey = (name: string): string => `start/${name}`;
export const stopKey = (id: string): string => `stop/${id}`;

/** Something that did not work, and when to try again. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
  readonly count: number;
  readonly retryAtMs: number;
  /** When ErrImagePull turns into ImagePullBackOff. */
  readonly shownUntilMs?: number | undefined;
}

export interface ProbeState {
  /** Startup probe passed (or there is none). */
  readonly started: boolean;
  /** Readiness probe passes (or there is none). */
  readonly ready: boolean;
  /** Set when the container is to be restarted. */
  readonly unhealthy?: { readonly probe: 'Liveness' | 'Startup'; readonly graceSeconds?: number };
}

export interface PodMemory {
  /** The API object does not exist any more. */
  gone: boolean;
  /** Decided here: refused at admission, or out of time. */
  verdict?: { readonly reason: string; readonly message: string };
  volumesReady: boolean;
  volumesRemoved: boolean;
  /** When each stop under way will turn to SIGKILL, by container id. */
  readonly stopBy: Map<string, number>;
  /** The API was told that it may forget the pod; a finalizer may hold it, so it is told again from then on. */
  confirmAgainAtMs: number;
  /** By the key of the action that failed. */
  readonly failures: Map<string, Failure>;
  /** By container id. */
  readonly probes: Map<string, ProbeState>;
}

export function newMemory(): PodMemory {
  return { gone: false, volumesReady: false, volumesRemoved: false, confirmAgainAtMs: 0, stopBy: new Map(), failures: new Map(), probes: new Map() };
}
