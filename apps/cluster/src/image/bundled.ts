import { existsSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { findProgram } from '../requirements/requirements';
import { buildImageArchive } from './archive';
import { presetDescription, presetNames, type Preset } from './presets';

const presets: readonly Preset[] = ['pause', 'busybox'];

/** Where built images are kept for the clusters to come. */
export const imageDirectory = (home: string): string => join(home, 'images');

export const archiveFile = (home: string, name: string): string => join(imageDirectory(home), `${name.replace(/[/:]/g, '_')}.tar`);

/** The archives of the images that every node gets; built anew only where busybox is newer than they are. */
export async function bundledImages(home: string): Promise<string[]> {
  return Promise.all(presets.map(async (preset) => {
    const file = archiveFile(home, presetNames[preset]);
    const busybox = findProgram('busybox');
    const fresh = existsSync(file) && busybox !== undefined && statSync(file).mtimeMs > statSync(busybox).ctimeMs && statSync(file).mtimeMs > statSync(__filename).ctimeMs;
    if (!fresh) writeArchive(file, (await buildImageArchive(presetNames[preset], await presetDescription(preset))).bytes);
    return file;
  }));
}

/** Whole or not at all. */
export function writeArchive(file: string, bytes: Buffer): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, bytes);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}
