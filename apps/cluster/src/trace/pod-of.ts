import type { Trace } from './assemble';

/** `namespace/name` of the pod that a trace tells of, where a span names one. */
export function podOf({ nodes }: Trace): string | undefined {
  const pod = nodes.map(({ span }) => span.attributes).find((attributes) => attributes.has('k8s.pod.name'));
  return pod && `${pod.get('k8s.namespace.name') ?? 'default'}/${pod.get('k8s.pod.name') ?? ''}`;
}
