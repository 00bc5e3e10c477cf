/**
 * What ts-proto 2.18 gets wrong for us, put right in its output. Each repair must match, so that a new ts-proto version
 * that writes other code fails the generation instead of losing the repair.
 * - A map key `__proto__` vanishes into the object's prototype, and an entry without value (proto3 leaves zeros out) is dropped.
 * - A stray end-group or zero tag ends a message in silence; a nested message may read past its own end.
 */
const repairs: readonly { readonly name: string; readonly pattern: RegExp; readonly replacement: string }[] = [
  {
    name: 'map entries are defined, not assigned',
    pattern: /if \((entry\d+)\.value !== undefined && entry\d+\.key !== undefined\) \{\s*if \((message\.\w+) === undefined\) \{\s*message\.\w+ = \{\};\s*\}\s*message\.\w+!\[entry\d+\.key\] = entry\d+\.value;\s*\}/g,
    replacement: '$2 ??= {};\n            if ($1.key === "__proto__") {\n              globalThis.Object.defineProperty($2, $1.key, { value: $1.value, enumerable: true, writable: true, configurable: true });\n            } else {\n              $2[$1.key!] = $1.value!;\n            }',
  },
  {
    name: 'no silent end of a message',
    pattern: /if \(\(tag & 7\) === 4 \|\| tag === 0\) \{\s*break;\s*\}/g,
    replacement: 'if ((tag & 7) === 4 || tag === 0) {\n          throw new globalThis.Error("illegal tag " + tag);\n        }',
  },
  {
    name: 'a message ends where its length says',
    pattern: /return message;(\s*\} finally \{)/g,
    replacement: 'if (reader.pos !== end) {\n        throw new globalThis.Error("unexpected EOF");\n      }\n      return message;$1',
  },
];

/** Zero values of the scalar types, as TypeScript. Message values start empty. */
const zeroOf: Readonly<Record<string, string>> = { string: '""', number: '0', boolean: 'false', Buffer: 'Buffer.alloc(0)' };

/** A map entry starts with the zero key and value: absent on the wire means zero. */
function fillEntryBases(text: string): string {
  return text.replace(/function createBase(\w+Entry)\(\): \w+ \{\s*return \{\};\s*\}/g, (whole, name: string) => {
    const type = new RegExp(`export interface ${name} \\{\\s*key\\?: string \\| undefined;\\s*value\\?: (\\w+)`).exec(text)?.[1];
    return type === undefined ? whole : `function createBase${name}(): ${name} {\n  return { key: "", value: ${zeroOf[type] ?? '{}'} };\n}`;
  });
}

/** The repaired texts of all generated files. Throws when a repair no longer matches anything. */
export function repairGenerated(texts: ReadonlyMap<string, string>): Map<string, string> {
  const missing = new Set(repairs.map(({ name }) => name));
  const repaired = [...texts].map(([path, text]): [string, string] => {
    let result = fillEntryBases(text);
    for (const { name, pattern, replacement } of repairs) {
      const next = result.replace(pattern, replacement);
      if (next !== result) missing.delete(name);
      result = next;
    }
    return [path, result];
  });
  if (missing.size > 0) throw new Error(`ts-proto's output has changed; these repairs match nothing: ${[...missing].join(', ')}`);
  return new Map(repaired);
}
