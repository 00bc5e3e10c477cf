import type { PodTemplateSpec } from '@navarch/proto/k8s/io/api/core/v1/core';

import { setSpecDefaults } from './defaults';

/** The template that an object holds under `template`, its defaults set, in place. */
export function setTemplateDefaults(holder: { template?: PodTemplateSpec | undefined }): void {
  const template = (holder.template ??= {});
  setSpecDefaults((template.spec ??= {}));
}
