import { createLogger } from '@navarch/service';
import { Command, Option } from 'commander';

import { parseCount, parseDuration } from '../api/arguments';
import { formatTable } from '../api/table';
import { down } from '../cluster/down';
import { clusterPhase } from '../cluster/running';
import { clusterStatus } from '../cluster/status';
import type { Uplink } from '../cluster/state';
import { up } from '../cluster/up';
import { ensureRequirements } from '../requirements/install';
import { requirements } from '../requirements/requirements';
import { supervise } from '../supervisor/run';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

interface UpCommandOptions extends NameOption {
  readonly nodes: number;
  readonly hollow: number;
  readonly uplink: Uplink;
  readonly timeout: number;
}

/** Unlike real nodes there may be none. */
const parseHollow = (text: string): number => (text === '0' ? 0 : parseCount(text));

export function upCommand(context: CommandContext): Command {
  return new Command('up').description('Start a cluster of real nodes on this machine and wait until they are Ready.')
    .addOption(nameOption())
    .addOption(new Option('--nodes <count>', 'how many nodes, 1 to 100; a cluster that was kept has those it had').argParser(parseCount).default(2))
    .addOption(new Option('--hollow <count>', 'nodes beside them whose containers exist in memory only, 0 to 400, for tests of scale; pods need the toleration of navarch.io/hollow to run there').argParser(parseHollow).default(0))
    .addOption(new Option('--uplink <kind>', 'whether pods can reach the world outside: "none", or "nat" behind this machine\'s address').choices(['none', 'nat']).default('none'))
    .addOption(new Option('--timeout <duration>', 'how long each step may take').argParser(parseDuration).default(60_000, '60s'))
    .action(async (options: UpCommandOptions) => {
      const places = placesFor(context, options);
      const startedMs = context.clock.monotonic();
      const started = await up({ ...context, places, nodes: options.nodes, hollow: options.hollow, uplink: options.uplink, timeoutMs: options.timeout });
      const nodes = clusterPhase(places).state?.nodes.length ?? 0;
      if (!started) context.write(`Cluster "${options.name}" is running already, with ${nodes} nodes.\n`);
      else context.write(`Cluster "${options.name}" with ${nodes} nodes is up after ${((context.clock.monotonic() - startedMs) / 1000).toFixed(1)} s.\n`);
    });
}

export function downCommand(context: CommandContext): Command {
  return new Command('down').description('End a cluster and remove everything it made: processes, containers, namespaces, mounts, control groups, state.')
    .addOption(nameOption())
    .option('--keep', 'keep objects, keys, images and logs for the next "navarch up"', false)
    .action(async (options: NameOption & { keep: boolean }) => {
      const existed = await down(placesFor(context, options), { keep: options.keep, progress: context.progress });
      context.write(existed ? `Cluster "${options.name}" is down${options.keep ? '; its objects are kept' : ''}.\n` : `There was no cluster "${options.name}".\n`);
    });
}

export function statusCommand(context: CommandContext): Command {
  return new Command('status').description('Show what a cluster consists of and how it is. Ends with code 1 unless all of it runs.')
    .addOption(nameOption())
    .action(async (options: NameOption) => {
      const status = await clusterStatus(placesFor(context, options), context);
      context.write(`${status.summary}\n`);
      if (status.processes.length > 1) context.write(`\n${formatTable(status.processes)}\n`);
      if (status.nodes.length > 1) context.write(`\n${formatTable(status.nodes)}\n`);
      if (!status.healthy) process.exitCode = 1;
    });
}

export function requirementsCommand(context: CommandContext): Command {
  return new Command('requirements').description('Show the programs that a cluster needs; with --install, install those that are missing (Debian, Ubuntu; as root).')
    .option('--install', 'install what is missing with apt-get; no service is started', false)
    .action(async ({ install }: { install: boolean }) => {
      await ensureRequirements({ install, progress: context.progress, signal: context.signal });
      if (!install) context.write(`${formatTable([['PROGRAM', 'PURPOSE'], ...requirements.map(({ name, purpose }) => [name, purpose])])}\n`);
      context.write('Everything a cluster needs is there.\n');
    });
}

export function superviseCommand(context: CommandContext): Command {
  return new Command('supervise').description('Keep the processes of a cluster running; "navarch up" starts it.')
    .addOption(nameOption())
    .action((options: NameOption) => supervise(placesFor(context, options), createLogger({ name: 'supervisor' })));
}
