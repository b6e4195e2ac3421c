import { expect, test } from 'vitest';
import { NO_CORRECTIONS } from '../survey/upload';
import { layerAnswerOf, layerUrl } from './upload';

const file = new File(['{}'], '地类.zip');

test('a layer is sent with its kind, its day, its own name and its file’s', () => {
  const url = layerUrl({ file, token: 'a1', corrections: { ...NO_CORRECTIONS, crs: 'EPSG:4527' }, kind: 'farmland', name: '2021 变更调查', effective: '2021-12-31' });
  const said = new URLSearchParams(url.split('?')[1]);
  expect(Object.fromEntries(said)).toEqual({ kind: 'farmland', effective: '2021-12-31', file: '地类.zip', name: '2021 变更调查', crs: 'EPSG:4527', from: 'a1' });
});

test('the status says whether a layer is taken in, in work or refused', () => {
  expect(layerAnswerOf(202, '{"id":"a"}')).toMatchObject({ kind: 'job' });
  expect(layerAnswerOf(201, '{"id":3}')).toMatchObject({ kind: 'layer', layer: { id: 3 } });
  expect(layerAnswerOf(422, '{"title":"x","status":422}')).toMatchObject({ kind: 'problem', problem: { status: 422 } });
});
