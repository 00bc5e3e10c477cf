/**
 * Makes libs/proto/gen from proto/: TypeScript by ts-proto, the descriptor set (base64, for reflection) and the schema
 * table that drives the JSON codec (libs/api).
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { readFacts, readMessageFacts, readPresenceFacts, type FactField, type MessageFacts, type PresenceFacts } from './facts';
import { repairGenerated } from './repair';

const root = join(__dirname, '..', '..');
const target = join(root, 'libs', 'proto', 'gen');
/** Made beside the target and put in its place whole, so that nobody reads half of it. */
const staging = join(root, 'libs', 'proto', `.gen-${process.pid}`);
const out = join(staging, 'libs', 'proto', 'gen');

function buf(...args: string[]): Buffer {
  return execFileSync(join(root, 'node_modules', '.bin', 'buf'), args, { cwd: root, maxBuffer: 64 << 20, stdio: ['ignore', 'pipe', 'inherit'] });
}

/** How a message's JSON differs from field-by-field, and which of its fields mean something when zero. */
interface SchemaMessage {
  readonly fields: readonly FactField[];
  /** Fields whose members stand in the parent object. */
  readonly inline?: readonly string[];
  readonly jsonNames?: Readonly<Record<string, string>>;
  /** JSON is the bare array of `items`. */
  readonly array?: true;
  /** JSON has a form of its own (encodings.md). */
  readonly custom?: true;
  readonly pointer?: readonly string[];
  readonly always?: readonly string[];
  readonly omitzero?: readonly string[];
}

function schemaOf(name: string, facts: MessageFacts, presence: PresenceFacts | undefined): SchemaMessage {
  return {
    fields: facts.messages.get(name) ?? [],
    ...(facts.jsonInline[name] && { inline: facts.jsonInline[name] }),
    ...(facts.jsonName[name] && { jsonNames: facts.jsonName[name] }),
    ...(facts.jsonArray.includes(name) && { array: true as const }),
    ...(facts.jsonCustom.includes(name) && { custom: true as const }),
    ...presence,
  };
}

function writeSchema(): void {
  const facts = readMessageFacts();
  const presence = readPresenceFacts();
  const schema = Object.fromEntries([...facts.messages.keys()].map((name) => [name, schemaOf(name, facts, presence[name])]));
  // A JSON string parses several times faster than an object literal of this size, and once.
  writeFileSync(join(out, 'schema.ts'), `/* Made by tools/proto-gen. */\nexport const schemaJson = ${JSON.stringify(JSON.stringify(schema))};\n`);
}

/** How lists and maps merge, by message and JSON key (strategic merge, server-side apply). */
function writeMergeFacts(): void {
  const facts = Object.fromEntries(Object.entries(readFacts('k8s-merge.json')).filter(([name]) => !name.startsWith('_')));
  writeFileSync(join(out, 'merge-facts.ts'), `/* Made by tools/proto-gen. */\nexport const mergeFactsJson = ${JSON.stringify(JSON.stringify(facts))};\n`);
}

function writeDescriptorSet(): void {
  const set = buf('build', '--as-file-descriptor-set', '--exclude-source-info', '-o', '-#format=binpb');
  writeFileSync(join(out, 'descriptor-set.ts'), `/* Made by tools/proto-gen. */\nexport const descriptorSetBase64 = '${set.toString('base64')}';\n`);
}

/** Where each protobuf package's messages are, loaded when first asked for: the generated code is large. */
function writeMessageLookup(files: readonly string[]): void {
  const rows = files
    .filter((path) => path.startsWith('k8s/'))
    .map((path) => `  '${path.split('/').slice(0, -1).join('.')}': () => require('./${path.replace(/\.ts$/, '')}'),\n`);
  const type = 'Readonly<Record<string, () => Readonly<Record<string, unknown>>>>';
  writeFileSync(join(out, 'messages.ts'), `/* Made by tools/proto-gen. */\nexport const messagePackages: ${type} = {\n${rows.join('')}};\n`);
}

function repairAll(): string[] {
  const paths = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.ts')).sort();
  const texts = new Map(paths.map((path) => [path, readFileSync(join(out, path), 'utf8')]));
  for (const [path, text] of repairGenerated(texts)) writeFileSync(join(out, path), text);
  return paths;
}

mkdirSync(staging, { recursive: true });
buf('generate', '-o', staging);
writeMessageLookup(repairAll());
writeSchema();
writeMergeFacts();
writeDescriptorSet();
rmSync(`${target}.old`, { recursive: true, force: true });
renameIfThere(target, `${target}.old`);
renameSync(out, target);
rmSync(`${target}.old`, { recursive: true, force: true });
rmSync(staging, { recursive: true, force: true });

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
