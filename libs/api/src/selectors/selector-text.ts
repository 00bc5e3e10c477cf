import type { LabelSelector } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import type { Labels } from './label-selector';

/** `a=b,c=d` in the order of the keys; empty for no labels. */
export function labelsText(labels: Labels | undefined): string {
  return sorted(Object.entries(labels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` })));
}

/** The string form that parseLabelSelector reads back: `a=b,c in (x,y),!d`. Empty for a selector without requirements. */
export function selectorText(selector: LabelSelector | undefined): string {
  const exact = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => ({ key, text: `${key}=${value}` }));
  const expressions = (selector?.matchExpressions ?? []).map(({ key = '', operator, values = [] }) => ({ key, text: requirementText(key, operator, values) }));
  return sorted([...exact, ...expressions]);
}

/** The same as people read it: `<none>` for nothing. */
export function labelSelectorText(selector: LabelSelector | undefined): string {
  return selectorText(selector) || '<none>';
}

function requirementText(key: string, operator: string | undefined, values: readonly string[]): string {
  const list = `(${[...values].sort().join(',')})`;
  switch (operator) {
    case 'In': return `${key} in ${list}`;
    case 'NotIn': return `${key} notin ${list}`;
    case 'DoesNotExist': return `!${key}`;
    default: return key;
  }
}

function sorted(parts: readonly { readonly key: string; readonly text: string }[]): string {
  return [...parts].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ text }) => text).join(',');
}
