import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process for good: pids are reused, pids with their start time are not (until the machine restarts). */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between the machine's start and the process's (proc(5), stat field 22). */
  readonly startTicks: number;
}

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // The process has ended meanwhile.
  }
};

/** Undefined where no such process runs; one that has ended and waits for its parent does not run. */
export function identify(pid: number): ProcessIdentity | undefined {
  const stat = read(`/proc/${pid}/stat`);
  if (!stat) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const state = fields[0] ?? 'X';
  return 'ZX'.includes(state) ? undefined : { pid, startTicks: Number(fields[19]) };
}

export function isRunning(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startTicks === identity.startTicks;
}

/** Sends a signal unless the process has ended, be its pid in use again or not. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (!isRunning(identity)) return;
  try {
    process.kill(identity.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** What a process belongs to. */
export interface ProcessMarks {
  readonly environment: readonly string[];
  /** Identity of its network namespace, such as net:[4026532573]. */
  readonly networkNamespace: string;
  /** Its place in every hierarchy, lines of /proc/<pid>/cgroup. */
  readonly cgroups: string;
}

/** Every running process that `belongs` accepts, except this one. */
export function findProcesses(belongs: (marks: ProcessMarks) => boolean): ProcessIdentity[] {
  return readdirSync('/proc').flatMap((entry) => {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const identity = identify(pid);
    if (!identity) return [];
    const marks = {
      environment: (read(`/proc/${pid}/environ`) ?? '').split('\0'),
      networkNamespace: networkNamespaceOf(pid),
      cgroups: read(`/proc/${pid}/cgroup`) ?? '',
    };
    return belongs(marks) ? [identity] : [];
  });
}

function networkNamespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}

/** Changes with every start of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** What a person would recognize a process by. */
export function commandLine(pid: number): string {
  return (read(`/proc/${pid}/cmdline`) ?? '').split('\0').join(' ').trim().slice(0, 120);
}
