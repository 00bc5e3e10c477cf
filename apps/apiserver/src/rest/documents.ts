import { createHash } from 'node:crypto';

import { groupVersionPath, kindMergeSchema, openApiV2, openApiV3, type JsonObject, type Resource, type ResourceRegistry, type SchemaTables } from '@navarch/api';
import { describeField } from '@navarch/api/documentation';
import { schemaJson } from '@navarch/proto/schema';

/** The OpenAPI documents of a registry, made at first use and again when the registry changes. */
export class OpenApiDocuments {
  private readonly made = new Map<string, { readonly text: Buffer; readonly hash: string }>();
  private tables: SchemaTables | undefined;

  constructor(private readonly registry: ResourceRegistry, private readonly serverVersion: string) {
    registry.subscribe(() => this.made.clear());
  }

  /** /openapi/v3: where each group version's document is. */
  index(): JsonObject {
    const paths = new Map(this.registry.all().map((resource) => [groupVersionPath(resource).slice(1), resource]));
    return { paths: Object.fromEntries([...paths].map(([path, resource]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${this.v3(resource).hash}` }])) };
  }

  /** One group version's document; undefined where nothing is served there. */
  groupVersion(path: string): Buffer | undefined {
    const resource = this.registry.all().find((one) => groupVersionPath(one) === `/${path}`);
    return resource && this.v3(resource).text;
  }

  v2(): Buffer {
    return this.keep('v2', () => openApiV2(this.registry.all(), this.schemaTables(), this.serverVersion)).text;
  }

  private v3(resource: Resource): { readonly text: Buffer; readonly hash: string } {
    return this.keep(groupVersionPath(resource), () => openApiV3(this.registry.all(), resource, this.schemaTables(), this.serverVersion));
  }

  private keep(key: string, make: () => JsonObject): { readonly text: Buffer; readonly hash: string } {
    const present = this.made.get(key);
    if (present) return present;
    const text = Buffer.from(JSON.stringify(make()));
    const document = { text, hash: createHash('sha256').update(text).digest('hex').slice(0, 32).toUpperCase() };
    this.made.set(key, document);
    return document;
  }

  private schemaTables(): SchemaTables {
    this.tables ??= { messages: JSON.parse(schemaJson) as SchemaTables['messages'], merge: kindMergeSchema(), describe: describeField };
    return this.tables;
  }
}
