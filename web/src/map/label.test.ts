import { expect, test } from 'vitest';
import { LABEL_LETTERS, label } from './label';

test('names in use are written whole', () => {
  expect(label('兰山区')).toBe('兰山区');
  expect(label('积石山保安族东乡族撒拉族自治县')).toBe('积石山保安族东乡族撒拉族自治县');
});

test('a name of three thousand letters is cut, between letters', () => {
  expect([...label('县'.repeat(3000))]).toHaveLength(LABEL_LETTERS);
  expect(label('𠀀'.repeat(21))).toBe(`${'𠀀'.repeat(19)}…`);
});
