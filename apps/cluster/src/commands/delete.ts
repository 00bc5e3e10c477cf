import { isNotFound } from '@navarch/base';
import { Command, Option } from 'commander';

import { parseCount, parseDuration, parseTargets } from '../api/arguments';
import { readManifests } from '../api/manifests';
import type { Kind } from '../api/kinds';
import { withSession, type Session } from '../api/session';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

interface DeleteCommandOptions extends NameOption {
  readonly filename?: readonly string[];
  readonly namespace: string;
  readonly gracePeriod?: number;
  readonly wait: boolean;
  readonly timeout: number;
}

interface Doomed {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

export function deleteCommand(context: CommandContext): Command {
  return new Command('delete').description('Delete objects and wait until they are gone.')
    .argument('[target...]', 'KIND NAME… or KIND/NAME…')
    .option('-f, --filename <path...>', 'the objects of these manifests')
    .option('-n, --namespace <namespace>', 'where the objects are', 'default')
    .addOption(new Option('--grace-period <seconds>', 'how long a pod may take to end; 0 ends it at once').argParser(parseCount))
    .option('--no-wait', 'do not wait until they are gone')
    .addOption(new Option('--timeout <duration>', 'how long to wait for each').argParser(parseDuration).default(120_000, '2m'))
    .addOption(nameOption())
    .action((words: string[], options: DeleteCommandOptions) => withSession(placesFor(context, options), async (session) => {
      for (const doomed of await targetsOf(session, words, options)) await deleteOne(context, session, doomed, options);
    }));
}

async function targetsOf(session: Session, words: readonly string[], options: DeleteCommandOptions): Promise<Doomed[]> {
  const place = (kind: Kind, namespace = options.namespace): string => (kind.namespaced ? namespace : '');
  if (options.filename) {
    const manifests = options.filename.flatMap(readManifests).reverse();
    return Promise.all(manifests.map(async ({ apiVersion, kind: kindName, namespace, name }) => {
      const kind = await session.kindOf(apiVersion, kindName);
      return { kind, name, namespace: place(kind, namespace) };
    }));
  }
  return Promise.all(parseTargets(words).map(async ({ kind: word, name }) => {
    if (!name) throw new Error(`name the ${word} to delete`);
    const kind = await session.kind(word);
    return { kind, name, namespace: place(kind) };
  }));
}

async function deleteOne(context: CommandContext, session: Session, { kind, namespace, name }: Doomed, options: DeleteCommandOptions): Promise<void> {
  const { gracePeriod: gracePeriodSeconds, wait, timeout } = options;
  const last = await session.delete(kind, namespace, name, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });
  if (wait) await waitUntilGone(session, { kind, namespace, name }, (last.metadata as { uid?: string } | undefined)?.uid, timeout);
  context.write(`${kind.singular} "${name}" deleted\n`);
}

async function waitUntilGone(session: Session, { kind, namespace, name }: Doomed, uid: string | undefined, timeoutMs: number): Promise<void> {
  const fieldSelector = `metadata.name=${name}`;
  const { items, resourceVersion } = await session.list(kind, { ...(namespace && { namespace }), fieldSelector });
  if (!items.some((item) => (item.metadata as { uid?: string }).uid === uid)) return;
  try {
    for await (const { type } of session.watch(kind, { ...(namespace && { namespace }), fieldSelector, resourceVersion }, AbortSignal.timeout(timeoutMs))) {
      if (type === 'DELETED') return;
    }
  } catch (error) {
    if (isNotFound(error)) return;
    throw new Error(`${kind.singular} "${name}" is being deleted, but is not gone after ${timeoutMs / 1000} s`, { cause: error });
  }
}
