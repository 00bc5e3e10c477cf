import { grpcService, type GrpcMethod } from '@navarch/service';
import { ForeignServiceService } from '@navarch/proto/navarch/meta/v1/foreign_service';
import { VersionServiceService } from '@navarch/proto/navarch/meta/v1/version_service';

import { foreignText } from '../rest/ask-foreign';
import { credentialsOf, type Door } from './call';
import { loadDescriptors, type Descriptors } from './descriptors';
import { isKindService, kindMethods } from './kind-methods';
import { objectServiceMethods } from './object-service';
import { reflectionMethods } from './reflection';

export interface Versions {
  /** Navarch's own. */
  readonly version: string;
  /** The Kubernetes API it speaks. */
  readonly kubernetesVersion: string;
}

const ofTheServer = ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'];

/**
 * Everything the gRPC door serves besides health: a typed service per kind, ObjectService, version and reflection. The
 * methods come from the descriptor set, their meaning from the registry; nothing here knows a kind.
 */
export function apiMethods(door: Door, versions: Versions, descriptors: Descriptors = loadDescriptors()): GrpcMethod[] {
  const kinds = descriptors.services.filter(isKindService);
  const served = [...kinds.map(({ typeName }) => typeName), 'navarch.meta.v1.ForeignService', 'navarch.meta.v1.ObjectService', 'navarch.meta.v1.VersionService', ...ofTheServer];
  return [
    ...kinds.flatMap((service) => kindMethods(service, door)),
    ...objectServiceMethods(door),
    ...grpcService(VersionServiceService, { get: () => Promise.resolve({ ...versions }) }),
    ...grpcService(ForeignServiceService, { get: async ({ path = '' }, call) => ({ json: await foreignText(door.core, await door.authenticate(credentialsOf(call)), path, call.signal) }) }),
    ...reflectionMethods(descriptors, served),
  ];
}
