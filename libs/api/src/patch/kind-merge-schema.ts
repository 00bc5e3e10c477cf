import { mergeFactsJson } from '@navarch/proto/merge-facts';
import { schemaJson } from '@navarch/proto/schema';

import { createMergeSchema, type MergeSchema } from './merge-schema';

let schema: MergeSchema | undefined;

/** The merge rules of all messages, from the generated tables; built when first asked for. */
export function kindMergeSchema(): MergeSchema {
  schema ??= createMergeSchema(
    JSON.parse(schemaJson) as Parameters<typeof createMergeSchema>[0], JSON.parse(mergeFactsJson) as Parameters<typeof createMergeSchema>[1]);
  return schema;
}
