// The only file that asks the server for anything except tiles, uploads and job events.
import type { ExportQuery } from './export/formats';
import { filingUrl, type Asked } from './filing/filing';
import type { About, Difference, Filing, History, Job, Layer, PatchPage, Problem, Provenance, Ratios, Rejects, Survey, WithdrawnSurvey } from './contract';
import type { ExplainedPatchFeature } from './shapes';

/** A refusal by the server, or no answer at all; either way there is a Problem to show. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** What is shown when the server could not be reached: it has the shape of a Problem, so one component shows both. */
export function unreachable(): Problem {
  return {
    type: '/problems/unreachable',
    title: 'Unreachable',
    status: 0,
    detail: '无法连接服务器，请检查网络后重试。',
    detail_en: 'The server cannot be reached. Check the network and try again.',
  };
}

/** What is shown when the browser could not read a file that was chosen: moved since, or held by another program. */
export function unreadable(name: string): Problem {
  return {
    type: '/problems/unreadable_file',
    title: 'Unreadable',
    status: 0,
    detail: `文件“${name}”读不出来：可能已移走，或被别的程序占用。`,
    detail_en: `The file “${name}” cannot be read: it may have been moved, or another program holds it.`,
  };
}

/** Reads a Problem out of an answer; a proxy's HTML page becomes a Problem that says only the status. */
export function problemOf(status: number, body: string): Problem {
  try {
    const problem = JSON.parse(body) as Partial<Problem> | null;
    if (problem && typeof problem.title === 'string') {
      // One of a proxy may lack the sentences that ours always have.
      const detail = problem.detail ?? problem.title;
      return { type: 'about:blank', ...problem, title: problem.title, status, detail, detail_en: problem.detail_en ?? detail };
    }
  } catch {
    // Not JSON, so not a problem document: fall through to the bare status.
  }
  return {
    type: 'about:blank',
    title: `HTTP ${status}`,
    status,
    detail: `服务器返回 ${status}，未说明原因。`,
    detail_en: `The server answered ${status} without a reason.`,
  };
}

/** Any thrown value as a Problem to show. */
export function problemFrom(thrown: unknown): Problem {
  return thrown instanceof Refused ? thrown.problem : unreachable();
}

async function ask<T>(method: 'GET' | 'POST' | 'DELETE', url: string, file?: File): Promise<T> {
  let answer: Response;
  let body: string;
  try {
    // What takes long is answered as a job, and followed.
    const sent: Record<string, string> = file ? { 'Content-Type': 'application/octet-stream' } : {};
    const headers = { Accept: 'application/json', ...(method === 'POST' ? { Prefer: 'respond-async' } : {}), ...sent };
    answer = await fetch(url, { method, headers, body: file ?? null });
    if (answer.ok) return (answer.status === 204 ? undefined : await answer.json()) as T;
    body = await answer.text();
  } catch {
    throw new Refused(unreachable());
  }
  throw new Refused(problemOf(answer.status, body));
}

const get = <T>(url: string): Promise<T> => ask('GET', url);

export interface PatchQuery {
  period?: string;
  until?: string;
  county?: string;
  verdict?: string;
  patch_id?: string;
  limit?: number;
}

/** What nobody filled in is left out: a parameter without a value is refused. */
function query(parameters: object): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  const written = given.map(([name, value]) => [name, String(value).trim()]).filter(([, value]) => value !== '');
  return new URLSearchParams(written).toString();
}

export const api = {
  about: () => get<About>('/api/about'),
  layers: async () => (await get<{ layers: Layer[] }>('/api/layers')).layers,
  /** Queues a version of a layer, from the day on which that one counts. */
  takeLayer: ({ kind, name, effective }: Layer, file: File) => ask<Job>('POST', `/api/layers?${query({ kind, name, effective, file: file.name })}`, file),
  surveys: async () => (await get<{ surveys: Survey[] }>('/api/surveys')).surveys,
  history: (survey: number) => get<History>(`/api/surveys/${survey}/history`),
  withdrawn: async () => (await get<{ surveys: WithdrawnSurvey[] }>('/api/surveys?withdrawn=yes')).surveys,
  withdraw: (survey: number, reason: string) => ask<undefined>('DELETE', `/api/surveys/${survey}?${query({ reason })}`),
  restore: (survey: number) => ask<Survey>('POST', `/api/surveys/${survey}/restore`),
  move: (survey: number, period: string, reason: string) => ask<Survey>('POST', `/api/surveys/${survey}/move?${query({ period, reason })}`),
  rejects: (survey: number, limit = 100) => get<Rejects>(`/api/surveys/${survey}/rejects?${query({ limit })}`),
  provenance: (survey: number) => get<Provenance>(`/api/surveys/${survey}/provenance`),
  /** Queues the making anew of a survey's findings. */
  reclassify: (survey: number, token: string, by: string) => ask<Job>('POST', `/api/surveys/${survey}/reclassification?${query({ token, by })}`),
  /** What that would change. */
  difference: (survey: number) => get<Difference>(`/api/surveys/${survey}/reclassification`),
  patches: (asked: PatchQuery) => get<PatchPage>(`/api/patches?${query(asked)}`),
  patch: (id: number) => get<ExplainedPatchFeature>(`/api/patches/${id}`),
  /** Records a table of confirmed verdicts, all or none; or only tells what that would change. */
  file: (asked: Asked, preview: boolean, table: File) => ask<Filing>('POST', filingUrl(asked, preview), table),
  /** Queues an export of patches with their findings. */
  findings: (asked: ExportQuery) => ask<Job>('POST', `/api/exports/findings?${query(asked)}`),
  ratios: (from: string, until: string) => get<Ratios>(`/api/ratios?${query({ period: from, until })}`),
  job: (id: string) => get<Job>(`/api/jobs/${encodeURIComponent(id)}`),
  cancelJob: (id: string) => ask<Job>('DELETE', `/api/jobs/${encodeURIComponent(id)}`),
  /** Follows a `next` that the server gave, which is a URL relative to the page it stood on. */
  next: <T>(url: string, base: string) => get<T>(new URL(url, new URL(base, location.origin)).href),
};
