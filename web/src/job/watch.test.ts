import { expect, test } from 'vitest';
import { unreachable } from '../api';
import type { Job } from '../contract';
import { begin, PATIENCE, step, type Watch } from './watch';

function job(state: Job['state'], done = 0): Job {
  const times = { queued_at: '2022-04-01T00:00:00Z', started_at: null, ended_at: null };
  const claimed = { node: null, attempts: 0, error: null };
  return {
    id: 'a',
    kind: 'survey_import',
    state,
    stage: 'reading',
    done,
    total: null,
    ...claimed,
    ...times,
    survey: null,
    layer: null,
    file: null,
    problem: null,
  };
}

test('a running job is followed by events, a finished one not at all', () => {
  expect(begin(job('running')).means).toBe('events');
  expect(begin(job('done')).means).toBe('none');
});

test('when events break, the job is polled and keeps what was known of it', () => {
  let watch: Watch = step(begin(job('running')), { kind: 'job', job: job('running', 500) });
  watch = step(watch, { kind: 'events_broke' });
  expect(watch).toMatchObject({ means: 'poll', job: { done: 500 } });
  watch = step(watch, { kind: 'job', job: job('done', 1200) });
  expect(watch).toMatchObject({ means: 'none', job: { state: 'done' }, lost: null });
});

test('the break that follows the last event changes nothing', () => {
  const ended = step(begin(job('running')), { kind: 'job', job: job('failed') });
  expect(step(ended, { kind: 'events_broke' })).toBe(ended);
});

test('silence is borne until patience ends, and one answer renews it', () => {
  const silence = { kind: 'no_answer', problem: unreachable() } as const;
  let watch = step(begin(job('running')), { kind: 'events_broke' });
  for (let i = 1; i < PATIENCE; i += 1) watch = step(watch, silence);
  expect(watch.means).toBe('poll');
  expect(step(watch, { kind: 'job', job: job('running') }).unanswered).toBe(0);
  expect(step(watch, silence)).toMatchObject({ means: 'none', lost: { status: 0 } });
});

test('a job that the server does not know is given up at once', () => {
  const watch = step(begin(job('running')), { kind: 'events_broke' });
  const problem = { type: '/problems/not_found', title: 'Not found', status: 404, detail: '', detail_en: '' };
  expect(step(watch, { kind: 'no_answer', problem })).toMatchObject({ means: 'none', lost: { status: 404 } });
});
