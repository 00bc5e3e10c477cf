import type { JsonObject } from '@navarch/api';
import { Command } from 'commander';
import { stringify } from 'yaml';

import { parseTargets } from '../api/arguments';
import { withSession, type Session } from '../api/session';
import { formatAge, formatTable } from '../api/table';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

interface DescribeOptions extends NameOption {
  readonly namespace: string;
}

export function describeCommand(context: CommandContext): Command {
  return new Command('describe').description('Show an object and the events about it.')
    .argument('<target...>', 'KIND NAME… or KIND/NAME…')
    .option('-n, --namespace <namespace>', 'where the objects are', 'default')
    .addOption(nameOption())
    .action((words: string[], options: DescribeOptions) => withSession(placesFor(context, options), async (session) => {
      for (const { kind: word, name } of parseTargets(words)) {
        if (!name) throw new Error(`name the ${word} to describe`);
        const kind = await session.kind(word);
        const object = await session.get(kind, kind.namespaced ? options.namespace : '', name);
        context.write(`${readable(object)}${await eventsOf(session, object, context.clock.now())}\n`);
      }
    }));
}

/** What people look for: without bookkeeping, and without what a Secret hides. */
function readable(object: JsonObject): string {
  const { metadata, ...rest } = object as { metadata: JsonObject } & JsonObject;
  const { managedFields: _managedFields, resourceVersion: _resourceVersion, ...shown } = metadata;
  if (object.kind === 'Secret') rest.data = Object.fromEntries(Object.entries((object.data ?? {}) as Record<string, string>).map(([key, value]) => [key, `${Buffer.from(value, 'base64').length} bytes`]));
  return stringify({ ...rest, metadata: shown }, { lineWidth: 0, aliasDuplicateObjects: false, sortMapEntries: byImportance });
}

const order = ['kind', 'apiVersion', 'metadata', 'spec', 'data', 'status', 'name', 'namespace'];
const rank = (key: unknown): number => (order.indexOf(String(key)) + 1) || order.length + 1;
const byImportance = (a: { key: unknown }, b: { key: unknown }): number => rank(a.key) - rank(b.key);

interface Event {
  readonly type?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string;
  readonly lastTimestamp?: string;
  readonly eventTime?: string;
  readonly source?: { readonly component?: string };
  readonly reportingComponent?: string;
}

async function eventsOf(session: Session, object: JsonObject, nowMs: number): Promise<string> {
  const { uid, namespace } = object.metadata as { uid?: string; namespace?: string };
  const { items } = await session.list(await session.kind('events'), { ...(namespace && { namespace }), fieldSelector: `involvedObject.uid=${uid}` });
  const events = (items as unknown as Event[]).map((event) => ({ event, atMs: Date.parse(event.lastTimestamp ?? event.eventTime ?? event.firstTimestamp ?? '') }))
    .sort((a, b) => a.atMs - b.atMs);
  if (events.length === 0) return 'Events: none';
  return `Events:\n${formatTable([['TYPE', 'REASON', 'AGE', 'FROM', 'MESSAGE'], ...events.map(({ event, atMs }) => [
    event.type ?? '', event.reason ?? '', `${formatAge(nowMs - atMs)}${(event.count ?? 1) > 1 ? ` (x${event.count})` : ''}`, event.source?.component ?? event.reportingComponent ?? '', event.message ?? '',
  ])])}`;
}
