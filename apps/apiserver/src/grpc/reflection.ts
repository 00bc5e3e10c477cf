import type { DescFile } from '@bufbuild/protobuf';
import { status as Code } from '@grpc/grpc-js';
import { grpcService, type GrpcMethod } from '@navarch/service';
import {
  ServerReflectionService, type ServerReflectionRequest, type ServerReflectionResponse,
} from '@navarch/proto/grpc/reflection/v1/reflection';
import { ServerReflectionService as ServerReflectionServiceV1Alpha } from '@navarch/proto/grpc/reflection/v1alpha/reflection';

import type { Descriptors } from './descriptors';

type Answer = ServerReflectionResponse['messageResponse'];

/**
 * Server reflection (grpc/grpc, doc/server-reflection.md), v1 and v1alpha, from the one descriptor set as buf built it.
 * A file is sent with everything it imports, so that a client needs one question per symbol.
 */
export function reflectionMethods(descriptors: Descriptors, served: readonly string[]): GrpcMethod[] {
  const symbols = indexSymbols(descriptors);
  const answerTo = (request: ServerReflectionRequest): ServerReflectionResponse =>
    ({ validHost: request.host, originalRequest: request, messageResponse: answer(request, descriptors, symbols, served) });
  async function* serverReflectionInfo(requests: AsyncIterable<ServerReflectionRequest>): AsyncGenerator<ServerReflectionResponse, void, undefined> {
    for await (const request of requests) yield answerTo(request);
  }
  return [...grpcService(ServerReflectionService, { serverReflectionInfo }), ...grpcService(ServerReflectionServiceV1Alpha, { serverReflectionInfo })];
}

function answer({ messageRequest: asked }: ServerReflectionRequest, descriptors: Descriptors, symbols: ReadonlyMap<string, DescFile>, served: readonly string[]): Answer {
  switch (asked?.$case) {
    case 'listServices': return { $case: 'listServicesResponse', listServicesResponse: { service: served.map((name) => ({ name })) } };
    case 'fileByFilename': return fileAnswer(descriptors.registry.getFile(asked.fileByFilename), asked.fileByFilename, descriptors);
    case 'fileContainingSymbol': return fileAnswer(symbols.get(asked.fileContainingSymbol.replace(/^\./, '')), asked.fileContainingSymbol, descriptors);
    case 'fileContainingExtension': return missing(`extension ${asked.fileContainingExtension.extensionNumber ?? 0} of ${asked.fileContainingExtension.containingType ?? ''}`);
    case 'allExtensionNumbersOfType': return missing(`extensions of ${asked.allExtensionNumbersOfType}`);
    default: return { $case: 'errorResponse', errorResponse: { errorCode: Code.INVALID_ARGUMENT, errorMessage: 'the request asks for nothing that this server knows' } };
  }
}

function fileAnswer(file: DescFile | undefined, asked: string, { files }: Descriptors): Answer {
  if (!file) return missing(asked);
  const fileDescriptorProto = withImports(file).map(({ proto }) => Buffer.from(files.get(proto.name ?? '') ?? new Uint8Array()));
  return { $case: 'fileDescriptorResponse', fileDescriptorResponse: { fileDescriptorProto } };
}

const missing = (what: string): Answer => ({ $case: 'errorResponse', errorResponse: { errorCode: Code.NOT_FOUND, errorMessage: `${what} not found` } });

function withImports(file: DescFile, seen = new Set<DescFile>()): DescFile[] {
  if (seen.has(file)) return [];
  seen.add(file);
  return [file, ...file.dependencies.flatMap((imported) => withImports(imported, seen))];
}

function indexSymbols({ registry }: Descriptors): ReadonlyMap<string, DescFile> {
  const symbols = new Map<string, DescFile>();
  for (const descriptor of registry) {
    symbols.set(descriptor.typeName, descriptor.file);
    if (descriptor.kind === 'service') for (const method of descriptor.methods) symbols.set(`${descriptor.typeName}.${method.name}`, descriptor.file);
    if (descriptor.kind === 'message') for (const field of descriptor.fields) symbols.set(`${descriptor.typeName}.${field.name}`, descriptor.file);
  }
  return symbols;
}
