/** What a person types after a verb: `pods`, `pods web`, `pod/web`, `pods,nodes`. */
export interface Target {
  readonly kind: string;
  /** Absent: all of the kind. */
  readonly name?: string;
}

export function parseTargets(words: readonly string[]): Target[] {
  const [first, ...names] = words;
  if (!first) throw new Error('name a kind, such as "pods" or "pod/web"');
  if (words.some((word) => word.includes('/'))) {
    return words.map((word) => {
      const [kind, name, more] = word.split('/');
      if (!kind || !name || more !== undefined) throw new Error(`"${word}": write KIND/NAME, such as pod/web, for every object`);
      return { kind, name };
    });
  }
  const kinds = first.split(',').filter((kind) => kind !== '');
  return names.length === 0 ? kinds.map((kind) => ({ kind })) : kinds.flatMap((kind) => names.map((name) => ({ kind, name })));
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration such as 90s, 1h30m or 2d, in milliseconds. Throws for anything else. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) throw new Error(`"${text}" is no duration; use something like 30s, 5m or 1h30m`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0), 0);
}

export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`"${text}" is no whole number of 0 or more`);
  return Number(text);
}
