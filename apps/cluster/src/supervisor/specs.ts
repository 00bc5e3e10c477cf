/** One process of the cluster, as `up` wrote it down for the supervisor. */
export interface ProcessSpec {
  readonly name: string;
  readonly command: readonly string[];
  /** Added to the supervisor's own environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly log: string;
  /** Started only when these accept connections, or after 10 s: a start in order is quicker than attempts that fail. */
  readonly after: readonly Endpoint[];
  /** Ending goes from the highest stage to the lowest, each when the one above has ended: servers outlive their clients. */
  readonly stage: number;
}

/** host:port, or the path of a unix socket. */
export type Endpoint = string;

/** What the supervisor knows of one process; in supervisor.json for everyone to read. */
export interface ProcessStatus {
  readonly pid: number;
  readonly startTicks: number;
  /** How often it came back after it had ended. */
  readonly restarts: number;
  /** How it ended last, such as `exit code 1` or `SIGKILL`; absent where it never did or where nobody saw how. */
  readonly lastEnd?: string;
  /** Milliseconds since 1970. */
  readonly startedMs: number;
  readonly state: 'running' | 'waiting' | 'ended';
}

export interface SupervisorStatus {
  readonly pid: number;
  readonly startTicks: number;
  readonly processes: Readonly<Record<string, ProcessStatus>>;
}
