import { Command, Option } from 'commander';

import { parseTargets } from '../api/arguments';
import { withSession, type Session } from '../api/session';
import { showTrace, traceForms, type TraceForm } from '../trace';
import { findCreation, spanFilesIn } from '../trace/span-files';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

export interface TraceOptions extends NameOption {
  readonly namespace: string;
  readonly output: TraceForm;
}

/** Where the apiserver notes, on each pod, the trace that made it. */
const traceIdAnnotation = 'navarch.io/trace-id';

export function traceCommand(context: CommandContext): Command {
  return new Command('trace').description('Draw the trace of a pod, from the request that made it to its first Ready, with the time spent in each hop; or of anything else, as far as it went.')
    .argument('<object>', 'a pod as NAME, any object as KIND/NAME, or the 32 hex digits of a trace id')
    .option('-n, --namespace <namespace>', 'where the object is', 'default')
    .addOption(new Option('-o, --output <form>', 'a drawing in text, the spans as OTLP JSON, or a page for the browser').choices(traceForms).default('text'))
    .addOption(nameOption())
    .action(async (target: string, options: TraceOptions) => {
      const traceId = /^[0-9a-f]{32}$/.test(target) ? target : await withSession(placesFor(context, options), (session) => traceIdOf(session, placesFor(context, options).spans, options.namespace, target));
      context.write(await drawTrace(context, options, traceId));
    });
}

export function drawTrace(context: CommandContext, options: TraceOptions, traceId: string): Promise<string> {
  const { isTTY, columns } = process.stdout;
  return showTrace({ directory: placesFor(context, options).spans, traceId, form: options.output, width: columns || 120, colour: isTTY && !process.env.NO_COLOR });
}

/** Of the request that made the object: pods note it themselves, for others it is looked for in the span files. */
export async function traceIdOf(session: Session, spans: string, namespace: string, target: string): Promise<string> {
  const [{ kind: word, name } = { kind: '', name: undefined }] = parseTargets([target.includes('/') ? target : `pod/${target}`]);
  const kind = await session.kind(word);
  const { metadata } = await session.get(kind, kind.namespaced ? namespace : '', name ?? '');
  const { uid = '', annotations } = metadata as { uid?: string; annotations?: Record<string, string> };
  const traceId = kind.plural === 'pods' && kind.group === '' ? annotations?.[traceIdAnnotation] : await findCreation(await spanFilesIn(spans), `k8s.${kind.singular}.uid`, uid);
  if (!traceId) throw new Error(`nothing tells which trace made ${kind.singular} "${name}": it was made without tracing, or longer ago than the span files go back`);
  return traceId;
}
