import { expect, test } from 'vitest';
import type { Filing, Reject } from '../contract';
import { columnAt, columnsOf, faultOf, filingUrl, keptOut } from './filing';

function filing(counts: Partial<Filing>): Filing {
  return { preview: true, by: '—', new: 0, changed: 0, same: 0, without: 0, refused: 0, columns: {}, changes: [], rejects: [], ...counts };
}

test('a preview says so, and what is recorded says who files', () => {
  expect(filingUrl({ survey: null, by: '' }, true)).toBe('/api/verdicts?preview=yes');
  expect(filingUrl({ survey: null, by: '' }, false)).toBe('/api/verdicts');
  const said = new URLSearchParams(filingUrl({ survey: 3, by: ' 张三 ' }, false).split('?')[1]);
  expect(Object.fromEntries(said)).toEqual({ survey: '3', by: '张三' });
});

test('one wrong row keeps the table out, and so does a table that changes nothing', () => {
  expect(keptOut(filing({ new: 4, refused: 1 }))).toBe('filing_refused');
  expect(keptOut(filing({ same: 4, without: 2 }))).toBe('filing_nothing');
  expect(keptOut(filing({ new: 1 }))).toBeNull();
  expect(keptOut(filing({ changed: 1 }))).toBeNull();
});

test('the column at fault is read from the pointer, whatever its heading has in it', () => {
  expect(columnAt('/3/违法面积（亩）')).toBe('违法面积（亩）');
  // Oracle: RFC 6901, section 4: first ~1, then ~0.
  expect(columnAt('/3/合法~1违法 ~01')).toBe('合法/违法 ~1');
  expect(columnAt('/3')).toBeNull();
  expect(columnAt(null)).toBeNull();
});

test('a fault does not name its column twice', () => {
  const reject: Reject = {
    row: 3,
    patch_id: 'A1',
    code: 'bad_verdict',
    reason: { zh: '“违法面积（亩）”：“abc” 不是不小于 0 的亩数', en: '“违法面积（亩）”: “abc” is not a number of mu, 0 or more' },
    pointer: '/3/违法面积（亩）',
    ring: null,
    vertex: null,
  };
  expect(faultOf(reject)).toEqual({
    row: 3,
    patchId: 'A1',
    column: '违法面积（亩）',
    reason: { zh: '“abc” 不是不小于 0 的亩数', en: '“abc” is not a number of mu, 0 or more' },
  });
  expect(faultOf({ ...reject, pointer: '/3' }).reason.zh).toBe(reject.reason.zh);
});

test('columns come in the order of the form, an unknown one last', () => {
  const columns = { new_one: ['X'], illegal: ['违法面积（亩）', '违法面积（平方米）'], verdict: ['核定判定'], patch_id: ['图斑编号'] };
  expect(columnsOf(columns).map(({ ours }) => ours)).toEqual(['patch_id', 'verdict', 'illegal', 'new_one']);
});
