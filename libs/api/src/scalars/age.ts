import type { Time } from '@navarch/proto/k8s/io/apimachinery/pkg/apis/meta/v1/meta';

import { timeToMs } from './time';

/** How kubectl prints an elapsed time: 5s, 3m10s, 47h, 2y35d. */
export function durationText(elapsedMs: number): string {
  const seconds = Math.trunc(elapsedMs / 1000);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return pair(days, 'd', hours % 24, 'h');
  if (days < 730) return `${days}d`;
  const years = Math.floor(days / 365);
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}

/** Age of a time as kubectl prints it; `<unknown>` when there is none. */
export function ageText(time: Time | undefined, nowMs: number): string {
  const ms = timeToMs(time);
  return ms === undefined ? '<unknown>' : durationText(nowMs - ms);
}
