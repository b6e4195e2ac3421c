// Sends a survey's file: first to be looked at, then, as corrected, to be taken in. XMLHttpRequest and not fetch, because only it tells how
// many bytes have left.
import { problemOf, unreachable } from '../api';
import type { Inspection, Job, Level, Problem, Survey } from '../contract';

/** What the officer says of a file, which wins over what the file says; empty where the file is right. */
export interface Corrections {
  /** `EPSG:N`. */
  crs: string;
  layer: string;
  encoding: string;
  /** Our fields to the file's. */
  map: Record<string, string>;
  gcj02: 'keep' | 'remove' | '';
  /** That the file has no features, and is meant to have none. */
  empty: 'yes' | '';
  /** Of a layer of parcels, the standard that its class codes are of. */
  classes: string;
  /** Of a layer of counties, what to do with features that are no counties. */
  county_codes: string;
}

export const NO_CORRECTIONS: Corrections = { crs: '', layer: '', encoding: '', map: {}, gcj02: '', empty: '', classes: '', county_codes: '' };

/** A file, and the token under which the server has it already. */
export interface Sendable {
  file: File;
  token: string | null;
  corrections: Corrections;
}

export interface Upload extends Sendable {
  period: string;
  level: Level;
  onConflict: 'replace' | 'add' | null;
  /** What the officer allowed when asked. */
  allowed: Allowed;
}

/** What is done only when it is said: verdicts that a replacement loses, patches that another survey holds already. */
export interface Allowed {
  verdicts: 'drop' | '';
  again: 'yes' | '';
}

export const NOTHING_ALLOWED: Allowed = { verdicts: '', again: '' };

/** What the server made of the file: work under way, a survey stored (now or before), or a refusal. */
export type Answer = { kind: 'job'; job: Job } | { kind: 'survey'; survey: Survey; before: boolean } | { kind: 'problem'; problem: Problem };

/** What the server saw, or why it saw nothing. */
export type Look = { kind: 'seen'; inspection: Inspection } | { kind: 'problem'; problem: Problem };

/** Hears of progress in bytes. */
export type Sent = (done: number, total: number) => void;

/** The query string of a file: what is known of it, beside what else is said. */
export function query({ file, token, corrections }: Sendable, more: Record<string, string>): string {
  const { map, ...plain } = corrections;
  const query = new URLSearchParams({ ...more, name: file.name });
  for (const [name, value] of Object.entries(plain)) if (value) query.set(name, value);
  for (const [ours, theirs] of Object.entries(map)) query.append('map', `${ours}=${theirs}`);
  if (token) query.set('from', token);
  return query.toString();
}

export function inspectUrl(sendable: Sendable): string {
  return `/api/inspect?${query(sendable, { keep: 'true' })}`;
}

export function surveyUrl(upload: Upload): string {
  const { period, level, onConflict, allowed } = upload;
  const said = Object.fromEntries(Object.entries(allowed).filter(([, word]) => word));
  return `/api/surveys?${query(upload, { period, level, ...(onConflict ? { on_conflict: onConflict } : {}), ...said })}`;
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

export function lookOf(status: number, body: string): Look {
  if (status === 200) {
    try {
      return { kind: 'seen', inspection: JSON.parse(body) as Inspection };
    } catch {
      // As above.
    }
  }
  return { kind: 'problem', problem: problemOf(status, body) };
}

/** Whether the server no longer has the file under its token, so that it must be sent again. */
export function isGone(problem: Problem): boolean {
  return problem.type === '/problems/not_waiting';
}

/** Posts; the file itself only where the server does not have it; aborting the signal ends it without an answer. */
export function post<T>(url: string, { file, token }: Sendable, read: (status: number, body: string) => T, sent: Sent, signal: AbortSignal) {
  return new Promise<T | { kind: 'problem'; problem: Problem }>((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.setRequestHeader('Prefer', 'respond-async');
    request.setRequestHeader('Accept', 'application/json');
    request.setRequestHeader('Content-Type', /\.(geo)?json$/i.test(file.name) ? 'application/geo+json' : 'application/octet-stream');
    request.upload.onprogress = (event) => sent(event.loaded, event.lengthComputable ? event.total : file.size);
    request.onload = () => resolve(read(request.status, request.responseText));
    request.onerror = () => resolve({ kind: 'problem', problem: unreachable() });
    signal.addEventListener('abort', () => request.abort());
    request.send(token ? null : file);
  });
}

/** Asks what a file is; a file that the server has forgotten is sent once more. */
export async function look(sendable: Sendable, sent: Sent, signal: AbortSignal): Promise<Look> {
  const seen = await post(inspectUrl(sendable), sendable, lookOf, sent, signal);
  if (seen.kind === 'problem' && sendable.token && isGone(seen.problem)) return look({ ...sendable, token: null }, sent, signal);
  return seen;
}

/** Sends a survey to be taken in; `sent` hears of progress in bytes. */
export async function send(upload: Upload, sent: Sent, signal: AbortSignal): Promise<Answer> {
  const answer = await post(surveyUrl(upload), upload, answerOf, sent, signal);
  if (answer.kind === 'problem' && upload.token && isGone(answer.problem)) return send({ ...upload, token: null }, sent, signal);
  return answer;
}
