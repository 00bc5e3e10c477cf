import { codecFor } from '@navarch/api';
import type { Pod, PodAttachOptions, PodExecOptions, PodPortForwardOptions } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { CommandStreams } from '@navarch/streaming';

import { badRequest } from '../errors';
import type { Subresource, SubresourceContext } from '../kind-extension';
import type { Session } from '../request';
import type { KubeletConnector, KubeletPodRequest } from './kubelet-connector';
import { chooseContainer, nodeOf, readOptions } from './reach';

const execCodec = codecFor<PodExecOptions>('k8s.io.api.core.v1.PodExecOptions');
const attachCodec = codecFor<PodAttachOptions>('k8s.io.api.core.v1.PodAttachOptions');
const portForwardCodec = codecFor<PodPortForwardOptions>('k8s.io.api.core.v1.PodPortForwardOptions');

/**
 * exec, attach and portforward of a pod. Whoever may use them acts inside the container, so that the verb is always `create`, also
 * where the caller came by an HTTP GET (as WebSockets do).
 */
export function podSessions(kubelets: KubeletConnector): Readonly<Record<'exec' | 'attach' | 'portforward', Subresource>> {
  return {
    exec: session(async (request, context) => {
      const asked = readOptions(request, execCodec);
      const streams = checkStreams(asked);
      if (!asked.command?.length) throw badRequest('you must specify at least one command for the container');
      const { pod, place } = await find(context);
      const [node, options] = [nodeOf(pod, context), { ...asked, ...streams, container: chooseContainer(pod, asked.container) }];
      return { kind: 'command', streams, start: (signal) => kubelets.exec(node, { ...place, options }, signal) };
    }),
    attach: session(async (request, context) => {
      const asked = readOptions(request, attachCodec);
      const streams = checkStreams(asked);
      const { pod, place } = await find(context);
      const [node, options] = [nodeOf(pod, context), { ...asked, ...streams, container: chooseContainer(pod, asked.container) }];
      return { kind: 'command', streams, start: (signal) => kubelets.attach(node, { ...place, options }, signal) };
    }),
    portforward: session(async (request, context) => {
      const ports = checkPorts(readOptions(request, portForwardCodec));
      const { pod, place } = await find(context);
      const node = nodeOf(pod, context);
      return { kind: 'portForward', ports, start: (signal) => kubelets.portForward(node, place, signal) };
    }),
  };
}

function session(open: (...args: Parameters<Subresource['handle']>) => Promise<Session>): Subresource {
  return { verbs: ['create'], handle: async (request, context) => ({ type: 'session', session: await open(request, context), release: () => undefined }) };
}

async function find(context: SubresourceContext): Promise<{ readonly pod: Pod; readonly place: KubeletPodRequest }> {
  const stored = await context.find();
  return { pod: stored.object as Pod, place: { namespace: context.namespace, pod: context.name, podUid: stored.uid } };
}

/** A terminal has one output: what is written to stderr comes by stdout. */
function checkStreams({ stdin = false, stdout = false, stderr = false, tty = false }: PodAttachOptions): CommandStreams {
  if (!stdin && !stdout && !stderr) throw badRequest('you must specify at least 1 of stdin, stdout, stderr');
  return { stdin, stdout, stderr: stderr && !tty, tty };
}

function checkPorts({ ports = [] }: PodPortForwardOptions): readonly number[] {
  const bad = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65_535);
  if (bad !== undefined) throw badRequest(`ports: Invalid value: ${bad}: must be between 1 and 65535, inclusive`);
  return ports;
}
