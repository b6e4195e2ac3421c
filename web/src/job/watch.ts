// Watching a job, as a pure step function: events where they come, polling from the moment they fail, giving up only when nobody
// answers for long. `follow.ts` does the talking that this decides on.
import type { Job, Problem } from '../contract';

/** How the job is heard of next: by events, by asking, or no more. */
export type Means = 'events' | 'poll' | 'none';

export interface Watch {
  means: Means;
  job: Job;
  /** Questions in a row that nobody answered. */
  unanswered: number;
  /** Why watching ended without the job ending. */
  lost: Problem | null;
}

export type Heard = { kind: 'job'; job: Job } | { kind: 'events_broke' } | { kind: 'no_answer'; problem: Problem };

/** At one question a second, half a minute: longer than a service's restart, shorter than an officer's patience. */
export const PATIENCE = 30;

export function begin(job: Job): Watch {
  return { means: job.state === 'running' ? 'events' : 'none', job, unanswered: 0, lost: null };
}

export function step(watch: Watch, heard: Heard): Watch {
  if (watch.means === 'none') return watch;
  switch (heard.kind) {
    case 'job':
      return { ...watch, job: heard.job, unanswered: 0, means: heard.job.state === 'running' ? watch.means : 'none' };
    case 'events_broke':
      return { ...watch, means: 'poll' };
    case 'no_answer': {
      const unanswered = watch.unanswered + 1;
      // A refusal such as 404 will not change by asking again; silence and a server's own failure may.
      const final = (heard.problem.status >= 400 && heard.problem.status < 500) || unanswered >= PATIENCE;
      return final ? { ...watch, unanswered, means: 'none', lost: heard.problem } : { ...watch, unanswered };
    }
  }
}
