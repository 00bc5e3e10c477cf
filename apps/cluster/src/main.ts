/**
 * The `navarch` command: a local cluster of real nodes (up, down, status), the objects in it (apply, get, describe, logs,
 * exec, delete, trace), and images for it. `navarch supervise` is the process that keeps a cluster's other processes running.
 */
import { hasReason, isApiError, systemClock, toError } from '@navarch/base';
import { Command } from 'commander';

import { createProgress } from './cluster/progress';
import { repositoryRoot } from './cluster/places';
import { applyCommand } from './commands/apply';
import { backupCommand, restoreCommand } from './commands/backup';
import { homeDirectory, type CommandContext } from './commands/context';
import { deleteCommand } from './commands/delete';
import { describeCommand } from './commands/describe';
import { execCommand } from './commands/exec';
import { getCommand } from './commands/get';
import { imageCommand } from './commands/image';
import { downCommand, requirementsCommand, statusCommand, superviseCommand, upCommand } from './commands/lifecycle';
import { logsCommand } from './commands/logs';
import { quickStartCommand } from './commands/quick-start';
import { traceCommand } from './commands/trace';
import { searchPath } from './requirements/requirements';

function createContext(): CommandContext {
  const root = repositoryRoot();
  const interrupted = new AbortController();
  return {
    root, clock: systemClock,
    home: homeDirectory(process.env, root),
    progress: createProgress(process.stderr, () => systemClock.monotonic()),
    write: (text) => void process.stdout.write(text),
    get signal() {
      // Only commands that ask for it take part; the others end as any process does.
      for (const name of ['SIGINT', 'SIGTERM'] as const) {
        if (process.listenerCount(name) === 0) process.on(name, () => interrupted.abort(new Error('interrupted')));
      }
      return interrupted.signal;
    },
  };
}

const commands = [
  upCommand, downCommand, statusCommand, quickStartCommand, applyCommand, getCommand, describeCommand, logsCommand, execCommand, deleteCommand, traceCommand, backupCommand, restoreCommand, imageCommand, requirementsCommand,
];

function createProgram(context: CommandContext): Command {
  const program = new Command('navarch').description('Kubernetes on real nodes, on this machine.').showHelpAfterError('(--help shows what there is)');
  for (const command of commands) program.addCommand(command(context));
  program.addCommand(superviseCommand(context), { hidden: true });
  return program;
}

async function main(): Promise<void> {
  process.env.PATH = searchPath();
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0); // As in `navarch get pods | head -1`.
    throw error;
  });
  await createProgram(createContext()).parseAsync();
}

main().catch((thrown: unknown) => {
  if (hasReason(thrown, 'Canceled')) {
    process.exitCode = 130; // Ctrl-C ended something that would have gone on.
    return;
  }
  const error = toError(thrown);
  process.stderr.write(isApiError(thrown) ? `Error from server (${thrown.reason}): ${thrown.message}\n` : `navarch: ${error.message}\n`);
  process.exitCode = 1;
});
