import { expect, test } from 'vitest';
import type { Ratios, Tally } from '../contract';
import { placeOn, scaleOf } from './scale';

function ratios(...confirmed: (number | null)[]): Ratios {
  const tally = (ratio: number | null) => ({ ratio: { confirmed: ratio, provisional: null, best: null, worst: 100 } }) as unknown as Tally;
  const lines = [
    { name: 'target', percent: 5 },
    { name: 'accountability', percent: 15 },
  ];
  return { counties: confirmed.map(tally), city: tally(null), lines } as unknown as Ratios;
}

test('the scale always has room for the highest line', () => {
  expect(scaleOf(ratios(null, 0.4))).toBe(20);
});

test('the scale grows with the highest ratio, not with the worst case', () => {
  expect(scaleOf(ratios(16.62, 31))).toBe(40);
  expect(scaleOf(ratios(98))).toBe(100);
});

test('a ratio beyond the scale stands at its end', () => {
  expect(placeOn(20, 15)).toBe(75);
  expect(placeOn(20, 80)).toBe(100);
});
