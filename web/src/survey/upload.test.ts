import { expect, test } from 'vitest';
import { answerOf, inspectUrl, isGone, lookOf, NO_CORRECTIONS, NOTHING_ALLOWED, surveyUrl, type Upload } from './upload';

const file = new File(['{}'], '2022-06 城区.geojson');
const upload: Upload = { file, token: null, corrections: NO_CORRECTIONS, period: '2022-06', level: 'city', onConflict: null, allowed: NOTHING_ALLOWED };

test('only what was chosen goes into the URL', () => {
  expect(surveyUrl(upload)).toBe('/api/surveys?period=2022-06&level=city&name=2022-06+%E5%9F%8E%E5%8C%BA.geojson');
  expect(inspectUrl({ file, token: null, corrections: NO_CORRECTIONS })).toBe('/api/inspect?keep=true&name=2022-06+%E5%9F%8E%E5%8C%BA.geojson');
});

test('what was allowed when asked goes with the rest, and nothing else is', () => {
  const said = (url: string) => new URLSearchParams(url.split('?')[1]);
  expect([said(surveyUrl(upload)).get('verdicts'), said(surveyUrl(upload)).get('again')]).toEqual([null, null]);
  const allowed = said(surveyUrl({ ...upload, onConflict: 'replace', allowed: { verdicts: 'drop', again: '' } }));
  expect([allowed.get('on_conflict'), allowed.get('verdicts'), allowed.get('again')]).toEqual(['replace', 'drop', null]);
});

test('what was corrected in the preview is what is sent, both times alike', () => {
  const corrections = {
    crs: 'EPSG:4527',
    layer: '图斑',
    encoding: 'GBK',
    map: { patch_id: '编号', stated_area: 'MJ' },
    gcj02: 'keep',
    empty: '',
    classes: '',
    county_codes: '',
  } as const;
  const corrected = { ...upload, token: 'a1', corrections, onConflict: 'add' } as const;
  const said = (url: string) => new URLSearchParams(url.split('?')[1]);
  const [looked, sent] = [said(inspectUrl(corrected)), said(surveyUrl(corrected))];
  for (const name of ['crs', 'layer', 'encoding', 'map', 'gcj02', 'from', 'name']) expect(sent.getAll(name)).toEqual(looked.getAll(name));
  expect(sent.getAll('map')).toEqual(['patch_id=编号', 'stated_area=MJ']);
  expect([sent.get('from'), sent.get('on_conflict'), sent.get('crs')]).toEqual(['a1', 'add', 'EPSG:4527']);
});

test('a file that the server has forgotten is told from one that it refuses', () => {
  const gone = lookOf(404, '{"type":"/problems/not_waiting","title":"","status":404}');
  expect(gone.kind === 'problem' && isGone(gone.problem)).toBe(true);
  expect(isGone({ type: '/problems/unsupported_format', title: '', status: 415, detail: '', detail_en: '' })).toBe(false);
  expect(lookOf(200, '{"format":"GeoJSON"}')).toMatchObject({ kind: 'seen', inspection: { format: 'GeoJSON' } });
});

test('the status says whether a survey is new, known, or still in work', () => {
  expect(answerOf(202, '{"id":"a","state":"running"}')).toMatchObject({ kind: 'job', job: { id: 'a' } });
  expect(answerOf(200, '{"id":1}')).toMatchObject({ kind: 'survey', before: true });
  expect(answerOf(201, '{"id":1}')).toMatchObject({ kind: 'survey', before: false });
});

test('a refusal is a problem, even where a proxy answers with a page', () => {
  const body = '{"type":"/problems/survey_exists","title":"Exists","status":409,"parameter":"on_conflict"}';
  expect(answerOf(409, body)).toMatchObject({ kind: 'problem', problem: { status: 409, parameter: 'on_conflict' } });
  expect(answerOf(413, '<html>')).toMatchObject({ kind: 'problem', problem: { status: 413, title: 'HTTP 413' } });
});
