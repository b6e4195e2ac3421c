import { expect, test } from 'vitest';
import { choicesOf, corrected } from '../survey/codes';
import { inspectUrl, NO_CORRECTIONS } from '../survey/upload';
import { layerAnswerOf, layerUrl } from './upload';

const file = new File(['{}'], '地类.zip');

test('a layer is sent with its kind, its day, its own name and its file’s', () => {
  const url = layerUrl({ file, token: 'a1', corrections: { ...NO_CORRECTIONS, crs: 'EPSG:4527' }, kind: 'farmland', name: '2021 变更调查', effective: '2021-12-31' });
  const said = new URLSearchParams(url.split('?')[1]);
  expect(Object.fromEntries(said)).toEqual({ kind: 'farmland', effective: '2021-12-31', file: '地类.zip', name: '2021 变更调查', crs: 'EPSG:4527', from: 'a1' });
});

test('what was answered of its codes is sent with the look and with the layer', () => {
  const corrections = corrected(corrected(NO_CORRECTIONS, 'classes=2007'), 'county_codes=leave_out');
  for (const url of [inspectUrl({ file, token: null, corrections }), layerUrl({ file, token: null, corrections, kind: 'county', name: 'a', effective: '2022-01-01' })]) {
    const said = new URLSearchParams(url.split('?')[1]);
    expect([said.get('classes'), said.get('county_codes')]).toEqual(['2007', 'leave_out']);
  }
});

test('only questions about codes are answered by these buttons', () => {
  const choices = ['gcj02=remove', 'classes=2007', 'county_codes=keep'];
  expect(choicesOf({ type: '', title: '', status: 422, choices })).toEqual(['classes=2007', 'county_codes=keep']);
  expect(choicesOf(null)).toEqual([]);
});

test('the status says whether a layer is taken in, in work or refused', () => {
  expect(layerAnswerOf(202, '{"id":"a"}')).toMatchObject({ kind: 'job' });
  expect(layerAnswerOf(201, '{"id":3}')).toMatchObject({ kind: 'layer', layer: { id: 3 } });
  expect(layerAnswerOf(422, '{"title":"x","status":422}')).toMatchObject({ kind: 'problem', problem: { status: 422 } });
});
