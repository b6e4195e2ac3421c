// Sends a layer's file: looked at as the kind it is meant to be, then taken in as a version with a name and a day.
import type { Inspection, Job, Layer, LayerKind, Problem } from '../contract';
import { problemOf } from '../api';
import { inspectUrl, isGone, lookOf, post, query, type Corrections, type Look, type Sendable, type Sent } from '../survey/upload';

/** A layer version about to be sent. */
export interface LayerUpload extends Sendable {
  kind: LayerKind;
  name: string;
  /** The day from which it counts, `YYYY-MM-DD`. */
  effective: string;
  /** What all of its approvals are for; empty where the file says it, or nobody knows. */
  approvalKind: string;
}

export type LayerAnswer = { kind: 'job'; job: Job } | { kind: 'layer'; layer: Layer } | { kind: 'problem'; problem: Problem };

/** A layer's own name and its file's are two parameters; what the officer corrects is the same as of a survey. */
export function layerUrl(upload: LayerUpload): string {
  const { kind, name, effective, file, approvalKind } = upload;
  const said: Record<string, string> = kind === 'approved' && approvalKind ? { kind_of_approval: approvalKind } : {};
  const parameters = new URLSearchParams(query(upload, { kind, effective, file: file.name, ...said }));
  parameters.set('name', name);
  return `/api/layers?${parameters}`;
}

export function layerAnswerOf(status: number, body: string): LayerAnswer {
  if (status >= 200 && status < 300) {
    try {
      const parsed: unknown = JSON.parse(body);
      return status === 202 ? { kind: 'job', job: parsed as Job } : { kind: 'layer', layer: parsed as Layer };
    } catch {
      // A success that is no JSON is as good as none; it is shown as the status it had.
    }
  }
  return { kind: 'problem', problem: problemOf(status, body) };
}

/** Asks what a file would be as a layer of that kind. */
export async function lookAs(kind: LayerKind, sendable: Sendable, sent: Sent, signal: AbortSignal): Promise<Look> {
  const seen = await post(`${inspectUrl(sendable)}&kind=${kind}`, sendable, lookOf, sent, signal);
  return seen.kind === 'problem' && sendable.token && isGone(seen.problem) ? lookAs(kind, { ...sendable, token: null }, sent, signal) : seen;
}

/** Sends a layer to be taken in; `sent` hears of progress in bytes. */
export async function sendLayer(upload: LayerUpload, sent: Sent, signal: AbortSignal): Promise<LayerAnswer> {
  const answer = await post(layerUrl(upload), upload, layerAnswerOf, sent, signal);
  return answer.kind === 'problem' && upload.token && isGone(answer.problem) ? sendLayer({ ...upload, token: null }, sent, signal) : answer;
}

/** Whether a file that was looked at can be taken in: something of it, or nothing where it is meant to be empty. */
export function isGood({ problem, accepted }: Inspection, { empty }: Corrections): boolean {
  return !problem && (accepted > 0 || empty === 'yes');
}
