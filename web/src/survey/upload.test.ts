import { expect, test } from 'vitest';
import { answerOf, urlOf } from './upload';

const file = new File(['{}'], '2022-06 城区.geojson');

test('only what was chosen goes into the URL', () => {
  expect(urlOf({ file, period: '2022-06', level: 'city', crs: '', onConflict: null })).toBe(
    '/api/surveys?period=2022-06&level=city&name=2022-06+%E5%9F%8E%E5%8C%BA.geojson',
  );
  expect(urlOf({ file, period: '2022-06', level: 'city', crs: 'EPSG:4527', onConflict: 'add' })).toContain(
    '&crs=EPSG%3A4527&on_conflict=add',
  );
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
