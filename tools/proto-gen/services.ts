import type { MessageFacts, ResourceFacts } from './facts';
import { protoPathOf, type ProtoFile } from './messages';

const header = '// Made by tools/proto-gen from tools/facts. Do not edit.\nsyntax = "proto3";\n';
const metaPackage = 'k8s.io.apimachinery.pkg.apis.meta.v1';

interface Addition {
  readonly rpc: string;
  readonly message?: string;
  readonly imports?: readonly string[];
}

const sessionProto = 'navarch/meta/v1/session.proto';

/** A command's session: the first request says what is wanted, those after it what is sent. */
const command = (name: 'Exec' | 'Attach'): Addition => ({
  imports: [sessionProto],
  rpc: `  // The first request names the pod, the others carry input.\n  rpc ${name}(stream ${name}PodRequest) returns (stream ${name}PodResponse);`,
  message: `message ${name}PodRequest {\n  string namespace = 1;\n  string name = 2;\n  .k8s.io.api.core.v1.Pod${name}Options options = 3;\n  navarch.meta.v1.CommandInput input = 4;\n}\n\n`
    + `message ${name}PodResponse {\n  navarch.meta.v1.CommandOutput output = 1;\n}\n`,
});

/** A door of its own for a part of the object. */
const view = (kind: string, name: string): Addition => ({
  rpc: `  rpc Update${name}(Update${kind}Request) returns (%OBJECT%);\n  rpc Patch${name}(navarch.meta.v1.PatchRequest) returns (%OBJECT%);`,
});

/** What a subresource adds to its kind's service; those not listed here come with the part that serves them. */
const subresourceRpcs: Readonly<Record<string, (kind: string) => Addition>> = {
  status: (kind) => view(kind, 'Status'),
  finalize: (kind) => ({ rpc: `  rpc Finalize(Update${kind}Request) returns (%OBJECT%);` }),
  scale: (kind) => ({
    imports: [protoPathOf('k8s.io.api.autoscaling.v1')],
    rpc: '  rpc GetScale(navarch.meta.v1.GetRequest) returns (.k8s.io.api.autoscaling.v1.Scale);\n'
      + `  rpc UpdateScale(Update${kind}ScaleRequest) returns (.k8s.io.api.autoscaling.v1.Scale);\n`
      + '  rpc PatchScale(navarch.meta.v1.PatchRequest) returns (.k8s.io.api.autoscaling.v1.Scale);',
    message: `message Update${kind}ScaleRequest {\n  string namespace = 1;\n  .k8s.io.api.autoscaling.v1.Scale object = 2;\n  .${metaPackage}.UpdateOptions options = 3;\n}\n`,
  }),
  binding: () => ({
    rpc: '  rpc Bind(BindPodRequest) returns (.k8s.io.apimachinery.pkg.apis.meta.v1.Status);',
    message: 'message BindPodRequest {\n  string namespace = 1;\n  .k8s.io.api.core.v1.Binding object = 2;\n  .k8s.io.apimachinery.pkg.apis.meta.v1.CreateOptions options = 3;\n}\n',
  }),
  token: (kind) => ({
    imports: [protoPathOf('k8s.io.api.authentication.v1')],
    rpc: `  // For the account that object.metadata names.\n  rpc CreateToken(Create${kind}TokenRequest) returns (.k8s.io.api.authentication.v1.TokenRequest);`,
    message: `message Create${kind}TokenRequest {\n  string namespace = 1;\n  .k8s.io.api.authentication.v1.TokenRequest object = 2;\n  .${metaPackage}.CreateOptions options = 3;\n}\n`,
  }),
  eviction: () => ({
    imports: [protoPathOf('k8s.io.api.policy.v1')],
    rpc: '  // Of the pod that object.metadata names; refused while its disruption budget allows none.\n  rpc Evict(EvictPodRequest) returns (.k8s.io.apimachinery.pkg.apis.meta.v1.Status);',
    message: `message EvictPodRequest {\n  string namespace = 1;\n  .k8s.io.api.policy.v1.Eviction object = 2;\n  .${metaPackage}.CreateOptions options = 3;\n}\n`,
  }),
  approval: (kind) => view(kind, 'Approval'),
  ephemeralcontainers: (kind) => view(kind, 'EphemeralContainers'),
  resize: (kind) => view(kind, 'Resize'),
  log: () => ({
    rpc: '  rpc Log(LogPodRequest) returns (stream LogPodResponse);',
    message: 'message LogPodRequest {\n  string namespace = 1;\n  string name = 2;\n  .k8s.io.api.core.v1.PodLogOptions options = 3;\n}\n\nmessage LogPodResponse {\n  bytes data = 1;\n}\n',
  }),
  exec: () => command('Exec'),
  attach: () => command('Attach'),
  portforward: () => ({
    imports: [sessionProto],
    rpc: '  // The first request names the pod, the others carry frames; the first response is empty.\n  rpc PortForward(stream PortForwardPodRequest) returns (stream PortForwardPodResponse);',
    message: 'message PortForwardPodRequest {\n  string namespace = 1;\n  string name = 2;\n  navarch.meta.v1.PortForwardFrame frame = 3;\n}\n\nmessage PortForwardPodResponse {\n  navarch.meta.v1.PortForwardFrame frame = 1;\n}\n',
  }),
};

