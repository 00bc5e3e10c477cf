import type { Image } from '@navarch/proto/runtime/v1/cri';

const sizeBytes = 1_000_000;

/** The images of a fake runtime: id by complete tag. */
export class FakeImages {
  private readonly ids = new Map<string, string>();

  constructor(private readonly newId: () => string, present: readonly string[] = []) {
    for (const image of present) this.add(image);
  }

  /** Answers its id; the same one where it is there already. */
  add(image: string): string {
    const known = this.ids.get(normalized(image));
    if (known) return known;
    const id = `sha256:${this.newId()}`;
    this.ids.set(normalized(image), id);
    return id;
  }

  /** The id of an image named by tag or id. */
  find(image = ''): string | undefined {
    if (image.startsWith('sha256:')) return [...this.ids.values()].find((id) => id === image);
    return this.ids.get(normalized(image));
  }

  status(image: string): Image | undefined {
    const id = this.find(image);
    return id === undefined ? undefined : { id, repoTags: [normalized(image)], size: sizeBytes };
  }

  list(): Image[] {
    return Array.from(this.ids, ([tag, id]) => ({ id, repoTags: [tag], size: sizeBytes }));
  }

  /** By id every tag goes, as containerd does it. */
  remove(image: string): void {
    for (const [tag, id] of this.ids) if (id === image || tag === normalized(image)) this.ids.delete(tag);
  }
}

/** Docker's short form, completed as containerd does. */
export function normalized(image: string): string {
  const first = image.split('/')[0] ?? '';
  const named = !image.includes('/') ? `docker.io/library/${image}` : /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`;
  return /[:@][^/]*$/.test(named) ? named : `${named}:latest`;
}
