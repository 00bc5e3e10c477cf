import { isNotFound } from '@navarch/base';
import type { JsonObject } from '@navarch/api';
import { Command } from 'commander';

import { readManifests, type Manifest } from '../api/manifests';
import { planApply, withLastApplied } from '../api/plan-apply';
import { withSession, type Session } from '../api/session';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

interface ApplyOptions extends NameOption {
  readonly filename: readonly string[];
  readonly namespace: string;
}

export function applyCommand(context: CommandContext): Command {
  return new Command('apply').description('Make the objects of manifests what the manifests say: create those that are missing, change what differs.')
    .requiredOption('-f, --filename <path...>', 'files (YAML or JSON, any number of documents), directories, or - for standard input')
    .option('-n, --namespace <namespace>', 'for objects that name none', 'default')
    .addOption(nameOption())
    .action((options: ApplyOptions) => withSession(placesFor(context, options), async (session) => {
      for (const manifest of options.filename.flatMap(readManifests)) context.write(`${await applyManifest(session, manifest, options.namespace)}\n`);
    }));
}

/** Applies one manifest; answers what happened, such as `pod/web created`. */
export async function applyManifest(session: Session, manifest: Manifest, defaultNamespace: string): Promise<string> {
  const kind = await session.kindOf(manifest.apiVersion, manifest.kind);
  const namespace = kind.namespaced ? manifest.namespace ?? defaultNamespace : '';
  const title = `${kind.singular}/${manifest.name}`;
  const live = await session.get(kind, namespace, manifest.name).catch((error: unknown) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (!live) {
    await session.create(kind, namespace, withLastApplied(manifest.object));
    return `${title} created`;
  }
  const patch = planApply(manifest.object, live);
  if (!patch) return `${title} unchanged`;
  const patched = await session.mergePatch(kind, namespace, manifest.name, patch);
  return `${title} ${versionOf(patched) === versionOf(live) ? 'unchanged' : 'configured'}`;
}

const versionOf = (object: JsonObject): unknown => (object.metadata as JsonObject | undefined)?.resourceVersion;
