import { errorOfStatus } from '@navarch/service';
import { PodServiceService } from '@navarch/proto/navarch/core/v1/pod_service';
import type { ExecPodRequest } from '@navarch/proto/navarch/core/v1/pod_service';
import { Command } from 'commander';

import { withSession, type Session } from '../api/session';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

export interface ExecOptions {
  readonly namespace: string;
  readonly container?: string;
  /** What the command reads; nothing where absent. */
  readonly input?: AsyncIterable<Uint8Array>;
}

export interface ExecOutput {
  stdout(data: Buffer): void;
  stderr(data: Buffer): void;
}

export function execCommand(context: CommandContext): Command {
  return new Command('exec').description('Run a command in a container of a pod; ends with its exit code.')
    .argument('<pod>', 'the pod, as NAME or pod/NAME')
    .argument('<command...>', 'the program and its arguments, after --')
    .option('-n, --namespace <namespace>', 'where the pod is', 'default')
    .option('-c, --container <container>', 'which container (default: the only one, or the one the pod names as default)')
    .option('-i, --stdin', 'pass standard input on', false)
    .addOption(nameOption())
    .action((pod: string, command: string[], options: NameOption & { namespace: string; container?: string; stdin: boolean }) => withSession(placesFor(context, options), async (session) => {
      const output: ExecOutput = { stdout: (data) => void process.stdout.write(data), stderr: (data) => void process.stderr.write(data) };
      const { stdin, ...rest } = options;
      process.exitCode = await execInPod(session, pod.replace(/^pods?\//, ''), command, { ...rest, ...(stdin && { input: process.stdin }) }, output);
    }));
}

/** Answers the command's exit code; throws an ApiError where it did not run. */
export async function execInPod(session: Session, name: string, command: readonly string[], { namespace, container, input }: ExecOptions, output: ExecOutput): Promise<number> {
  const options = { command: [...command], stdout: true, stderr: true, ...(input && { stdin: true }), ...(container !== undefined && { container }) };
  const requests = async function* (): AsyncGenerator<ExecPodRequest> {
    yield { namespace, name, options };
    if (!input) return;
    for await (const data of input) yield { input: { stdin: Buffer.from(data) } };
    yield { input: { stdinClosed: true } };
  };
  for await (const { output: { stdout, stderr, status } = {} } of session.channel.bidi(PodServiceService.exec, requests())) {
    if (stdout) output.stdout(Buffer.from(stdout));
    if (stderr) output.stderr(Buffer.from(stderr));
    if (!status) continue;
    const code = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
    if (code === undefined && status.status !== 'Success') throw errorOfStatus(status);
    return Number(code ?? 0);
  }
  throw new Error(`the connection to pod "${name}" ended before the command did`);
}
