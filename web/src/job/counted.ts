// How far a job is, in words.
import type { Job } from '../contract';
import { say } from '../language.svelte';
import { count } from '../numbers';

export function counted(job: Job): string {
  if (job.total === null) return say('stage_count', { n: count(job.done) });
  return say('stage_count_of', { n: count(job.done), total: count(job.total) });
}
