import { expect, test } from 'vitest';
import { nameOf } from './formats';

test('a file gets the Chinese name that its answer carries', () => {
  // Oracle: RFC 5987, section 3.2.2, and Python's urllib.parse.quote.
  expect(nameOf(`attachment; filename="export.csv"; filename*=UTF-8''%E5%85%B0%E5%B1%B1%E5%8C%BA.csv`)).toBe('兰山区.csv');
  expect(nameOf(null)).toBe('export');
});
