// The order and the colours of verdicts, the same on the map, in the legend and in every list.
import type { ShownVerdict } from './contract';

/** Worst first: the order of the legend, and reversed the order in which the map draws, so that the worst lies on top. */
export const VERDICTS: ShownVerdict[] = ['illegal', 'suspected_illegal', 'doubtful', 'legal', 'other'];

/**
 * Teal against red rather than green against red, so that a colour-blind officer can tell legal from illegal; each colour has a
 * contrast of at least 4.5 : 1 with white, because it also carries white text.
 */
export const VERDICT_COLOURS: Record<ShownVerdict, string> = {
  illegal: '#b3241c',
  suspected_illegal: '#b95c00',
  doubtful: '#7a4ba0',
  legal: '#177a73',
  other: '#5d6b78',
};
