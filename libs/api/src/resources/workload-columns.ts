import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';
import type { LabelSelector } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { Column } from '../resource';
import { labelSelectorText, labelsText } from '../selectors/selector-text';

/** Columns of kinds that make pods from a template; shown when asked for more than usual, unless told otherwise. */
export function containersColumn<T>(template: (object: T) => PodTemplateSpec | undefined, priority: 0 | 1 = 1): Column<T> {
  return { name: 'Containers', type: 'string', priority, description: 'Names of each container in the template.', value: (object) => list(template(object), 'name') };
}

export function imagesColumn<T>(template: (object: T) => PodTemplateSpec | undefined, priority: 0 | 1 = 1): Column<T> {
  return { name: 'Images', type: 'string', priority, description: 'Images referenced by each container in the template.', value: (object) => list(template(object), 'image') };
}

export function selectorColumn<T>(selector: (object: T) => LabelSelector | undefined): Column<T> {
  return { name: 'Selector', type: 'string', priority: 1, description: 'Which pods are counted as its own.', value: (object) => labelSelectorText(selector(object)) };
}

export const labelsCell = (labels: { readonly [key: string]: string } | undefined): string => labelsText(labels) || '<none>';

function list(template: PodTemplateSpec | undefined, member: 'name' | 'image'): string {
  return (template?.spec?.containers ?? []).map((container) => container[member] ?? '').join(',');
}
