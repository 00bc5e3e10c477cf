import type { JsonObject } from '@navarch/api';
import { openPodLog } from '@navarch/service';
import { Command, Option } from 'commander';

import { parseCount, parseDuration } from '../api/arguments';
import { withSession, type Session } from '../api/session';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

export interface LogsOptions extends NameOption {
  readonly namespace: string;
  readonly container?: string;
  readonly follow: boolean;
  readonly tail?: number;
  /** Milliseconds. */
  readonly since?: number;
  readonly previous: boolean;
  readonly timestamps: boolean;
}

export function logsCommand(context: CommandContext): Command {
  return new Command('logs').description("Show what a pod's container wrote.")
    .argument('<pod>', 'the pod, as NAME or pod/NAME')
    .option('-n, --namespace <namespace>', 'where the pod is', 'default')
    .option('-c, --container <container>', 'which container (default: the only one, or the one the pod names as default)')
    .option('-f, --follow', 'go on until the container ends', false)
    .addOption(new Option('--tail <lines>', 'only so many lines from the end').argParser(parseCount))
    .addOption(new Option('--since <duration>', 'only what is younger than this, such as 30s or 5m').argParser(parseDuration))
    .option('-p, --previous', 'of the container before its last restart', false)
    .option('--timestamps', 'with the time of each line', false)
    .addOption(nameOption())
    .action((pod: string, options: LogsOptions) => withSession(placesFor(context, options), (session) => logs(context, session, pod.replace(/^pods?\//, ''), options)));
}

export async function logs(context: CommandContext, session: Session, pod: string, options: LogsOptions): Promise<void> {
  const container = options.container ?? (await defaultContainer(session, options.namespace, pod));
  const { follow, previous, timestamps, tail, since } = options;
  const request = {
    ...(container && { container }), ...(follow && { follow }), ...(previous && { previous }), ...(timestamps && { timestamps }),
    ...(tail !== undefined && { tailLines: tail }), ...(since !== undefined && { sinceSeconds: Math.max(1, Math.ceil(since / 1000)) }),
  };
  for await (const chunk of openPodLog(session.channel, options.namespace, pod, request, follow ? context.signal : undefined)) {
    if (!process.stdout.write(chunk)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

/** The one that kubectl takes too: named by annotation, else the first; the server is asked only where there are several. */
async function defaultContainer(session: Session, namespace: string, name: string): Promise<string | undefined> {
  const pod = await session.get(await session.kind('pods'), namespace, name);
  const annotations = ((pod.metadata as JsonObject).annotations ?? {}) as Record<string, string>;
  const containers = ((pod.spec as JsonObject).containers ?? []) as { name: string }[];
  const chosen = annotations['kubectl.kubernetes.io/default-container'] ?? containers[0]?.name;
  if (containers.length > 1) process.stderr.write(`Defaulted container "${chosen}" out of: ${containers.map((container) => container.name).join(', ')}\n`);
  return chosen;
}
