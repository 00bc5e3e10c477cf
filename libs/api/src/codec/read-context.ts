import { ApiError } from '@navarch/base';

import type { FieldValidation, JsonValue } from '../resource';
import { maxDepth } from './plan';

/** Where a JSON reader stands, and what it found so far. */
export class ReadContext {
  private readonly path: (string | number)[] = [];
  private readonly unknown: string[] = [];
  private structName = '';
  depth = 0;

  constructor(private readonly validation: FieldValidation, private readonly warn?: (message: string) => void) {}

  enter(step: string | number): void {
    this.path.push(step);
  }

  leave(): void {
    this.path.pop();
  }

  /** Runs within a struct of this Go type, one level deeper. */
  within<T>(structName: string, read: () => T): T {
    const outer = this.structName;
    this.structName = structName;
    this.depth++;
    if (this.depth > maxDepth) throw new ApiError('BadRequest', `${this.where() || 'object'}: nested deeper than ${maxDepth} levels`);
    try {
      return read();
    } finally {
      this.depth--;
      this.structName = outer;
    }
  }

  /** spec.containers[0].image */
  where(last?: string): string {
    let text = '';
    for (const step of last === undefined ? this.path : [...this.path, last]) {
      if (typeof step === 'number') text += `[${step}]`;
      else text += text === '' ? step : `.${step}`;
    }
    return text;
  }

  unknownField(name: string): void {
    if (this.validation !== 'Ignore') this.unknown.push(`unknown field ${JSON.stringify(this.where(name))}`);
  }

  /** Throws for a value of the wrong type, worded as Go's decoder does. */
  wrongType(json: JsonValue, goType: string, hint = ''): never {
    const path = this.path.filter((step) => typeof step === 'string').join('.');
    const field = path === '' ? 'Go value' : `Go struct field ${this.structName}.${path}`;
    throw new ApiError('BadRequest', `json: cannot unmarshal ${describeJson(json, goType)} into ${field} of type ${goType}${hint}`);
  }

  /** Throws for a value of the right type that cannot be read, such as a malformed quantity. */
  malformed(message: string): never {
    throw new ApiError('BadRequest', this.path.length === 0 ? message : `${this.where()}: ${message}`);
  }

  /** Reports the unknown fields: an error when strict, else warnings. */
  finish(): void {
    if (this.unknown.length === 0) return;
    if (this.validation === 'Strict') throw new ApiError('BadRequest', `strict decoding error: ${this.unknown.join(', ')}`);
    for (const message of this.unknown) this.warn?.(message);
  }
}

/** A JSON value's type as Go's decoder names it: a number by its value only where a number was wanted, because where text was wanted it may be a secret. */
function describeJson(json: JsonValue, goType: string): string {
  if (Array.isArray(json)) return 'array';
  if (typeof json === 'number') return /^(int|uint|float)/.test(goType) ? `number ${json}` : 'number';
  if (typeof json === 'boolean') return 'bool';
  return json === null ? 'null' : typeof json;
}
