import type { CriFacts, FactField, MessageFacts } from './facts';

/** A generated .proto file: its path below proto/ and its text. */
export interface ProtoFile {
  readonly path: string;
  readonly text: string;
}

const scalars = new Set(['string', 'bytes', 'bool', 'int32', 'int64', 'uint32', 'uint64', 'double', 'float']);
const packable = new Set(['bool', 'int32', 'int64', 'uint32', 'uint64', 'double', 'float']);
const header = '// Made by tools/proto-gen from tools/facts. Do not edit.\nsyntax = "proto3";\n';

export function packageOf(message: string): string {
  return message.slice(0, message.lastIndexOf('.'));
}

export function shortNameOf(message: string): string {
  return message.slice(message.lastIndexOf('.') + 1);
}

/** proto/k8s/io/api/core/v1/core.proto for k8s.io.api.core.v1: the file is named for the last part that is no version. */
export function protoPathOf(packageName: string): string {
  const parts = packageName.split('.');
  const name = parts.filter((part) => !/^v\d+((alpha|beta)\d+)?$/.test(part)).at(-1) ?? packageName;
  return `${parts.join('/')}/${name}.proto`;
}

/** The type as .proto text, absolute where it names a message, so that scoping cannot surprise. */
function typeText(type: string, packageName: string): string {
  const map = /^map<(\w+),(.+)>$/.exec(type);
  if (map) return `map<${map[1]}, ${typeText(map[2] ?? '', packageName)}>`;
  if (scalars.has(type)) return type;
  return type.startsWith('k8s.io.') ? `.${type}` : `.${packageName}.${type}`;
}

function elementType(type: string): string {
  return /^map<\w+,(.+)>$/.exec(type)?.[1] ?? type;
}

function fieldText([number, name, type, label]: FactField, packageName: string): string {
  const text = typeText(type, packageName);
  if (label === 'map') return `  ${text} ${name} = ${number};`;
  if (label === 'repeated') return `  repeated ${text} ${name} = ${number}${packable.has(type) ? ' [packed = false]' : ''};`;
  // proto3 message fields have presence anyway; scalars need the keyword to tell an explicit zero from none.
  return `  ${scalars.has(type) ? 'optional ' : ''}${text} ${name} = ${number};`;
}

function reservedText(former: readonly (readonly [number, string])[] | undefined): string[] {
  if (!former?.length) return [];
  return [
    `  reserved ${former.map(([number]) => number).join(', ')};`,
    `  reserved ${former.map(([, name]) => `"${name}"`).join(', ')};`,
  ];
}

/** One .proto file for each Kubernetes package, wire-compatible with Kubernetes' own. */
export function kubernetesProtos(facts: MessageFacts): ProtoFile[] {
  const packages = new Map<string, string[]>();
  for (const message of facts.messages.keys()) {
    const list = packages.get(packageOf(message)) ?? [];
    list.push(message);
    packages.set(packageOf(message), list);
  }
  return [...packages].map(([packageName, messages]) => {
    const imports = new Set<string>();
    const bodies = messages.map((message) => {
      const fields = facts.messages.get(message) ?? [];
      for (const [, , type] of fields) {
        const element = elementType(type);
        if (element.startsWith('k8s.io.') && packageOf(element) !== packageName) imports.add(protoPathOf(packageOf(element)));
      }
      const lines = [...fields.map((field) => fieldText(field, packageName)), ...reservedText(facts.formerNumbers[message])];
      return lines.length ? `message ${shortNameOf(message)} {\n${lines.join('\n')}\n}\n` : `message ${shortNameOf(message)} {}\n`;
    });
    const importText = [...imports].sort().map((path) => `import "${path}";\n`).join('');
    return {
      path: protoPathOf(packageName),
      text: `${header}package ${packageName};\n\n${importText ? `${importText}\n` : ''}${bodies.join('\n')}`,
    };
  });
}

function enumText(name: string, rows: readonly (readonly [number, string])[], indent = ''): string {
  return `${indent}enum ${name} {\n${rows.map(([number, value]) => `${indent}  ${value} = ${number};`).join('\n')}\n${indent}}\n`;
}

/** Nanoseconds since 1970 do not fit a JavaScript number: ts-proto reads them as text. */
function isNanoseconds(field: string, type: string): boolean {
  return type === 'int64' && /^(timestamp|(created|started|finished)_at)$/.test(field);
}

/** The container runtime interface: plain proto3 as its source has it. */
export function criProto(facts: CriFacts): ProtoFile {
  const messages = [...facts.messages].map(([message, fields]) => {
    const name = shortNameOf(message);
    const nested = Object.entries(facts.enums)
      .filter(([enumName]) => enumName.startsWith(`${name}.`))
      .map(([enumName, rows]) => enumText(shortNameOf(enumName), rows, '  '));
    const options = facts.fieldOptions[name] ?? {};
    const lines = fields.map(([number, field, type, label]) => {
      const option = isNanoseconds(field, type) ? ' [jstype = JS_STRING]' : options[field] ? ` ${options[field]}` : '';
      return `  ${label === 'repeated' ? 'repeated ' : ''}${type.replace(',', ', ')} ${field} = ${number}${option};`;
    });
    return `message ${name} {\n${nested.join('')}${lines.map((line) => `${line}\n`).join('')}}\n`;
  });
  const enums = Object.entries(facts.enums).filter(([name]) => !name.includes('.')).map(([name, rows]) => enumText(name, rows));
  const services = Object.entries(facts.services).map(([name, rpcs]) => {
    const lines = rpcs.map(([rpc, request, response, clientStreams, serverStreams]) =>
      `  rpc ${rpc}(${clientStreams ? 'stream ' : ''}${request}) returns (${serverStreams ? 'stream ' : ''}${response});`);
    return `service ${name} {\n${lines.join('\n')}\n}\n`;
  });
  return { path: 'runtime/v1/cri.proto', text: `${header}package runtime.v1;\n\n${[...services, ...messages, ...enums].join('\n')}` };
}
