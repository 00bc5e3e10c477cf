import type { Places } from './places';
import { bootId } from '../host/proc';
import { supervisorOf } from './remove';
import { readState, type ClusterState } from './state';

/**
 * absent: nothing there. running: processes and their supervisor run. unsupervised: started, but the supervisor was
 * killed. broken: a start that did not come to its end. stopped: removed with --keep, or the machine was restarted.
 */
export type ClusterPhase = 'absent' | 'running' | 'unsupervised' | 'broken' | 'stopped';

export function clusterPhase(places: Places): { phase: ClusterPhase; state?: ClusterState } {
  const state = readState(places);
  if (!state) return { phase: 'absent' };
  if (state.phase === 'stopped' || state.bootId !== bootId()) return { phase: 'stopped', state };
  if (state.phase === 'starting') return { phase: 'broken', state };
  return { phase: supervisorOf(places) ? 'running' : 'unsupervised', state };
}

/** The cluster's state, or an error that says how to start it. */
export function requireRunning(places: Places): ClusterState {
  const { phase, state } = clusterPhase(places);
  if (state && (phase === 'running' || phase === 'unsupervised')) return state;
  const name = places.cluster === 'default' ? '' : ` --name ${places.cluster}`;
  throw new Error(`cluster "${places.cluster}" is not running; start it with: navarch up${name}`);
}
