import { ApiError } from '@navarch/base';
import type { LabelSelector } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { labelValue, qualifiedName } from '../validation/names';

export type Labels = Readonly<Record<string, string>>;
export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

/** A compiled selector. */
export interface LabelMatcher {
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels | undefined): boolean;
}

const none: Labels = {};

export function matcherFor(requirements: readonly LabelRequirement[]): LabelMatcher {
  return { requirements, matches: (labels = none) => requirements.every((requirement) => matchesRequirement(requirement, labels)) };
}

/** Whether labels satisfy one requirement; NotIn is also satisfied by a missing key. */
export function matchesRequirement({ key, operator, values }: LabelRequirement, labels: Labels): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case 'In': return value !== undefined && values.includes(value);
    case 'NotIn': return value === undefined || !values.includes(value);
    case 'Exists': return value !== undefined;
    case 'DoesNotExist': return value === undefined;
    case 'Gt': return compareIntegers(value, values[0]) > 0;
    case 'Lt': return compareIntegers(value, values[0]) < 0;
  }
}

/** NaN, which no comparison accepts, when one is no integer. */
function compareIntegers(left: string | undefined, right: string | undefined): number {
  const integer = /^[+-]?\d{1,19}$/;
  if (!left || !right || !integer.test(left) || !integer.test(right)) return NaN;
  const [a, b] = [BigInt(left.replace('+', '')), BigInt(right.replace('+', ''))];
  return a < b ? -1 : a > b ? 1 : 0;
}

const matchesNothing: LabelMatcher = { requirements: [], matches: () => false };

/** The message form: absent selects nothing, empty selects everything. Throws ApiError BadRequest for an unknown operator. */
export function matcherOf(selector: LabelSelector | undefined): LabelMatcher {
  if (!selector) return matchesNothing;
  const exact = Object.entries(selector.matchLabels ?? {}).map(([key, value]): LabelRequirement => ({ key, operator: 'In', values: [value] }));
  const expressions = (selector.matchExpressions ?? []).map(({ key = '', operator = '', values = [] }): LabelRequirement => {
    if (!isSelectorOperator(operator)) throw new ApiError('BadRequest', `${JSON.stringify(operator)} is not a valid label selector operator`);
    return { key, operator, values };
  });
  return matcherFor([...exact, ...expressions]);
}

function isSelectorOperator(operator: string): operator is 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' {
  return ['In', 'NotIn', 'Exists', 'DoesNotExist'].includes(operator);
}

/**
 * The string form: `a=b,c!=d,e in (x,y),f notin (z),g,!h,i>1,j<2`; empty selects everything. Throws ApiError BadRequest
 * in Kubernetes' words.
 */
export function parseLabelSelector(text: string): LabelMatcher {
  return matcherFor(new SelectorParser(text).parse());
}

const tokenPattern = /\s*(?:(==|!=|=|!|\(|\)|,|>|<)|([^\s=!(),<>]+))/y;

class SelectorParser {
  private readonly tokens: readonly string[];
  private at = 0;

  constructor(text: string) {
    this.tokens = tokenize(text);
  }

  parse(): LabelRequirement[] {
    const found: LabelRequirement[] = [];
    if (this.peek() === '') return found;
    for (;;) {
      found.push(this.requirement());
      const next = this.take();
      if (next === '') return found;
      if (next !== ',') throw unparsable(`found '${next}', expected: ',' or 'end of string'`);
      if (!isWord(this.peek()) && this.peek() !== '!') throw unparsable(`found '${this.peek()}', expected: identifier after ','`);
    }
  }

  private requirement(): LabelRequirement {
    const negated = this.peek() === '!';
    if (negated) this.take();
    const key = this.take();
    if (!isWord(key)) throw unparsable(`found '${key}', expected: !, identifier, or 'end of string'`);
    checkPart(key, qualifiedName(key), 'key');
    const next = this.peek();
    if (negated || next === '' || next === ',') return { key, operator: negated ? 'DoesNotExist' : 'Exists', values: [] };
    return this.operation(key, this.take());
  }

  private operation(key: string, operator: string): LabelRequirement {
    switch (operator) {
      case '=': case '==': return { key, operator: 'In', values: [this.value(key)] };
      case '!=': return { key, operator: 'NotIn', values: [this.value(key)] };
      case 'in': return { key, operator: 'In', values: this.list(key) };
      case 'notin': return { key, operator: 'NotIn', values: this.list(key) };
      case '>': case '<': return { key, operator: operator === '>' ? 'Gt' : 'Lt', values: [this.integer(key)] };
      default: throw unparsable(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`);
    }
  }

  private value(key: string): string {
    if (!isWord(this.peek())) {
      if (this.peek() === ',' || this.peek() === '') return '';
      throw unparsable(`found '${this.peek()}', expected: identifier`);
    }
    const value = this.take();
    checkPart(value, labelValue(value), key);
    return value;
  }

  private integer(key: string): string {
    const value = this.value(key);
    if (!/^[+-]?\d+$/.test(value)) throw unparsable(`values[0][${key}]: Invalid value: "${value}": for 'Gt', 'Lt' operators, the value must be an integer`);
    return value;
  }

  private list(key: string): string[] {
    const open = this.take();
    if (open !== '(') throw unparsable(`found '${open}' expected: '('`);
    const values = [this.listValue(key)];
    for (;;) {
      const next = this.take();
      if (next === ')') return [...new Set(values)];
      if (next !== ',') throw unparsable(`found '${next}', expected: ',' or ')'`);
      values.push(this.listValue(key));
    }
  }

  /** A value inside parentheses may be empty. */
  private listValue(key: string): string {
    return this.peek() === ')' ? '' : this.value(key);
  }

  private peek(): string {
    return this.tokens[this.at] ?? '';
  }

  private take(): string {
    return this.tokens[this.at++] ?? '';
  }
}

function tokenize(text: string): string[] {
  const tokens: string[] = [];
  tokenPattern.lastIndex = 0;
  while (tokenPattern.lastIndex < text.length) {
    const from = tokenPattern.lastIndex;
    const match = tokenPattern.exec(text);
    if (!match) {
      if (text.slice(from).trim() === '') break;
      throw unparsable(`unexpected character in ${JSON.stringify(text)}`);
    }
    tokens.push(match[1] ?? match[2] ?? '');
  }
  return tokens;
}

function isWord(token: string): boolean {
  return token !== '' && !/^[=!(),<>]/.test(token);
}

function checkPart(value: string, complaints: readonly string[], path: string): void {
  if (complaints.length > 0) throw unparsable(`${path}: Invalid value: ${JSON.stringify(value)}: ${complaints.join('; ')}`);
}

function unparsable(why: string): ApiError {
  return new ApiError('BadRequest', `unable to parse requirement: ${why}`);
}
