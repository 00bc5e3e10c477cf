import type { ApiObject, Column } from '@navarch/api';

export interface TableOptions {
  readonly wide: boolean;
  readonly withNamespace: boolean;
  /** Put before each name, as in pod/web. */
  readonly prefix?: string;
  readonly nowMs: number;
}

export function tableHeader(columns: readonly Column<ApiObject>[], options: TableOptions): string[] {
  return [...(options.withNamespace ? ['NAMESPACE'] : []), ...shown(columns, options).map(({ name }) => name.toUpperCase())];
}

export function tableRow(object: ApiObject, columns: readonly Column<ApiObject>[], options: TableOptions): string[] {
  const cells = shown(columns, options).map((column) => {
    const value = String(column.value(object, options.nowMs));
    return column.format === 'name' && options.prefix ? `${options.prefix}/${value}` : value;
  });
  return [...(options.withNamespace ? [object.metadata?.namespace ?? ''] : []), ...cells];
}

const shown = (columns: readonly Column<ApiObject>[], { wide }: TableOptions): Column<ApiObject>[] => columns.filter(({ priority }) => wide || !priority);

/** Columns as wide as their widest cell (or as `widths` says), three blanks between them. */
export function formatTable(rows: readonly (readonly string[])[], widths: readonly number[] = columnWidths(rows)): string {
  return rows.map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join('   ').trimEnd()).join('\n');
}

export function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: count }, (_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
}

/** An age as Kubernetes prints it: 45s, 3m20s, 5h10m, 4d. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [minutes, hours, days] = [Math.floor(seconds / 60), Math.floor(seconds / 3600), Math.floor(seconds / 86_400)];
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return seconds % 60 ? `${minutes}m${seconds % 60}s` : `${minutes}m`;
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return minutes % 60 ? `${hours}h${minutes % 60}m` : `${hours}h`;
  if (hours < 48) return `${hours}h`;
  return `${days}d`;
}
