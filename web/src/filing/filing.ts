// A table of confirmed verdicts on its way in: where it is sent, what keeps it out, and which cell is at fault. Nothing here draws.
import type { Filing, Reject } from '../contract';
import type { Word } from '../words';

/** What is said with a table. */
export interface Asked {
  /** Only patches of this survey, where it is said. */
  survey: number | null;
  by: string;
}

/** A preview records nothing. */
export function filingUrl({ survey, by }: Asked, preview: boolean): string {
  const query = new URLSearchParams();
  if (preview) query.set('preview', 'yes');
  if (survey !== null) query.set('survey', String(survey));
  if (by.trim()) query.set('by', by.trim());
  const said = query.toString();
  return said ? `/api/verdicts?${said}` : '/api/verdicts';
}

/** The server's columns by the page's words, in the order of a form. */
export const COLUMNS: Record<string, Word> = {
  patch_id: 'find_patch',
  survey_id: 'survey',
  verdict: 'filing_verdict',
  legal: 'filed_legal',
  legal_farmland: 'filed_legal_farmland',
  illegal: 'filed_illegal',
  illegal_farmland: 'filed_illegal_farmland',
};

/** Which headings were taken for which column, in that order; a column that the page does not know comes last, under its own name. */
export function columnsOf(columns: Filing['columns']): { ours: string; headings: string[] }[] {
  const known = Object.keys(COLUMNS);
  const place = (ours: string) => (known.includes(ours) ? known.indexOf(ours) : known.length);
  return Object.entries(columns)
    .toSorted(([a], [b]) => place(a) - place(b))
    .map(([ours, headings]) => ({ ours, headings }));
}

/** Why a table cannot be recorded as it is; null where it can. */
export function keptOut({ refused, new: added, changed }: Filing): Word | null {
  if (refused > 0) return 'filing_refused';
  return added + changed === 0 ? 'filing_nothing' : null;
}

/** The column that a fault lies in, from a pointer `/ROW/HEADING` (RFC 6901); null where it is the row as a whole. */
export function columnAt(pointer: string | null): string | null {
  const heading = /^\/\d+\/(.*)$/s.exec(pointer ?? '')?.[1];
  return heading === undefined ? null : heading.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** A fault by row, column and reason; the server's sentence names the column too, which would be said twice. */
export function faultOf({ row, patch_id, pointer, reason }: Reject) {
  const column = columnAt(pointer);
  const without = (sentence: string, colon: string) => {
    const prefix = `“${column}”${colon}`;
    return column !== null && sentence.startsWith(prefix) ? sentence.slice(prefix.length) : sentence;
  };
  return { row, patchId: patch_id, column, reason: { zh: without(reason.zh, '：'), en: without(reason.en, ': ') } };
}
