import { ApiError } from '@navarch/base';

export type Encoding = 'json' | 'yaml' | 'protobuf';
export type Transform = 'Table' | 'PartialObjectMetadata' | 'PartialObjectMetadataList';

/** How an answer is to look. */
export interface Negotiated {
  readonly encoding: Encoding;
  readonly transform?: Transform;
  /** v1 or v1beta1 of meta.k8s.io, with a transform. */
  readonly transformVersion?: string;
}

export const protobufType = 'application/vnd.kubernetes.protobuf';
const encodings: Readonly<Record<string, Encoding>> = {
  'application/json': 'json', 'application/yaml': 'yaml', 'application/x-yaml': 'yaml', 'text/yaml': 'yaml', [protobufType]: 'protobuf',
  '*/*': 'json', 'application/*': 'json',
};
const contentTypes: Readonly<Record<Encoding, string>> = { json: 'application/json', yaml: 'application/yaml', protobuf: protobufType };

export function contentTypeOf(negotiated: Negotiated): string {
  const base = contentTypes[negotiated.encoding];
  return negotiated.transform ? `${base};as=${negotiated.transform};v=${negotiated.transformVersion};g=meta.k8s.io` : base;
}

export interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly quality: number;
}

/** The ranges of an Accept header, best first; those of one quality stay in their order (RFC 9110, section 12.5.1). */
export function parseAccept(header: string): MediaRange[] {
  const ranges = header.split(',').map((part): MediaRange => {
    const [type = '', ...rest] = part.split(';').map((piece) => piece.trim());
    const parameters = new Map(rest.map((piece): [string, string] => {
      const [key = '', value = ''] = piece.split('=', 2);
      return [key.trim().toLowerCase(), value.trim().replace(/^"|"$/g, '')];
    }));
    const quality = Number(parameters.get('q') ?? '1');
    return { type: type.toLowerCase(), parameters, quality: Number.isFinite(quality) ? quality : 0 };
  });
  return ranges.filter(({ type, quality }) => type !== '' && quality > 0).sort((a, b) => b.quality - a.quality);
}

/**
 * The first wish that can be met. A Table has no protobuf form; one that cannot be met is passed over. Throws
 * NotAcceptable where none can be.
 */
export function negotiate(header: string | undefined, isList: boolean): Negotiated {
  if (!header?.trim()) return { encoding: 'json' };
  for (const { type, parameters } of parseAccept(header)) {
    const encoding = encodings[type];
    if (!encoding) continue;
    const as = parameters.get('as');
    if (as === undefined) return { encoding };
    const transform = transformOf(as, isList);
    const version = parameters.get('v') ?? 'v1';
    if (!transform || parameters.get('g') !== 'meta.k8s.io' || !['v1', 'v1beta1'].includes(version)) continue;
    if (transform === 'Table' && encoding === 'protobuf') continue;
    return { encoding, transform, transformVersion: version };
  }
  throw new ApiError('NotAcceptable', `only the following media types are accepted: application/json, application/yaml, ${protobufType}`);
}

function transformOf(as: string, isList: boolean): Transform | undefined {
  if (as === 'Table') return as;
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return isList ? 'PartialObjectMetadataList' : 'PartialObjectMetadata';
  return undefined;
}

/** Whether discovery is wanted in its aggregated form, and in which version; undefined: the plain form. */
export function wantsAggregatedDiscovery(header: string | undefined): 'v2' | 'v2beta1' | undefined {
  for (const { type, parameters } of parseAccept(header ?? '')) {
    if (type !== 'application/json' && type !== '*/*') continue;
    if (parameters.get('as') === undefined) return undefined;
    const version = parameters.get('v');
    if (parameters.get('g') === 'apidiscovery.k8s.io' && parameters.get('as') === 'APIGroupDiscoveryList' && (version === 'v2' || version === 'v2beta1')) return version;
  }
  return undefined;
}
