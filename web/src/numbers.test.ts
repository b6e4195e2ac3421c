import { expect, test } from 'vitest';
import { bytes, decimal, known, percent, share, span } from './numbers';

test('the ratio of an empty denominator is a dash, never zero', () => {
  expect(percent(null)).toBe('—');
  expect(percent(0)).toBe('0.00 %');
  expect(percent(16.62)).toBe('16.62 %');
});

test('a span without either end is one dash', () => {
  expect(span(null, null)).toBe('—');
  expect(span(10.1, 40.2)).toBe('10.10–40.20 %');
  expect(span(0, null)).toBe('0.00–— %');
});

test('areas keep two decimals and separate thousands', () => {
  expect(decimal(6771.9)).toBe('6,771.90');
  expect(decimal(0)).toBe('0.00');
});

test('an area that is not known is a dash, never zero', () => {
  expect(known(undefined)).toBe('—');
  expect(known(0)).toBe('0.00');
  expect(known(60.76)).toBe('60.76');
});

test('a share of nothing is an empty bar and never overflows', () => {
  expect(share(1, 0)).toBe(0);
  expect(share(3, 2)).toBe(1);
});

test('bytes step up at 1024', () => {
  expect(bytes(1023)).toBe('1023 B');
  expect(bytes(1536)).toBe('1.5 KB');
  expect(bytes(5 * 1024 * 1024)).toBe('5.0 MB');
});
