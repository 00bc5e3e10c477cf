import type { ResourceInfo } from '@navarch/proto/navarch/meta/v1/object_service';

/** A kind of object as the server describes it. */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export function kindOfInfo(info: ResourceInfo): Kind {
  const { group = '', version = '', resource = '', kind = '', namespaced = false } = info;
  return { group, version, plural: resource, kind, singular: info.singular ?? kind.toLowerCase(), namespaced };
}

/** As a person writes it: plural, singular, short name or kind, in any case, also with .group. The first that fits counts. */
export function findKind(infos: readonly ResourceInfo[], word: string): Kind | undefined {
  const [name = '', ...groupParts] = word.toLowerCase().split('.');
  const group = groupParts.join('.');
  const found = infos.find((info) => {
    const names = [info.resource, info.singular, info.kind, ...(info.shortNames ?? [])];
    return names.some((candidate) => candidate?.toLowerCase() === name) && (group === '' || (info.group ?? '') === group);
  });
  return found && kindOfInfo(found);
}
