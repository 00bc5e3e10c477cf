import type { ExecAction, GRPCAction, HTTPGetAction, Lifecycle, LifecycleHandler, Probe, TCPSocketAction } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { IntOrString } from '@navarch/proto/k8s/io/apimachinery/pkg/util/intstr/intstr';

import type { FieldError } from '../resource';
import { intOrStringValue } from '../scalars/int-or-string';
import { forbidden, invalid, invalidEach, nonNegative, oneOf, required } from './field-error';
import { portName, portNumber } from './names';

interface Handlers {
  readonly exec?: ExecAction | undefined;
  readonly httpGet?: HTTPGetAction | undefined;
  readonly tcpSocket?: TCPSocketAction | undefined;
  readonly grpc?: GRPCAction | undefined;
  readonly sleep?: { readonly seconds?: number | undefined } | undefined;
}

export type ProbeKind = 'livenessProbe' | 'readinessProbe' | 'startupProbe';

export function validateProbe(probe: Probe | undefined, kind: ProbeKind, field: string): FieldError[] {
  if (!probe) return [];
  const errors = validateHandlers(probe.handler ?? {}, field);
  for (const member of ['initialDelaySeconds', 'timeoutSeconds', 'periodSeconds', 'successThreshold', 'failureThreshold'] as const) {
    errors.push(...nonNegative(`${field}.${member}`, probe[member]));
  }
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'));
  if (kind === 'readinessProbe') {
    if (grace !== undefined) errors.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'));
  } else if (probe.successThreshold !== undefined && probe.successThreshold !== 1) {
    errors.push(invalid(`${field}.successThreshold`, probe.successThreshold, 'must be 1'));
  }
  return errors;
}

export function validateLifecycle(lifecycle: Lifecycle | undefined, graceSeconds: number, field: string): FieldError[] {
  return (['postStart', 'preStop'] as const).flatMap((hook) => {
    const handler: LifecycleHandler | undefined = lifecycle?.[hook];
    return handler ? validateHandlers(handler, `${field}.${hook}`, graceSeconds) : [];
  });
}

function validateHandlers(handlers: Handlers, field: string, graceSeconds = 0): FieldError[] {
  const checks = [
    handlers.exec && ['exec', validateExec(handlers.exec, `${field}.exec`)],
    handlers.httpGet && ['httpGet', validateHttpGet(handlers.httpGet, `${field}.httpGet`)],
    handlers.tcpSocket && ['tcpSocket', validatePort(handlers.tcpSocket.port, `${field}.tcpSocket.port`)],
    handlers.grpc && ['grpc', invalidEach(`${field}.grpc.port`, handlers.grpc.port ?? 0, portNumber(handlers.grpc.port ?? 0))],
    handlers.sleep && ['sleep', validateSleep(handlers.sleep.seconds ?? 0, graceSeconds, `${field}.sleep.seconds`)],
  ].filter((check): check is [string, FieldError[]] => check !== undefined);
  if (checks.length === 0) return [required(field, 'must specify a handler type')];
  return checks.flatMap(([name, errors], index) => (index === 0 ? errors : [forbidden(`${field}.${name}`, 'may not specify more than 1 handler type')]));
}

function validateExec({ command }: ExecAction, field: string): FieldError[] {
  return command?.length ? [] : [required(`${field}.command`)];
}

function validateHttpGet({ path, port, scheme, httpHeaders = [] }: HTTPGetAction, field: string): FieldError[] {
  return [
    ...(path ? [] : [required(`${field}.path`)]),
    ...validatePort(port, `${field}.port`),
    ...oneOf(`${field}.scheme`, scheme, ['HTTP', 'HTTPS']),
    ...httpHeaders.flatMap(({ name = '' }, index) => (/^[-A-Za-z0-9]+$/.test(name) ? []
      : [invalid(`${field}.httpHeaders[${index}].name`, name, "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')")])),
  ];
}

/** A number or the name of a container port. */
function validatePort(port: IntOrString | undefined, field: string): FieldError[] {
  const value = intOrStringValue(port);
  return invalidEach(field, value, typeof value === 'number' ? portNumber(value) : portName(value));
}

function validateSleep(seconds: number, graceSeconds: number, field: string): FieldError[] {
  return seconds >= 0 && seconds <= graceSeconds ? [] : [invalid(field, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`)];
}
