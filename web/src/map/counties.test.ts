import { expect, test } from 'vitest';
import { gatherCounties } from './counties';

/** A rectangle as a tile would deliver it. */
function piece(code: string, west: number, south: number, east: number, north: number) {
  const shell = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  return { properties: { code, name: code }, geometry: { type: 'Polygon' as const, coordinates: [shell] } };
}

test('a county cut by tiles is put together again', () => {
  const places = gatherCounties([piece('371302', 0, 0, 2, 2), piece('371302', 2, 0, 4, 2), piece('371311', 5, 5, 6, 6)]);
  expect([...places.keys()]).toEqual(['371302', '371311']);
  expect(places.get('371302')!.bounds).toEqual([0, 0, 4, 2]);
  expect(places.get('371302')!.middle[0]).toBeCloseTo(2);
  expect(places.get('371302')!.middle[1]).toBeCloseTo(1);
});

test('the middle does not depend on which way a ring turns', () => {
  const turned = piece('371302', 0, 0, 2, 2);
  turned.geometry.coordinates[0]!.reverse();
  const places = gatherCounties([turned, piece('371302', 2, 0, 4, 2)]);
  expect(places.get('371302')!.middle[0]).toBeCloseTo(2);
});
