import { flagName, formatDuration, type ConfigField, type ConfigFields } from './field';

/** The text of --help: each field with its form, default and description. */
export function helpText(processName: string, fields: ConfigFields): string {
  const rows = Object.entries(fields).map(([name, field]) => [`--${flagName(name)}${formOf(field)}`, `${field.description}${noteOf(field)}`] as const);
  rows.push(['--config FILE', 'YAML file with settings by name, such as "logLevel: debug".']);
  const width = Math.min(Math.max(...rows.map(([left]) => left.length)), 40);
  const lines = rows.map(([left, right]) => (left.length > width ? `  ${left}\n  ${' '.repeat(width)}  ${right}` : `  ${left.padEnd(width)}  ${right}`));
  return [
    `Usage: ${processName} [flags]`, '', ...lines, '',
    'Each flag can also be set as a variable (--node-name as NAVARCH_NODE_NAME) or in the file. Flags win over variables, variables over the file.', '',
  ].join('\n');
}

function formOf(field: ConfigField): string {
  switch (field.type) {
    case 'boolean':
      return '';
    case 'choice':
      return ` ${field.choices.join('|')}`;
    case 'list':
      return ' VALUE[,VALUE]';
    case 'secret':
      return '-file FILE';
    case 'integer':
    case 'number':
      return ` ${field.unit?.toUpperCase() ?? 'NUMBER'}`;
    case 'duration':
      return ' DURATION';
    case 'string':
      return ' TEXT';
  }
}

function noteOf(field: ConfigField): string {
  if ('required' in field && field.required) return ' Required.';
  if (!('default' in field) || field.default === undefined || field.default === '' || field.default === false) return '';
  const value = field.type === 'duration' && typeof field.default === 'number' ? formatDuration(field.default) : String(field.default);
  return value === '' ? '' : ` Default: ${value}.`;
}
