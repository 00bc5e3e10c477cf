import type { PodSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import type { FieldError } from '../resource';
import { required } from './field-error';

export function validatePodSpec(spec: PodSpec, field: string, _annotations?: Readonly<Record<string, string>>): FieldError[] {
  return spec.containers?.length ? [] : [required(`${field}.containers`)];
}
