// What approvals may be for, where a file does not say it: one kind for all of them.
import type { Word } from '../words';

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
