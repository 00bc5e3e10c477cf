const secretName = /^(.*token|.*password|passwd|authorization|bearer|.*secret|stringData|credentials?|cookie|.*privateKey|keyPem|clientKey)$/i;
const maxDepth = 6;

/**
 * A copy of log fields without secrets: values of fields that are named like one, all raw bytes (a Secret's data), and
 * everything a Secret object holds. Errors become plain objects with their causes.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : value;
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return describeError(value, depth);
  if (depth >= maxDepth) return Array.isArray(value) ? `[${value.length} items]` : '[object]';
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  if (value instanceof Map || value instanceof Set) return redact([...value], depth);
  if (value instanceof Date) return value.toISOString();
  const isSecret = (value as { kind?: unknown }).kind === 'Secret';
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [
    name, (secretName.test(name) && inner !== undefined && inner !== null && typeof inner !== 'boolean') || (isSecret && name === 'data') ? '[redacted]' : redact(inner, depth + 1),
  ]));
}

function describeError(error: Error, depth: number): Record<string, unknown> {
  const { reason, code, details } = error as Error & { reason?: unknown; code?: unknown; details?: unknown };
  return {
    type: error.name, message: error.message, ...(reason !== undefined && { reason }), ...(code !== undefined && { code }),
    ...(details !== undefined && { details: redact(details, depth + 1) }),
    ...(error.cause !== undefined && depth < maxDepth && { cause: redact(error.cause, depth + 1) }),
    // An ApiError is an answer, told by its reason; a stack is for what nobody expected.
    ...(reason === undefined && { stack: error.stack }),
  };
}
