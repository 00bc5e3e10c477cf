import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { Command, Option } from 'commander';

import { formatTable } from '../api/table';
import { clusterPhase, requireRunning } from '../cluster/running';
import { archiveFile, imageDirectory, writeArchive } from '../image/bundled';
import { buildImageArchive } from '../image/archive';
import { readImageDescription } from '../image/description';
import { listImages, loadImage } from '../image/nodes';
import { presetDescription, presetNames, type Preset } from '../image/presets';
import { nameOption, placesFor, type CommandContext, type NameOption } from './context';

/** `image build|load|list`. */
export function imageCommand(context: CommandContext): Command {
  return new Command('image').description('Make container images without a container builder, and bring them onto the nodes.')
    .addCommand(buildCommand(context)).addCommand(loadCommand(context)).addCommand(listCommand(context));
}

interface BuildOptions extends NameOption {
  readonly tag?: string;
  readonly preset?: Preset;
  readonly output?: string;
  readonly load: boolean;
}

const imageYamlHelp = `
DIR holds image.yaml and the files it names:

  files:
    - { from: app, to: /app }                        # a file or directory beside image.yaml; keeps its modes
    - { content: "hello\\n", to: /etc/motd, mode: "0644" }
  directories: { /tmp: "1777" }
  links: { /bin/sh: /bin/busybox }
  entrypoint: [/app/run]
  cmd: [--help]
  env: { LANG: C.UTF-8 }
  workdir: /app
  user: "1000:1000"

The same input gives the same image, byte for byte.`;

function buildCommand(context: CommandContext): Command {
  return new Command('build').description('Make an OCI image archive from a directory with an image.yaml, or one of the presets.')
    .argument('[dir]', 'directory with image.yaml')
    .addOption(new Option('--preset <preset>', 'instead of a directory').choices(Object.keys(presetNames)))
    .option('-t, --tag <name>', 'the image\'s name, such as navarch.local/app:1')
    .option('-o, --output <file>', 'where to write the archive (default: among the home directory\'s images)')
    .addOption(nameOption())
    .option('--load', 'load it into the nodes of the running cluster', false)
    .addHelpText('after', imageYamlHelp)
    .action(async (directory: string | undefined, options: BuildOptions) => {
      if ((directory === undefined) === (options.preset === undefined)) throw new Error('name either a directory or a preset');
      const tag = options.tag ?? (options.preset && presetNames[options.preset]);
      if (!tag) throw new Error('name the image: -t navarch.local/app:1');
      const description = options.preset ? await presetDescription(options.preset) : readImageDescription(directory ?? '.');
      const image = await buildImageArchive(tag, description);
      const file = options.output ?? archiveFile(context.home, image.name);
      writeArchive(file, image.bytes);
      context.write(`${image.name} ${image.digest}\n${file} (${image.bytes.length} bytes)\n`);
      if (options.load) await load(context, options, [file]);
    });
}

function loadCommand(context: CommandContext): Command {
  return new Command('load').description('Import image archives (OCI or Docker) into the nodes of a running cluster.')
    .argument('[files...]', 'archives').addOption(nameOption())
    .option('--all', 'every image that was built here', false)
    .option('--node <node>', 'only into this node')
    .action(async (files: string[], options: NameOption & { all: boolean; node?: string }) => {
      if (files.length === 0 && !options.all) throw new Error('name an archive, or say --all');
      await load(context, options, options.all ? [...files, ...builtImages(context.home)] : files);
    });
}

async function load(context: CommandContext, options: NameOption & { node?: string }, files: readonly string[]): Promise<void> {
  const places = placesFor(context, options);
  const state = requireRunning(places);
  for (const file of files) {
    const nodes = await context.progress.step(`Loading ${file}`, () => loadImage(places, state, file, options.node));
    context.write(`${file}: loaded into ${nodes.join(', ')}\n`);
  }
}

function listCommand(context: CommandContext): Command {
  return new Command('list').description('Show the images on the nodes, and the archives that were built here.')
    .addOption(nameOption())
    .action(async (options: NameOption) => {
      const places = placesFor(context, options);
      const { phase, state } = clusterPhase(places);
      const nodes = state && phase === 'running' ? state.nodes : [];
      const onNodes = await Promise.all(nodes.map(async ({ name }) => (await listImages(places, name)).map((image) => [name, image])));
      const built = builtImages(context.home).map((file) => ['-', file]);
      context.write(`${formatTable([['NODE', 'IMAGE'], ...onNodes.flat(), ...built])}\n`);
    });
}

function builtImages(home: string): string[] {
  const directory = imageDirectory(home);
  return existsSync(directory) ? readdirSync(directory).filter((file) => file.endsWith('.tar')).sort().map((file) => join(directory, file)) : [];
}

