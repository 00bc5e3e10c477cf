/** What the containers of hollow pods do: nothing, for ever, unless the pod's annotations say otherwise. */
import type { FakeContainerPlan } from '@navarch/cri';
import type { PodSandboxConfig } from '@navarch/proto/runtime/v1/cri';

/** Label and taint key of hollow nodes: ordinary pods stay on nodes where they run for real. */
export const hollowLabel = 'navarch.io/hollow';

/** Annotations of a pod, taken from its template; `hollow.navarch.io/exit-code.NAME` speaks of the container NAME alone. */
const prefix = 'hollow.navarch.io/';
export const hollowAnnotations = {
  /** Ends by itself this long after its start, such as 500ms, 3s or 2m. */
  exitAfter: `${prefix}exit-after`,
  /** With this code; 0 unless told. */
  exitCode: `${prefix}exit-code`,
  /** With this reason, such as OOMKilled, which also makes the code 137 unless another is told. */
  exitReason: `${prefix}exit-reason`,
  /** The command cannot be started, with these words. */
  startError: `${prefix}start-error`,
  /** Probes fail until the container has run so long. */
  readyAfter: `${prefix}ready-after`,
  /** SIGTERM is taken, but the end comes so much later; past the grace period SIGKILL comes first. */
  stopTakes: `${prefix}stop-takes`,
} as const;

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of 500ms, 3s, 2m, 1h; undefined where it is no duration. */
export function parseDuration(text: string | undefined): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text ?? '') ?? [];
  return amount === undefined || unit === undefined ? undefined : Math.round(Number(amount) * (units[unit] ?? NaN));
}

/** What one container does by its pod's annotations. One that cannot be read is the container's start error: nobody has to guess why it did not count. */
export function planOf(container: string, { annotations = {} }: Pick<PodSandboxConfig, 'annotations'>): FakeContainerPlan {
  const read = (name: string): string | undefined => annotations[`${name}.${container}`] ?? annotations[name];
  const problems: string[] = [];
  const duration = (name: string): number | undefined => {
    const value = parseDuration(read(name));
    if (value === undefined && read(name) !== undefined) problems.push(`${name}: "${read(name)}" is not a duration such as 500ms, 3s or 2m`);
    return value;
  };
  const exitReason = read(hollowAnnotations.exitReason);
  const code = read(hollowAnnotations.exitCode) ?? (exitReason === 'OOMKilled' ? '137' : undefined);
  if (code !== undefined && !(/^\d{1,3}$/.test(code) && Number(code) <= 255)) problems.push(`${hollowAnnotations.exitCode}: "${code}" is not an exit code (0 to 255)`);
  // Who tells how it ends wants it to end.
  const exitAfterMs = duration(hollowAnnotations.exitAfter) ?? (code !== undefined || exitReason !== undefined ? 0 : undefined);
  const readyAfterMs = duration(hollowAnnotations.readyAfter);
  const stopTakesMs = duration(hollowAnnotations.stopTakes);
  const startError = problems.length > 0 ? problems.join('; ') : read(hollowAnnotations.startError);
  return {
    ...(startError !== undefined && { startError }), ...(exitAfterMs !== undefined && { exitAfterMs }), ...(code !== undefined && { exitCode: Number(code) }),
    ...(exitReason !== undefined && { exitReason }), ...(readyAfterMs !== undefined && { readyAfterMs }), ...(stopTakesMs !== undefined && { onTerm: { exitCode: 143, afterMs: stopTakesMs } }),
  };
}
