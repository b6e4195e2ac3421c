// What is asked of a layer's codes before it can be taken in, and what can be answered; each answer is a parameter of the upload.
import type { Problem } from '../contract';
import type { Word } from '../words';

/** What the officer says of the codes; empty where nothing was asked. */
export interface CodeChoices {
  /** The standard that class codes are of. */
  classes: '2007' | '2017' | '';
  /** What becomes of features of a layer of counties that are no counties. */
  county_codes: 'merge' | 'leave_out' | 'keep' | '';
}

export const NO_CHOICES: CodeChoices = { classes: '', county_codes: '' };

export interface Choice {
  /** On the button. */
  word: Word;
  said: Partial<CodeChoices>;
}

const MERGE: Choice = { word: 'codes_merge', said: { county_codes: 'merge' } };
const LEAVE_OUT: Choice = { word: 'codes_leave_out', said: { county_codes: 'leave_out' } };
const KEEP: Choice = { word: 'codes_keep', said: { county_codes: 'keep' } };

const QUESTIONS: Record<string, Choice[]> = {
  '/problems/county_village_codes': [MERGE, LEAVE_OUT],
  '/problems/county_with_city': [LEAVE_OUT, KEEP],
  '/problems/county_code_unreadable': [LEAVE_OUT],
  '/problems/county_names_differ': [KEEP],
  '/problems/second_survey_codes': [
    { word: 'classes_second', said: { classes: '2007' } },
    { word: 'classes_third', said: { classes: '2017' } },
  ],
};

/** What can be answered to a refusal; nothing where it is no question of codes. */
export function choicesFor(problem: Problem | null | undefined): Choice[] {
  return (problem && QUESTIONS[problem.type]) || [];
}

/** Which of these the officer has chosen. */
export function chosenOf(choices: Choice[], codes: CodeChoices): Choice | undefined {
  return choices.find(({ said }) => Object.entries(said).every(([name, value]) => codes[name as keyof CodeChoices] === value));
}

/** What all approvals of a file may be for, in the words that the service knows; its rules say which of them are legal construction and which another use. */
export const APPROVAL_KINDS = ['农转用', '增减挂钩', '供地', '设施农用地', '农村道路', '临时用地'] as const;

/** The same on screen. */
export const APPROVAL_KIND_WORDS: Record<(typeof APPROVAL_KINDS)[number], Word> = {
  农转用: 'approval_conversion',
  增减挂钩: 'approval_linked',
  供地: 'approval_supply',
  设施农用地: 'approval_facility',
  农村道路: 'approval_road',
  临时用地: 'approval_temporary',
};
