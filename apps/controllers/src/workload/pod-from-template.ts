import { context, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';

import { controllerOf, ownerReference, type ApiObject } from '@navarch/api';
import { hasReason, randomNameSuffix, toError, type Random } from '@navarch/base';
import type { CallOptions, ResourceClient } from '@navarch/client';
import type { Pod, PodSpec, PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { Owner } from './owned';

export interface PodOverrides {
  readonly name?: string;
  readonly generateName?: string;
  /** Beside the template's, and before them where both name a key. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  /** In place of the template's members. */
  readonly spec?: Partial<PodSpec>;
}

/** Each pod's own, written by the apiserver: a copied one would lead to another pod's trace. */
const traceAnnotation = 'navarch.io/trace-id';

/** A pod of the owner's: labels, annotations, finalizers and spec of the template, controlled by the owner. Nothing is shared with the template. */
export function podFromTemplate<O extends ApiObject>(template: PodTemplateSpec | undefined, owner: Owner<O>, over: PodOverrides = {}): Pod {
  const { labels, annotations, finalizers } = structuredClone(template?.metadata ?? {});
  const noted = { ...annotations, ...over.annotations };
  delete noted[traceAnnotation];
  return {
    metadata: {
      namespace: owner.object.metadata?.namespace ?? '',
      ...(over.name !== undefined && { name: over.name }), ...(over.generateName !== undefined && { generateName: over.generateName }),
      labels: { ...labels, ...over.labels },
      ...(Object.keys(noted).length > 0 && { annotations: noted }),
      ...(finalizers && { finalizers }),
      ownerReferences: [ownerReference(owner.resource, owner.object)],
    },
    spec: { ...structuredClone(template?.spec ?? {}), ...over.spec },
  };
}

const longestBase = 58;

/** A name as the server would make it of generateName. Made here, so that a create whose answer was lost can be asked for again. */
export function generatedName(base: string, random: Random): string {
  return base.slice(0, longestBase) + randomNameSuffix(random);
}

/**
 * Creates an object that has a name and a controller. Where the answer does not come, or something of the name is there
 * already, looks whether it is the one: then it was created. Otherwise throws what create threw.
 */
export async function createOwned<T extends ApiObject>(client: ResourceClient<T>, object: T, options?: CallOptions): Promise<T> {
  try {
    return await client.create(object, options);
  } catch (thrown) {
    if (!hasReason(thrown, 'AlreadyExists', 'Timeout', 'ServerTimeout', 'Unavailable', 'Internal')) throw thrown;
    const { namespace = '', name = '' } = object.metadata ?? {};
    const present = await client.get(namespace, name, options).catch(() => undefined);
    if (!present || controllerOf(present)?.uid !== controllerOf(object)?.uid) throw thrown;
    return present;
  }
}

/** Beyond it, each pod that one request makes has a trace of its own, linked to the request's. */
export const mostPodsPerTrace = 50;

/** Runs the create of one pod: in the request's trace, or, where the request makes many, in a new one that links to it. */
export function underRequest<R>(podsWanted: number, create: () => Promise<R>): Promise<R> {
  if (podsWanted <= mostPodsPerTrace) return create();
  const request = trace.getSpanContext(context.active());
  const options = { kind: SpanKind.INTERNAL, links: request ? [{ context: request }] : [] };
  return trace.getTracer('@navarch/controllers').startActiveSpan('controller.create-pod', options, ROOT_CONTEXT, async (span) => {
    try {
      return await create();
    } catch (thrown) {
      span.recordException(toError(thrown));
      span.setStatus({ code: SpanStatusCode.ERROR, message: toError(thrown).message });
      throw thrown;
    } finally {
      span.end();
    }
  });
}
