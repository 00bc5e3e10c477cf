/** As many as anybody reads: a hostile text has hundreds of thousands, each at the end of a long path. */
const maxFound = 50;

/**
 * Paths of keys that stand twice in one object of a JSON text: JSON.parse keeps only the last. For strict field
 * validation (`duplicate field "spec.replicas"`); the first 50. Linear; expects text that JSON.parse accepts.
 */
export function findDuplicateFields(text: string): string[] {
  return new Scanner(text).run();
}

interface Frame {
  /** Undefined in an array. */
  readonly keys: Set<string> | undefined;
  index: number;
  key: string;
}

class Scanner {
  private readonly frames: Frame[] = [];
  private readonly found: string[] = [];

  constructor(private readonly text: string) {}

  run(): string[] {
    const { text } = this;
    for (let at = 0; at < text.length; at++) {
      const char = text[at];
      if (char === '"') at = this.string(at);
      else if (char === '{') this.frames.push({ keys: new Set(), index: 0, key: '' });
      else if (char === '[') this.frames.push({ keys: undefined, index: 0, key: '' });
      else if (char === '}' || char === ']') this.frames.pop();
      else if (char === ',') this.next();
    }
    return this.found;
  }

  private next(): void {
    const frame = this.frames.at(-1);
    if (frame) frame.index++;
  }

  /** Answers the position of the closing quote. */
  private string(start: number): number {
    let end = start + 1;
    while (end < this.text.length && this.text[end] !== '"') end += this.text[end] === '\\' ? 2 : 1;
    const frame = this.frames.at(-1);
    if (frame?.keys && this.isKey(end)) this.key(frame, JSON.parse(this.text.slice(start, end + 1)) as string);
    return end;
  }

  private isKey(closingQuote: number): boolean {
    let at = closingQuote + 1;
    while (' \t\n\r'.includes(this.text[at] ?? 'x')) at++;
    return this.text[at] === ':';
  }

  private key(frame: Frame, key: string): void {
    frame.key = key;
    if (frame.keys?.has(key) && this.found.length < maxFound) this.found.push(this.path());
    frame.keys?.add(key);
  }

  private path(): string {
    let path = '';
    for (const { keys, index, key } of this.frames) path += keys === undefined ? `[${index}]` : path === '' ? key : `.${key}`;
    return path;
  }
}
