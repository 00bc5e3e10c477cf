import { isApiError, sleep, toError } from '@navarch/base';
import type { Container, HTTPGetAction, LifecycleHandler, Pod, TCPSocketAction } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { IntOrString } from '@navarch/proto/k8s/io/apimachinery/pkg/util/intstr/intstr';

import type { PodContext } from './pod-context';

/** What a hook or probe acts upon. */
export interface HandlerTarget {
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string | undefined;
}

export type HandlerResult = { readonly ok: true; readonly output: string } | { readonly ok: false; readonly output: string; readonly errored?: boolean };

const maxOutput = 10_240;

/** A port by number, or by the name one of the container's ports has. */
export function portOf(container: Container, port: IntOrString | undefined): number | undefined {
  // IntOrString's type 1 is a string.
  const named = port?.type === 1 ? container.ports?.find((entry) => entry.name === port.strVal)?.containerPort ?? Number.parseInt(port.strVal ?? '', 10) : port?.intVal;
  return named !== undefined && named > 0 && named < 65_536 ? named : undefined;
}

export async function execHandler({ runtime }: PodContext, target: HandlerTarget, command: readonly string[], timeoutSeconds: number, signal?: AbortSignal): Promise<HandlerResult> {
  try {
    const result = await runtime.execSync(target.containerId, command, timeoutSeconds, { signal });
    const output = Buffer.concat([result.stdout, result.stderr]).toString('utf8').slice(0, maxOutput);
    return result.exitCode === 0 ? { ok: true, output } : { ok: false, output: output || `command exited with ${result.exitCode}` };
  } catch (error) {
    if (isApiError(error) && error.reason === 'Timeout') return { ok: false, output: `command timed out: "${command.join(' ')}" timed out after ${timeoutSeconds}s` };
    return { ok: false, errored: true, output: toError(error).message };
  }
}

export async function httpHandler({ host }: PodContext, target: HandlerTarget, action: HTTPGetAction, timeoutMs: number): Promise<HandlerResult & { readonly status?: number }> {
  const port = portOf(target.container, action.port);
  const address = action.host ?? target.podIp;
  if (port === undefined || !address) return { ok: false, errored: true, output: port === undefined ? 'port not found in container' : 'pod has no address' };
  const headers = (action.httpHeaders ?? []).map((header) => [header.name ?? '', header.value ?? ''] as const);
  try {
    const { status, body } = await host.network.httpGet({ scheme: action.scheme === 'HTTPS' ? 'HTTPS' : 'HTTP', host: address, port, path: action.path ?? '/', headers }, timeoutMs);
    return status >= 200 && status < 400 ? { ok: true, output: body, status } : { ok: false, output: `HTTP probe failed with statuscode: ${status}`, status };
  } catch (error) {
    return { ok: false, output: toError(error).message };
  }
}

export async function tcpHandler({ host }: PodContext, target: HandlerTarget, action: TCPSocketAction, timeoutMs: number): Promise<HandlerResult> {
  const port = portOf(target.container, action.port);
  const address = action.host ?? target.podIp;
  if (port === undefined || !address) return { ok: false, errored: true, output: port === undefined ? 'port not found in container' : 'pod has no address' };
  try {
    await host.network.connect(address, port, timeoutMs);
    return { ok: true, output: '' };
  } catch (error) {
    return { ok: false, output: toError(error).message };
  }
}

/** A postStart or preStop hook; rejects with what went wrong. */
export async function runHook(context: PodContext, target: HandlerTarget, hook: LifecycleHandler, timeoutMs: number, signal: AbortSignal): Promise<void> {
  if (hook.sleep) return sleep(context.clock, Math.min(timeoutMs, (hook.sleep.seconds ?? 0) * 1000), signal);
  const result = hook.exec ? await execHandler(context, target, hook.exec.command ?? [], Math.ceil(timeoutMs / 1000), signal)
    : hook.httpGet ? await httpHandler(context, target, hook.httpGet, timeoutMs)
      : { ok: false, output: 'the hook names no handler' };
  // A hook's server may answer what it likes, as long as it answers.
  if (!result.ok && !('status' in result && result.status !== undefined)) throw new Error(result.output);
}
