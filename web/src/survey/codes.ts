// Questions about the codes of a layer, and what may be answered: the server names the answers, the page has words for them.
import type { Problem } from '../contract';
import type { Corrections } from './upload';

/** The answers that a problem lets people choose among, `PARAMETER=VALUE`, where it is about codes. */
export function choicesOf(problem: Problem | null): string[] {
  return (problem?.choices ?? []).filter((choice) => /^(classes|county_codes)=/.test(choice));
}

/** The corrections with one of those answers. */
export function corrected(corrections: Corrections, choice: string): Corrections {
  const [parameter, value] = choice.split('=');
  return { ...corrections, [parameter!]: value };
}
