import { expect, test } from 'vitest';
import type { Inspection } from '../contract';
import { choicesOf, corrected } from '../survey/codes';
import { inspectUrl, NO_CORRECTIONS } from '../survey/upload';
import { isGood, layerAnswerOf, layerUrl, type LayerUpload } from './upload';

const file = new File(['{}'], '地类.zip');
const nothing = { token: null, corrections: NO_CORRECTIONS, approvalKind: '' };
const said = (upload: LayerUpload) => Object.fromEntries(new URLSearchParams(layerUrl(upload).split('?')[1]));

test('a layer is sent with its kind, its day, its own name and its file’s', () => {
  const upload: LayerUpload = {
    ...nothing,
    file,
    token: 'a1',
    corrections: { ...NO_CORRECTIONS, crs: 'EPSG:4527' },
    kind: 'farmland',
    name: '2021 变更调查',
    effective: '2021-12-31',
  };
  expect(said(upload)).toEqual({ kind: 'farmland', effective: '2021-12-31', file: '地类.zip', name: '2021 变更调查', crs: 'EPSG:4527', from: 'a1' });
});

test('what was answered of its codes is sent with the look and with the layer', () => {
  const corrections = corrected(corrected(NO_CORRECTIONS, 'classes=2007'), 'county_codes=leave_out');
  for (const url of [
    inspectUrl({ file, token: null, corrections }),
    layerUrl({ ...nothing, file, corrections, kind: 'county', name: 'a', effective: '2022-01-01' }),
  ]) {
    const said = new URLSearchParams(url.split('?')[1]);
    expect([said.get('classes'), said.get('county_codes')]).toEqual(['2007', 'leave_out']);
  }
});

test('only questions about codes are answered by these buttons', () => {
  const choices = ['gcj02=remove', 'classes=2007', 'county_codes=keep'];
  expect(choicesOf({ type: '', title: '', status: 422, detail: '', detail_en: '', choices })).toEqual(['classes=2007', 'county_codes=keep']);
  expect(choicesOf(null)).toEqual([]);
});

test('the status says whether a layer is taken in, in work or refused', () => {
  expect(layerAnswerOf(202, '{"id":"a"}')).toMatchObject({ kind: 'job' });
  expect(layerAnswerOf(201, '{"id":3}')).toMatchObject({ kind: 'layer', layer: { id: 3 } });
  expect(layerAnswerOf(422, '{"title":"x","status":422}')).toMatchObject({ kind: 'problem', problem: { status: 422 } });
});

test('the kind of approvals goes with approvals only, and only where one was chosen', () => {
  const approvals: LayerUpload = { ...nothing, file, kind: 'approved', name: '批准', effective: '2022-01-01' };
  expect(said(approvals)).not.toHaveProperty('kind_of_approval');
  expect(said({ ...approvals, approvalKind: '设施农用地' })).toMatchObject({ kind_of_approval: '设施农用地' });
  expect(said({ ...approvals, kind: 'red_line', approvalKind: '设施农用地' })).not.toHaveProperty('kind_of_approval');
});

test('a layer can be taken in where something of it is good, or where it is meant to be empty, and nothing is asked', () => {
  const seen = (accepted: number, type?: string) => ({ accepted, problem: type ? { type, title: '', status: 422 } : null }) as Inspection;
  expect(isGood(seen(3), NO_CORRECTIONS)).toBe(true);
  expect(isGood(seen(0), NO_CORRECTIONS)).toBe(false);
  expect(isGood(seen(0), { ...NO_CORRECTIONS, empty: 'yes' })).toBe(true);
  expect(isGood(seen(3, '/problems/county_village_codes'), NO_CORRECTIONS)).toBe(false);
});
