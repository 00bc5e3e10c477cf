import { groupVersionPath, kindMergeSchema, metricResources, openApiV2, openApiV3, reviewResources, type JsonObject, type Resource, type ResourceRegistry, type SchemaTables } from '@navarch/api';
import { describeField } from '@navarch/api/documentation';
import { schemaJson } from '@navarch/proto/schema';

import { hashOf } from './cacheable';

export interface OpenApiDocument {
  readonly text: Buffer;
  /** Of the text: what changes with it. */
  readonly hash: string;
}

/** The OpenAPI documents of a registry, made at first use and again when the registry changes. */
export class OpenApiDocuments {
  private readonly made = new Map<string, OpenApiDocument>();
  private tables: SchemaTables | undefined;

  constructor(private readonly registry: ResourceRegistry, private readonly serverVersion: string) {
    registry.subscribe(() => this.made.clear());
  }

  /** /openapi/v3: where each group version's document is. */
  index(): JsonObject {
    const paths = new Map(this.documented().map((resource) => [groupVersionPath(resource).slice(1), resource]));
    return { paths: Object.fromEntries([...paths].map(([path, resource]) => [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${this.v3(resource).hash}` }])) };
  }

  /** One group version's document; undefined where nothing is served there. */
  groupVersion(path: string): OpenApiDocument | undefined {
    const resource = this.documented().find((one) => groupVersionPath(one) === `/${path}`);
    return resource && this.v3(resource);
  }

  v2(): OpenApiDocument {
    return this.keep('v2', () => openApiV2(this.documented(), this.schemaTables(), this.serverVersion));
  }

  /** What has paths: the kinds, the questions that are put as objects, and figures. */
  private documented(): readonly Resource[] {
    return [...this.registry.all(), ...reviewResources, ...metricResources];
  }

  private v3(resource: Resource): OpenApiDocument {
    return this.keep(groupVersionPath(resource), () => openApiV3(this.documented(), resource, this.schemaTables(), this.serverVersion));
  }

  private keep(key: string, make: () => JsonObject): OpenApiDocument {
    const present = this.made.get(key);
    if (present) return present;
    const text = Buffer.from(JSON.stringify(make()));
    const document = { text, hash: hashOf(text) };
    this.made.set(key, document);
    return document;
  }

  private schemaTables(): SchemaTables {
    this.tables ??= { messages: JSON.parse(schemaJson) as SchemaTables['messages'], merge: kindMergeSchema(), describe: describeField };
    return this.tables;
  }
}
