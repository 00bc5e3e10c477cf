import { join } from 'node:path';

import type { JsonObject } from '@navarch/api';
import { sleep } from '@navarch/base';
import { Command, Option } from 'commander';

import { parseDuration } from '../api/arguments';
import { readManifests } from '../api/manifests';
import { withSession, type Session } from '../api/session';
import { readTrace, spanFilesIn } from '../trace/span-files';
import { applyManifest } from './apply';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';
import { get } from './get';
import { logs } from './logs';
import { askUntilAllAnswered, waysToAsk } from './quick-start-requests';
import { drawTrace, traceIdOf } from './trace';

const namespace = 'default';
const pollMs = 100;
const spansTimeoutMs = 8_000;

interface QuickStartOptions extends NameOption {
  readonly timeout: number;
}

export function quickStartCommand(context: CommandContext): Command {
  return new Command('quick-start').description('Run the pods and the Service of k8s-manifests/quick-start on the running cluster; show them, a line of their log and their traces, and requests that they serve.')
    .addOption(nameOption())
    .addOption(new Option('--timeout <duration>', 'how long the pods may take to be Ready').argParser(parseDuration).default(60_000, '60s'))
    .action((options: QuickStartOptions) => withSession(placesFor(context, options), (session) => quickStart(context, session, options)));
}

async function quickStart(context: CommandContext, session: Session, options: QuickStartOptions): Promise<void> {
  const more = options.name === 'default' ? '' : ` --name ${options.name}`;
  const command = (text: string): void => context.write(`\n$ navarch ${text}${more}\n`);
  const manifests = readManifests(join(context.root, 'k8s-manifests', 'quick-start'));
  command('apply -f k8s-manifests/quick-start');
  for (const manifest of manifests) context.write(`${await applyManifest(session, manifest, namespace)}\n`);
  const named = (wanted: string): string[] => manifests.filter(({ kind }) => kind === wanted).map(({ name }) => name);
  const [pods, [service = '']] = [named('Pod'), named('Service')];
  await context.progress.step(`Pods Ready: ${pods.join(', ')}`, (update) => waitForPods(context, session, pods, options.timeout, update));
  const common = { name: options.name, namespace };
  command('get pods -o wide');
  await get(context, session, [{ kind: 'pods' }], { ...common, allNamespaces: false, watch: false, output: 'wide' });
  for (const pod of pods) {
    command(`logs ${pod}`);
    await logs(context, session, pod, { ...common, follow: false, previous: false, timestamps: false });
  }
  await drawTraceOf(context, session, options, command, 'pod', pods[0] ?? '', (names) => names.has('kubelet.ready') && names.has('scheduler.schedule'));
  for (const asked of await waysToAsk(session, namespace, service, pods, more)) {
    context.write(`\n$ ${asked.command}\n`);
    await askUntilAllAnswered(context, asked, pods, options.timeout);
  }
  command('get services,endpointslices');
  await get(context, session, [{ kind: 'services' }, { kind: 'endpointslices' }], { ...common, allNamespaces: false, watch: false });
  await drawTraceOf(context, session, options, command, 'service', service, (names) => names.has('proxy.kernel'));
}

async function drawTraceOf(
  context: CommandContext, session: Session, options: QuickStartOptions, command: (text: string) => void, kind: string, name: string, isWhole: (spans: ReadonlySet<string>) => boolean,
): Promise<void> {
  command(`trace ${kind}/${name}`);
  const { spans: directory } = placesFor(context, options);
  const traceId = await waitForTrace(context, directory, () => traceIdOf(session, directory, namespace, `${kind}/${name}`), isWhole);
  context.write(`${await drawTrace(context, { name: options.name, namespace, output: 'text' }, traceId)}\n`);
}

/** Processes write their spans some time after they ended; a trace that stays incomplete is drawn as it is. */
async function waitForTrace(context: CommandContext, directory: string, find: () => Promise<string>, isWhole: (spans: ReadonlySet<string>) => boolean): Promise<string> {
  for (const deadline = context.clock.monotonic() + spansTimeoutMs; ;) {
    const late = context.clock.monotonic() >= deadline;
    try {
      const traceId = await find();
      const { spans } = await readTrace(await spanFilesIn(directory), traceId);
      if (late || isWhole(new Set(spans.map(({ name }) => name)))) return traceId;
    } catch (error) {
      if (late) throw error;
    }
    await sleep(context.clock, pollMs, context.signal);
  }
}

async function waitForPods(context: CommandContext, session: Session, names: readonly string[], timeoutMs: number, update: (detail: string) => void): Promise<void> {
  const deadline = context.clock.monotonic() + timeoutMs;
  const kind = await session.kind('pods');
  for (;;) {
    const { items } = await session.list(kind, { namespace });
    const waiting = names.map((name) => [name, stateOf(items.find((item) => (item.metadata as JsonObject).name === name))]).filter(([, state]) => state !== 'Ready');
    if (waiting.length === 0) return;
    const text = waiting.map(([name, state]) => `${name}: ${state}`).join(', ');
    update(text);
    if (context.clock.monotonic() > deadline) throw new Error(`after ${timeoutMs / 1000} s ${text}; "navarch describe pod ${waiting[0]?.[0]}" tells more`);
    await sleep(context.clock, pollMs, context.signal);
  }
}

/** Ready, or what a pod that is not waits for. */
function stateOf(pod: JsonObject | undefined): string {
  const status = (pod?.status ?? {}) as { phase?: string; conditions?: { type: string; status: string; message?: string }[]; containerStatuses?: { state?: { waiting?: { reason?: string; message?: string } } }[] };
  if (!pod) return 'missing';
  if (status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True')) return 'Ready';
  const unscheduled = status.conditions?.find(({ type, status: value }) => type === 'PodScheduled' && value === 'False');
  const waiting = status.containerStatuses?.map(({ state }) => state?.waiting).find((state) => state?.reason);
  return unscheduled?.message ?? ([waiting?.reason, waiting?.message].filter(Boolean).join(': ') || (status.phase ?? 'Pending'));
}
