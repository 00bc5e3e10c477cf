import type { ApiObject, Column, JsonObject, Resource } from '@navarch/api';
import { timeToMs } from '@navarch/api';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';

import { parseTargets, type Target } from '../api/arguments';
import type { Kind } from '../api/kinds';
import { withSession, type Selection, type Session } from '../api/session';
import { columnWidths, formatAge, formatTable, tableHeader, tableRow, type TableOptions } from '../api/table';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

export interface GetOptions extends NameOption {
  readonly namespace: string;
  readonly allNamespaces: boolean;
  readonly output?: 'yaml' | 'json' | 'wide' | 'name';
  readonly watch: boolean;
  readonly selector?: string;
  readonly fieldSelector?: string;
}

export function getCommand(context: CommandContext): Command {
  return new Command('get').description('Show objects.')
    .argument('<target...>', 'KIND[,KIND…] [NAME…] or KIND/NAME…; a kind by its plural, singular or short name, such as pods, pod, po')
    .option('-n, --namespace <namespace>', 'where the objects are', 'default')
    .option('-A, --all-namespaces', 'in every namespace', false)
    .addOption(new Option('-o, --output <format>', 'how to show them').choices(['yaml', 'json', 'wide', 'name']))
    .option('-w, --watch', 'go on showing changes until interrupted', false)
    .option('-l, --selector <labels>', 'only those whose labels fit, such as app=web,tier!=test')
    .option('--field-selector <fields>', 'only those whose fields fit, such as spec.nodeName=node-1')
    .addOption(nameOption())
    .action((words: string[], options: GetOptions) => withSession(placesFor(context, options), (session) => get(context, session, parseTargets(words), options)));
}

interface Found {
  readonly kind: Kind;
  readonly items: readonly JsonObject[];
  readonly resourceVersion: string;
}

export async function get(context: CommandContext, session: Session, targets: readonly Target[], options: GetOptions): Promise<void> {
  const groups = await Promise.all(targets.map((target) => find(session, target, options)));
  const named = targets.some(({ name }) => name !== undefined);
  if (options.output === 'yaml' || options.output === 'json') printObjects(context, groups, named, options.output);
  else if (options.output === 'name') context.write(groups.flatMap(({ kind, items }) => items.map((item) => `${kind.singular}/${nameOf(item)}\n`)).join(''));
  else printTables(context, session, mergeByKind(groups), options);
  if (!options.watch) return;
  const [first, second] = mergeByKind(groups);
  if (!first || second) throw new Error('--watch follows one kind');
  await follow(context, session, first, targets[0]?.name, options);
}

async function find(session: Session, { kind: word, name }: Target, options: GetOptions): Promise<Found> {
  const kind = await session.kind(word);
  const namespace = kind.namespaced ? options.namespace : '';
  if (name !== undefined) {
    if (options.allNamespaces) throw new Error('an object is in one namespace: name it with -n instead of -A');
    const item = await session.get(kind, namespace, name);
    return { kind, items: [item], resourceVersion: String((item.metadata as JsonObject).resourceVersion) };
  }
  return { kind, ...(await session.list(kind, selectionOf(kind, options))) };
}

function selectionOf(kind: Kind, { namespace, allNamespaces, selector, fieldSelector }: GetOptions): Selection {
  return {
    ...(kind.namespaced && !allNamespaces && { namespace }),
    ...(selector && { labelSelector: selector }), ...(fieldSelector && { fieldSelector }),
  };
}

function mergeByKind(groups: readonly Found[]): Found[] {
  const merged = new Map<string, Found>();
  for (const group of groups) {
    const key = `${group.kind.group}/${group.kind.plural}`;
    merged.set(key, { ...group, items: [...(merged.get(key)?.items ?? []), ...group.items] });
  }
  return [...merged.values()];
}

function printObjects(context: CommandContext, groups: readonly Found[], named: boolean, format: 'yaml' | 'json'): void {
  const items = groups.flatMap((group) => group.items);
  const value = named && items.length === 1 ? items[0] : { apiVersion: 'v1', kind: 'List', items, metadata: { resourceVersion: '' } };
  context.write(format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { aliasDuplicateObjects: false, lineWidth: 0 }));
}

function printTables(context: CommandContext, session: Session, groups: readonly Found[], options: GetOptions): void {
  if (groups.every(({ items }) => items.length === 0)) {
    process.stderr.write(options.allNamespaces || groups.every(({ kind }) => !kind.namespaced) ? 'No resources found\n' : `No resources found in ${options.namespace} namespace.\n`);
    return;
  }
  const tables = groups.filter(({ items }) => items.length > 0).map(({ kind, items }) => {
    const { columns, read } = viewOf(session.known(kind));
    const table = tableOptions(context, kind, options, groups.length > 1);
    return formatTable([tableHeader(columns, table), ...items.map((item) => tableRow(read(item), columns, table))]);
  });
  context.write(`${tables.join('\n\n')}\n`);
}

function tableOptions({ clock }: CommandContext, kind: Kind, options: GetOptions, several: boolean): TableOptions {
  return { wide: options.output === 'wide', withNamespace: options.allNamespaces && kind.namespaced, nowMs: clock.now(), ...(several && { prefix: kind.singular }) };
}

async function follow(context: CommandContext, session: Session, { kind, items, resourceVersion }: Found, name: string | undefined, options: GetOptions): Promise<void> {
  const selection = { ...selectionOf(kind, options), ...(name && { fieldSelector: `metadata.name=${name}` }), resourceVersion };
  const { columns, read } = viewOf(session.known(kind));
  const first = tableOptions(context, kind, options, false);
  const widths = columnWidths([tableHeader(columns, first), ...items.map((item) => tableRow(read(item), columns, first))]);
  for await (const { object } of session.watch(kind, selection, context.signal)) {
    if (options.output === 'yaml' || options.output === 'json') printObjects(context, [{ kind, items: [object], resourceVersion: '' }], true, options.output);
    else if (options.output === 'name') context.write(`${kind.singular}/${nameOf(object)}\n`);
    else context.write(`${formatTable([tableRow(read(object), columns, tableOptions(context, kind, options, false))], widths)}\n`);
  }
}

const nameOf = (object: JsonObject): string => String((object.metadata as JsonObject | undefined)?.name ?? '');

/** Columns and reader of a kind; custom resources have name and age. */
function viewOf(resource: Resource | undefined): { columns: readonly Column<ApiObject>[]; read(object: JsonObject): ApiObject } {
  if (resource) return { columns: resource.columns, read: (object) => resource.codec.fromJson(object, { fieldValidation: 'Ignore' }) };
  return { columns: plainColumns, read: plainObject };
}

const plainColumns: readonly Column<ApiObject>[] = [
  { name: 'Name', type: 'string', format: 'name', value: ({ metadata }) => metadata?.name ?? '' },
  { name: 'Age', type: 'date', value: ({ metadata }, nowMs) => (metadata?.creationTimestamp ? formatAge(nowMs - timeToMs(metadata.creationTimestamp)) : '<unknown>') },
];

function plainObject(object: JsonObject): ApiObject {
  const { name, namespace, creationTimestamp } = (object.metadata ?? {}) as { name?: string; namespace?: string; creationTimestamp?: string };
  const seconds = creationTimestamp === undefined ? undefined : Date.parse(creationTimestamp) / 1000;
  return { metadata: { name, namespace, ...(seconds !== undefined && { creationTimestamp: { seconds } }) } };
}