/** navarch.core.v1 for the core group, navarch.coordination.v1 for coordination.k8s.io. */
export function servicePackageOf(resource: Pick<ResourceFacts, 'group' | 'version'>): string {
  return `navarch.${resource.group === '' ? 'core' : resource.group.split('.')[0]}.${resource.version}`;
}

/** The protobuf message of a kind: found by its group's package, whose last parts are the group's first label and the version. */
export function messageOf(resource: ResourceFacts, facts: MessageFacts): string {
  const suffix = `.${resource.group === '' ? 'core' : resource.group.split('.')[0]}.${resource.version}.${resource.kind}`;
  const found = [...facts.messages.keys()].filter((name) => name.endsWith(suffix));
  if (found.length !== 1) throw new Error(`expected one message for ${resource.plural}.${resource.group}, found ${found.join(', ') || 'none'}`);
  return found[0] as string;
}

function snakeCase(kind: string): string {
  return kind.replace(/([a-z0-9])([A-Z])/g, '$1_$2').replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2').toLowerCase();
}

/** The typed service of one kind: the same verbs as its REST resource. */
export function serviceProto(resource: ResourceFacts, facts: MessageFacts): ProtoFile {
  const { kind } = resource;
  const message = messageOf(resource, facts);
  const packageName = servicePackageOf(resource);
  const verbs: Readonly<Record<string, string>> = {
    get: `  rpc Get(navarch.meta.v1.GetRequest) returns (.${message});`,
    list: `  rpc List(navarch.meta.v1.ListRequest) returns (.${message}List);`,
    watch: `  rpc Watch(navarch.meta.v1.WatchRequest) returns (stream Watch${kind}Response);`,
    create: `  rpc Create(Create${kind}Request) returns (.${message});`,
    update: `  rpc Update(Update${kind}Request) returns (.${message});`,
    patch: `  rpc Patch(navarch.meta.v1.PatchRequest) returns (.${message});`,
    delete: `  rpc Delete(navarch.meta.v1.DeleteRequest) returns (.${message});`,
    deletecollection: `  rpc DeleteCollection(navarch.meta.v1.DeleteCollectionRequest) returns (.${message}List);`,
  };
  const added = resource.subresources.flatMap(([name]) => subresourceRpcs[name]?.(kind) ?? []);
  const rpcs = [
    ...Object.entries(verbs).filter(([verb]) => resource.verbs.includes(verb)).map(([, text]) => text),
    ...added.map(({ rpc }) => rpc.replaceAll('%OBJECT%', `.${message}`)),
  ];
  const messages = [
    resource.verbs.includes('create') &&
      `message Create${kind}Request {\n  // Overrides object.metadata.namespace; both empty means "default".\n  string namespace = 1;\n  .${message} object = 2;\n  .${metaPackage}.CreateOptions options = 3;\n}\n`,
    resource.verbs.includes('update') &&
      `message Update${kind}Request {\n  // Overrides object.metadata.namespace; both empty means "default".\n  string namespace = 1;\n  .${message} object = 2;\n  .${metaPackage}.UpdateOptions options = 3;\n}\n`,
    resource.verbs.includes('watch') &&
      `// Field numbers equal navarch.meta.v1.WatchObjectResponse: object is the message itself where that has its bytes.\nmessage Watch${kind}Response {\n  // ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.\n  string type = 1;\n  .${message} object = 2;\n  string resource_version = 3;\n  // W3C trace context of the write behind this event.\n  string traceparent = 4;\n  // Trace context of the write that last changed what is wanted.\n  string origin = 5;\n  // When the log took the write, in milliseconds since 1970.\n  int64 commit_time_ms = 6;\n  .${metaPackage}.Status status = 7;\n}\n`,
    ...added.map(({ message: text }) => text),
  ].filter((text): text is string => typeof text === 'string');
  const imports = new Set([protoPathOf(message.slice(0, message.lastIndexOf('.'))), protoPathOf(metaPackage), ...(rpcs.some((rpc) => rpc.includes('navarch.meta.v1.')) ? ['navarch/meta/v1/meta.proto'] : []), ...added.flatMap(({ imports = [] }) => imports)]);
  return {
    path: `${packageName.replaceAll('.', '/')}/${snakeCase(kind)}_service.proto`,
    text: `${header}package ${packageName};\n\n${[...imports].sort().map((path) => `import "${path}";\n`).join('')}\nservice ${kind}Service {\n${rpcs.join('\n')}\n}\n\n${messages.join('\n')}`,
  };
}
