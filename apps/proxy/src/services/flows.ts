import { parse } from 'ipaddr.js';

import { runProgram } from '../run-program';
import { canonicalAddress, familyOf } from './service-port';

/** A UDP flow that the kernel follows: where its first packet went, and who answers it. */
export interface Flow {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly answersFrom: string;
  readonly answersFromPort: number;
}

/** The kernel's UDP flows. */
export interface FlowTable {
  list(signal?: AbortSignal): Promise<Flow[]>;
  /** Forgets these flows; one that is gone already is no error. */
  remove(flows: readonly Flow[], signal?: AbortSignal): Promise<void>;
}

/**
 * Flows that would go on to where their Service does not lead any more: the kernel looks rules up only for a flow's first packet, and a UDP client
 * may send for ever from one port. A flow to a Service that was made before the Service had endpoints is translated nowhere: stale as well.
 */
export function staleFlows(flows: readonly Flow[], endpointsOf: (frontend: string) => ReadonlySet<string> | undefined): Flow[] {
  return flows.filter(({ destination, destinationPort, answersFrom, answersFromPort }) => {
    const endpoints = endpointsOf(`${canonicalAddress(destination)} . udp . ${destinationPort}`);
    return endpoints !== undefined && !endpoints.has(`${canonicalAddress(answersFrom)} . ${answersFromPort}`);
  });
}

/** conntrack(8) of conntrack-tools; `command` says how to run it. */
export function createConntrack(command: readonly string[] = ['conntrack']): FlowTable {
  const list = async (family: 'ipv4' | 'ipv6', signal?: AbortSignal): Promise<Flow[]> => {
    const { stdout, stderr, code } = await runProgram([...command, '-L', '-p', 'udp', '-f', family], '', signal);
    if (code !== 0) throw new Error(`cannot list flows: ${stderr.trim()}`);
    return stdout.split('\n').flatMap(parseFlow);
  };
  return {
    list: async (signal) => (await Promise.all([list('ipv4', signal), list('ipv6', signal)])).flat(),
    remove: async (flows, signal) => {
      for (const flow of flows) {
        const family = familyOf(flow.destination) === '6' ? 'ipv6' : 'ipv4';
        const { stderr, code } = await runProgram([
          ...command, '-D', '-p', 'udp', '-f', family, '--orig-src', flow.source, '--orig-dst', flow.destination,
          '--orig-port-src', String(flow.sourcePort), '--orig-port-dst', String(flow.destinationPort),
        ], '', signal);
        if (code !== 0 && !stderr.includes('0 flow entries')) throw new Error(`cannot remove a flow: ${stderr.trim()}`);
      }
    },
  };
}

/** One line of `conntrack -L`: the original direction, then the answers', each as src= dst= sport= dport=. */
export function parseFlow(line: string): Flow[] {
  const all = (name: string): string[] => [...line.matchAll(new RegExp(`\\b${name}=(\\S+)`, 'g'))].map((match) => match[1] ?? '');
  const [[source, answersFrom], [destination], [sourcePort, answersFromPort], [destinationPort]] = [all('src'), all('dst'), all('sport'), all('dport')];
  if (!source || !answersFrom || !destination || !sourcePort || !answersFromPort || !destinationPort) return [];
  return [{
    source: parse(source).toString(), sourcePort: Number(sourcePort), destination: parse(destination).toString(), destinationPort: Number(destinationPort),
    answersFrom: parse(answersFrom).toString(), answersFromPort: Number(answersFromPort),
  }];
}
