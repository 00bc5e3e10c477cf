import type { JsonValue } from '../resource';

/** How one field merges: the patch strategies of strategic merge and the list and map types of server-side apply. */
export interface FieldRule {
  /** The message of the field, of a list's elements, or of a map's values; absent for scalars. */
  readonly message?: string;
  readonly shape: 'single' | 'list' | 'map';
  /** Strategic merge: merge, replace, retainKeys. */
  readonly strategies: readonly string[];
  /** Strategic merge: the member that tells elements apart. */
  readonly patchKey?: string;
  /** Server-side apply; atomic where nothing is said of a list. */
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listKeys: readonly string[];
  /** Server-side apply: the field is owned as a whole. */
  readonly atomic: boolean;
  /** What the field counts as in a list's key where an element lacks it (a port's protocol: TCP). */
  readonly keyDefault?: JsonValue;
}

/** Looks a JSON key up in a message, inline members included. Undefined for a field the message does not have. */
export type MergeSchema = (message: string, key: string) => FieldRule | undefined;

interface MergeFact {
  readonly patch?: string;
  readonly patchKey?: string;
  readonly list?: 'atomic' | 'set' | 'map';
  readonly keys?: readonly string[];
  readonly map?: 'atomic' | 'granular';
  /** JSON text, or a reference to a constant. */
  readonly default?: string;
}

interface SchemaMessage {
  readonly fields: readonly (readonly [number: number, name: string, type: string, label: string])[];
  readonly inline?: readonly string[];
  readonly jsonNames?: Readonly<Record<string, string>>;
  readonly array?: true;
  readonly custom?: true;
}

/** Builds the lookup from the generated tables: messages with their fields, and merge facts by message and JSON key. */
export function createMergeSchema(
  messages: Readonly<Record<string, SchemaMessage>>, facts: Readonly<Record<string, Readonly<Record<string, MergeFact>>>>,
): MergeSchema {
  const compiled = new Map<string, ReadonlyMap<string, FieldRule>>();

  const fullName = (type: string, parent: string): string | undefined => {
    const name = type.includes('.') ? type : `${parent.slice(0, parent.lastIndexOf('.'))}.${type}`;
    const message = messages[name];
    // Scalars with a JSON form of their own (Quantity, Time …) and bare arrays merge as values.
    return message && !message.custom && !message.array ? name : undefined;
  };

  const ruleOf = (parent: string, key: string, type: string, label: string): FieldRule => {
    const fact = facts[parent]?.[key] ?? {};
    const mapValue = /^map<\w+,(.+)>$/.exec(type)?.[1];
    const shape = mapValue !== undefined ? 'map' : label === 'repeated' ? 'list' : 'single';
    const message = fullName(mapValue ?? type, parent);
    return {
      ...(message !== undefined && { message }),
      shape,
      strategies: fact.patch?.split(',') ?? [],
      ...(fact.patchKey !== undefined && { patchKey: fact.patchKey }),
      listType: fact.list ?? 'atomic',
      listKeys: fact.keys ?? [],
      ...(fact.default?.startsWith('"') && { keyDefault: JSON.parse(fact.default) as string }),
      atomic: fact.map === 'atomic' || (shape === 'single' && message === undefined),
    };
  };

  const compile = (name: string): ReadonlyMap<string, FieldRule> => {
    const present = compiled.get(name);
    if (present) return present;
    const rules = new Map<string, FieldRule>();
    compiled.set(name, rules);
    const message = messages[name];
    for (const [, field, type, label] of message?.fields ?? []) {
      if (message?.inline?.includes(field)) {
        const inlined = fullName(type, name);
        if (inlined) for (const [key, rule] of compile(inlined)) rules.set(key, rule);
      } else {
        const key = message?.jsonNames?.[field] ?? field;
        rules.set(key, ruleOf(name, key, type, label));
      }
    }
    return rules;
  };

  return (message, key) => compile(message).get(key);
}
