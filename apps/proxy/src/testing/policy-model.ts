import type { LabelSelector } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';
import type { NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from '@navarch/proto/k8s/io/api/networking/v1/networking';

/** A pod of the truth tables. Its namespace's only label is `name`. */
export interface ModelPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

export interface Attempt {
  readonly from: ModelPod;
  readonly to: ModelPod;
  readonly port: number;
  readonly protocol: string;
}

/** What the API of NetworkPolicy says of one attempt, written down as plainly as can be: nothing here is shared with what is tested. */
export function isAllowed(policies: readonly NetworkPolicy[], attempt: Attempt): boolean {
  const { from, to } = attempt;
  if (from === to) return true;
  return passes('Ingress', policies.filter((policy) => appliesTo(policy, to, 'Ingress')), attempt) && passes('Egress', policies.filter((policy) => appliesTo(policy, from, 'Egress')), attempt);
}

function appliesTo({ metadata, spec }: NetworkPolicy, pod: ModelPod, type: string): boolean {
  return metadata?.namespace === pod.namespace && (spec?.policyTypes ?? []).includes(type) && selects(spec?.podSelector ?? {}, pod.labels);
}

function passes(type: 'Ingress' | 'Egress', policies: readonly NetworkPolicy[], attempt: Attempt): boolean {
  if (policies.length === 0) return true;
  const other = type === 'Ingress' ? attempt.from : attempt.to;
  return policies.some(({ metadata, spec }) => {
    const rules = type === 'Ingress' ? (spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports })) : (spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }));
    return rules.some(({ peers = [], ports = [] }) => (peers.length === 0 || peers.some((peer) => isPeer(peer, other, metadata?.namespace ?? ''))) && (ports.length === 0 || ports.some((port) => isPort(port, attempt))));
  });
}

function isPeer({ ipBlock, namespaceSelector, podSelector }: NetworkPolicyPeer, pod: ModelPod, own: string): boolean {
  if (ipBlock) return within(pod.address, ipBlock.cidr ?? '') && !(ipBlock.except ?? []).some((cidr) => within(pod.address, cidr));
  const inNamespace = namespaceSelector ? selects(namespaceSelector, { name: pod.namespace }) : pod.namespace === own;
  return inNamespace && selects(podSelector ?? {}, pod.labels);
}

function isPort({ protocol = 'TCP', port, endPort }: NetworkPolicyPort, attempt: Attempt): boolean {
  if (protocol !== attempt.protocol) return false;
  if (!port) return true;
  if (port.strVal !== undefined) return attempt.to.ports[port.strVal] === attempt.port;
  return attempt.port >= (port.intVal ?? 0) && attempt.port <= (endPort ?? port.intVal ?? 0);
}

function selects({ matchLabels = {}, matchExpressions = [] }: LabelSelector, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(matchLabels).every(([key, value]) => labels[key] === value) && matchExpressions.every(({ key = '', operator, values = [] }) => {
    if (operator === 'Exists') return key in labels;
    if (operator === 'DoesNotExist') return !(key in labels);
    return values.includes(labels[key] ?? '') === (operator === 'In');
  });
}

/** IPv4 only. */
function within(address: string, cidr: string): boolean {
  const [base = '', bits = '32'] = cidr.split('/');
  const number = (text: string): number => text.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(address) / size) === Math.floor(number(base) / size);
}
