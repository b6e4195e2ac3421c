// Follows a job to its end over server-sent events, and by asking where those do not come through (a proxy may hold them back).
import { api, problemFrom } from '../api';
import type { Job } from '../contract';
import { begin, step, type Heard, type Watch } from './watch';

const POLL_EVERY_MS = 1000;

/** Events that say nothing for this long are taken for held back, not for a slow job: the server sends progress while it runs. */
const SILENCE_MS = 15_000;

/** Tells `changed` of every step; returns what stops the following. */
export function follow(job: Job, changed: (watch: Watch) => void): () => void {
  let watch = begin(job);
  let stopped = false;
  let events: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function hear(heard: Heard): void {
    if (stopped) return;
    const before = watch.means;
    watch = step(watch, heard);
    if (watch.means !== 'events') events?.close();
    if (watch.means !== before) clearTimeout(timer);
    changed(watch);
    if (watch.means === 'poll') timer = setTimeout(ask, before === 'poll' ? POLL_EVERY_MS : 0);
  }

  function waitForEvents(): void {
    clearTimeout(timer);
    timer = setTimeout(() => hear({ kind: 'events_broke' }), SILENCE_MS);
  }

  async function ask(): Promise<void> {
    try {
      hear({ kind: 'job', job: await api.job(job.id) });
    } catch (thrown) {
      hear({ kind: 'no_answer', problem: problemFrom(thrown) });
    }
  }

  function listen(): void {
    events = new EventSource(`/api/jobs/${encodeURIComponent(job.id)}/events`);
    for (const name of ['progress', 'done', 'failed']) {
      events.addEventListener(name, (event) => {
        waitForEvents();
        hear({ kind: 'job', job: JSON.parse((event as MessageEvent<string>).data) as Job });
      });
    }
    events.onerror = () => hear({ kind: 'events_broke' });
    waitForEvents();
  }

  changed(watch);
  if (watch.means === 'events') listen();
  return () => {
    stopped = true;
    clearTimeout(timer);
    events?.close();
  };
}
