// Sends a survey's file. XMLHttpRequest and not fetch, because only it tells how many bytes have left.
import { problemOf, unreachable } from '../api';
import type { Job, Level, Problem, Survey } from '../contract';

export interface Upload {
  file: File;
  period: string;
  level: Level;
  /** `EPSG:N`, or empty where the file says it itself. */
  crs: string;
  onConflict: 'replace' | 'add' | null;
}

/** What the server made of the file: work under way, a survey stored (now or before), or a refusal. */
export type Answer =
  | { kind: 'job'; job: Job }
  | { kind: 'survey'; survey: Survey; before: boolean }
  | { kind: 'problem'; problem: Problem };

export function urlOf({ file, period, level, crs, onConflict }: Upload): string {
  const query = new URLSearchParams({ period, level, name: file.name });
  if (crs) query.set('crs', crs);
  if (onConflict) query.set('on_conflict', onConflict);
  return `/api/surveys?${query}`;
}

export function answerOf(status: number, body: string): Answer {
  if (status >= 200 && status < 300) {
    try {
      const parsed: unknown = JSON.parse(body);
      if (status === 202) return { kind: 'job', job: parsed as Job };
      return { kind: 'survey', survey: parsed as Survey, before: status === 200 };
    } catch {
      // A success that is no JSON is as good as none; it is shown as the status it had.
    }
  }
  return { kind: 'problem', problem: problemOf(status, body) };
}

/** Sends; `sent` hears of progress in bytes; aborting the signal ends it without an answer. */
export function send(upload: Upload, sent: (done: number, total: number) => void, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', urlOf(upload));
    request.setRequestHeader('Prefer', 'respond-async');
    request.setRequestHeader('Accept', 'application/json');
    request.setRequestHeader('Content-Type', /\.(geo)?json$/i.test(upload.file.name) ? 'application/geo+json' : 'application/octet-stream');
    request.upload.onprogress = (event) => sent(event.loaded, event.lengthComputable ? event.total : upload.file.size);
    request.onload = () => resolve(answerOf(request.status, request.responseText));
    request.onerror = () => resolve({ kind: 'problem', problem: unreachable() });
    signal.addEventListener('abort', () => request.abort());
    request.send(upload.file);
  });
}
