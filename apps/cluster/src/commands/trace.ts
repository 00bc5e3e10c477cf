import type { JsonObject } from '@navarch/api';
import { Command } from 'commander';

import { parseTargets } from '../api/arguments';
import { withSession, type Session } from '../api/session';
import { showTrace } from '../trace';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

export interface TraceOptions extends NameOption {
  readonly namespace: string;
  readonly json: boolean;
}

/** Where the apiserver notes, on each pod, the trace that made it. */
const traceIdAnnotation = 'navarch.io/trace-id';

export function traceCommand(context: CommandContext): Command {
  return new Command('trace').description('Draw the trace of a pod, from the request that made it to its first Ready, with the time spent in each hop.')
    .argument('<pod>', 'the pod, as pod/NAME or NAME, or the 32 hex digits of a trace id')
    .option('-n, --namespace <namespace>', 'where the pod is', 'default')
    .option('--json', 'the spans as OTLP JSON instead', false)
    .addOption(nameOption())
    .action(async (target: string, options: TraceOptions) => {
      const traceId = /^[0-9a-f]{32}$/.test(target) ? target : await withSession(placesFor(context, options), (session) => traceIdOfPod(session, options.namespace, target));
      context.write(await drawTrace(context, options, traceId));
    });
}

export function drawTrace(context: CommandContext, options: TraceOptions, traceId: string): Promise<string> {
  const { isTTY, columns } = process.stdout;
  return showTrace({ directory: placesFor(context, options).spans, traceId, json: options.json, width: columns || 120, colour: isTTY && !process.env.NO_COLOR });
}

export async function traceIdOfPod(session: Session, namespace: string, target: string): Promise<string> {
  const [{ kind, name } = { kind: '', name: undefined }] = parseTargets([target.includes('/') ? target : `pod/${target}`]);
  const pods = await session.kind('pods');
  if (!name || (await session.kind(kind)).plural !== pods.plural) throw new Error(`only pods have a trace of their own, not "${target}"`);
  const pod = await session.get(pods, namespace, name);
  const traceId = ((pod.metadata as JsonObject).annotations as Record<string, string> | undefined)?.[traceIdAnnotation];
  if (!traceId) throw new Error(`pod "${name}" has no annotation ${traceIdAnnotation}: it was made without tracing`);
  return traceId;
}
