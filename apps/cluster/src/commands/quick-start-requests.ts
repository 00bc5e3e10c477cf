/** The end of the quick start: requests through its Service, from wherever someone may ask, until each pod has answered. */
import { get as httpGet } from 'node:http';

import type { JsonObject } from '@navarch/api';
import { sleep, toError } from '@navarch/base';

import type { Session } from '../api/session';
import type { CommandContext } from './context';
import { execInPod } from './exec';

const pollMs = 200;
const requestSeconds = 5;
/** Each request meets any of two pods: that so many in a row meet the same one happens once in a million quick starts. */
const maxAnswers = 20;

export interface Asked {
  /** What a person would type to ask the same. */
  readonly command: string;
  ask(): Promise<string>;
}

/** By name from a pod, by a node's port from a pod, and from this machine. */
export async function waysToAsk(session: Session, namespace: string, service: string, pods: readonly string[], more: string): Promise<Asked[]> {
  const { spec } = await session.get(await session.kind('services'), namespace, service);
  const nodePort = (spec as { ports: { nodePort: number }[] }).ports[0]?.nodePort ?? 0;
  const [first = '', second = first] = pods;
  const { status } = await session.get(await session.kind('pods'), namespace, second);
  const fromPod = (url: string): Asked => ({ command: `navarch exec ${first}${more} -- wget -qO- ${url}`, ask: () => askFromPod(session, namespace, first, url) });
  const fromHere = `http://127.0.0.1:${nodePort}`;
  return [fromPod(`http://${service}`), fromPod(`http://${String((status as JsonObject).hostIP)}:${nodePort}`), { command: `curl ${fromHere}`, ask: () => askFromHere(fromHere) }];
}

/** Asks until all pods have answered, and shows each pod's answer; throws with what went wrong last where that takes too long. */
export async function askUntilAllAnswered(context: CommandContext, { command, ask }: Asked, pods: readonly string[], timeoutMs: number): Promise<void> {
  const silent = new Set(pods);
  let failure = '';
  const deadline = context.clock.monotonic() + timeoutMs;
  for (let answers = 0; silent.size > 0 && answers < maxAnswers;) {
    const answer = await ask().catch((error: unknown) => {
      failure = toError(error).message;
      return undefined;
    });
    if (answer === undefined) {
      if (context.clock.monotonic() > deadline) throw new Error(`"${command}" fails after ${timeoutMs / 1000} s: ${failure}`);
      await sleep(context.clock, pollMs, context.signal);
      continue;
    }
    answers += 1;
    const pod = [...silent].find((name) => answer.includes(`from ${name} `));
    if (pod !== undefined && silent.delete(pod)) context.write(answer);
  }
  if (silent.size > 0) throw new Error(`"${command}" was answered ${maxAnswers} times, but never by ${[...silent].join(', ')}`);
}

async function askFromPod(session: Session, namespace: string, pod: string, url: string): Promise<string> {
  let [stdout, stderr] = ['', ''];
  const output = { stdout: (data: Buffer) => { stdout += data.toString(); }, stderr: (data: Buffer) => { stderr += data.toString(); } };
  const code = await execInPod(session, pod, ['timeout', String(requestSeconds), 'wget', '-qO-', url], { namespace }, output);
  if (code !== 0) throw new Error(stderr.trim() || `exit code ${code}`);
  return stdout;
}

/** Each time by a connection of its own: a Service balances connections. */
function askFromHere(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = httpGet(url, { agent: false, timeout: requestSeconds * 1000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk; }).on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else reject(new Error(`HTTP status ${response.statusCode}`));
      }).on('error', reject);
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error(`no answer within ${requestSeconds} s`)));
  });
}
