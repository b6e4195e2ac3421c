import { expect, test } from 'vitest';
import { words } from './words';

const source = import.meta.glob<string>('../../crates/engine/src/model/*.rs', { query: '?raw', import: 'default', eager: true });

/** The codes of a list of words that the service declares: `Name { Member = "code", … }`. */
function codesOf(file: string, name: string): string[] {
  const text = source[`../../crates/engine/src/model/${file}.rs`] ?? '';
  const body = new RegExp(`^    ${name} \\{([\\s\\S]*?)^    \\}`, 'm').exec(text)?.[1] ?? '';
  return [...body.matchAll(/^\s+\w+ = "(\w+)",/gm)].map(([, code]) => code!);
}

test('every code that the service can send has words in both languages', () => {
  const lists = {
    flag_: codesOf('finding', 'Flag'),
    reason_: codesOf('verdict', 'Reason'),
    condition_: codesOf('patch', 'Condition'),
    level_: codesOf('survey', 'Level'),
    '': codesOf('layer', 'LayerKind'),
  };
  for (const [prefix, codes] of Object.entries(lists)) {
    expect(codes.length, prefix).toBeGreaterThan(1);
    for (const code of codes) {
      const said: readonly string[] | undefined = (words as Record<string, readonly [string, string]>)[`${prefix}${code}`];
      expect(said?.length, `${prefix}${code}`).toBe(2);
      expect(said?.[0], `${prefix}${code}`).toMatch(/\p{Script=Han}/u);
      expect(said?.[1], `${prefix}${code}`).not.toMatch(/\p{Script=Han}/u);
    }
  }
});
