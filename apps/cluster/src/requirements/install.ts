/**
 * Installs what is missing from the distribution's packages. Some of them (nats-server, containerd) start a service of
 * their own when they are installed. Debian asks /usr/sbin/policy-rc.d whether a package may (invoke-rc.d(8)); so one
 * that answers "no" (101) is put there for as long as apt-get runs. One that is there already is left as it is and keeps
 * its say.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';

import { CommandError, run } from '../host/exec';
import type { Progress } from '../cluster/progress';
import { findProgram, missingKernelParts, missingRights, requirements, type Requirement } from './requirements';

export function missingRequirements(): Requirement[] {
  return requirements.filter((requirement) => !requirement.isMet());
}

const installOptions = ['--yes', '--no-remove', '--no-install-recommends'] as const;

export function installCommand(missing: readonly Requirement[]): string[] {
  return ['apt-get', 'install', ...installOptions, ...new Set(missing.map((requirement) => requirement.package))];
}

/** Names everything that is missing in one message. */
export function requirementsMessage(missing: readonly Requirement[]): string {
  return ['These programs are missing:', ...missing.map(({ name, purpose, package: from }) => `  ${name}: ${purpose} (package ${from})`)].join('\n');
}

/** Throws with what to type where it is not allowed to install, or where installing fails. */
export async function ensureRequirements(options: { readonly install: boolean; readonly progress: Progress; readonly signal?: AbortSignal }): Promise<void> {
  const kernel = missingKernelParts();
  if (kernel.length > 0) throw new Error(kernel.join('\n'));
  const missing = missingRequirements();
  if (missing.length > 0) {
    const command = installCommand(missing).join(' ');
    if (!options.install || process.getuid?.() !== 0) throw new Error(`${requirementsMessage(missing)}\nInstall them with:\n  sudo ${command}`);
    if (!findProgram('apt-get')) throw new Error(`${requirementsMessage(missing)}\nThere is no apt-get here; install them with your distribution's package manager.`);
    options.progress.note(requirementsMessage(missing));
    await options.progress.step(`Installing: ${command}`, () => install(missing, options.signal));
  }
}

export function ensureRights(): void {
  const rights = missingRights();
  if (rights.length > 0) throw new Error(rights.join('\n'));
}

async function install(missing: readonly Requirement[], signal?: AbortSignal): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = (command: readonly string[]): Promise<string> => run(command, { env, signal, timeoutMs: 10 * 60_000 });
  const command = installCommand(missing);
  // Package lists may be absent or older than the archive: only then is the update worth its time.
  const known = await apt([...command, '--simulate']).then(() => true, () => false);
  if (!known) await apt(['apt-get', 'update']);
  await withoutServiceStarts(() => apt(command)).catch(async (error: unknown) => {
    if (!known || !(error instanceof CommandError)) throw error;
    await apt(['apt-get', 'update']);
    await withoutServiceStarts(() => apt(command));
  });
  const still = missingRequirements();
  if (still.length > 0) throw new Error(`apt-get ended well, but ${requirementsMessage(still)}`);
}

const policyMark = '# navarch: no service may start while packages are installed';

/** Exported for its test. A policy that an earlier, killed installation left is recognized by its mark and taken over. */
export async function withoutServiceStarts<T>(work: () => Promise<T>, policyFile = '/usr/sbin/policy-rc.d'): Promise<T> {
  const foreign = existsSync(policyFile) && !readFileSync(policyFile, 'utf8').includes(policyMark);
  if (foreign) return work();
  writeFileSync(policyFile, `#!/bin/sh\n${policyMark}\nexit 101\n`, { mode: 0o755 });
  try {
    return await work();
  } finally {
    rmSync(policyFile, { force: true });
  }
}
