/**
 * Texts as small dense numbers, so that nodes can be compared by column. An id is never given to another text: what a
 * plugin memoised by id stays true. Id 0 is kept for "absent".
 */
export class Interner {
  private readonly ids = new Map<string, number>();
  private readonly texts: string[] = [''];

  /** The text's id, a new one where it has none. */
  intern(text: string): number {
    const known = this.ids.get(text);
    if (known !== undefined) return known;
    this.ids.set(text, this.texts.length);
    return this.texts.push(text) - 1;
  }

  /** 0 where the text was never seen. */
  find(text: string): number {
    return this.ids.get(text) ?? 0;
  }

  textOf(id: number): string {
    return this.texts[id] ?? '';
  }

  /** One more than the highest id. */
  get size(): number {
    return this.texts.length;
  }
}
