/**
 * Writes proto/ from tools/facts: every Kubernetes message, the container runtime interface, and one typed service per
 * served kind. `--check` writes nothing and fails when a generated file is missing, stale or left over.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { readCriFacts, readMessageFacts, readResourceFacts } from './facts';
import { criProto, kubernetesProtos, type ProtoFile } from './messages';
import { servedResources } from './served';
import { serviceProto } from './services';

const root = join(__dirname, '..', '..');
const marker = '// Made by tools/proto-gen';

function wantedFiles(): Map<string, string> {
  const messages = readMessageFacts();
  const services = readResourceFacts()
    .filter(({ plural, group }) => servedResources.includes(`${plural}.${group}`))
    .map((resource) => serviceProto(resource, messages));
  const files: ProtoFile[] = [...kubernetesProtos(messages), criProto(readCriFacts()), ...services];
  return new Map(files.map(({ path, text }) => [join('proto', path), text]));
}

function presentFiles(): Map<string, string> {
  const names = readdirSync(join(root, 'proto'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.proto'));
  const texts = names.map((name): [string, string] => [join('proto', name), readFileSync(join(root, 'proto', name), 'utf8')]);
  return new Map(texts.filter(([, text]) => text.startsWith(marker)));
}

function main(check: boolean): void {
  const wanted = wantedFiles();
  const present = presentFiles();
  const stale = [...wanted].filter(([path, text]) => present.get(path) !== text);
  const leftOver = [...present.keys()].filter((path) => !wanted.has(path));
  if (check) {
    for (const [path] of stale) console.error(`stale: ${path}`);
    for (const path of leftOver) console.error(`left over: ${path}`);
    if (stale.length + leftOver.length > 0) {
      console.error('run: npx nx run proto:facts');
      process.exitCode = 1;
    }
    return;
  }
  for (const [path, text] of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  for (const path of leftOver) rmSync(join(root, path));
  console.log(`proto: ${wanted.size} files, ${stale.length} written, ${leftOver.length} removed`);
}

main(process.argv.includes('--check'));
