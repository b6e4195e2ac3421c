// The language on screen, remembered in this browser, and the two ways to say something in it.
import type { Problem, Words } from './contract';
import { plainly, type Language } from './plain';
import { words, type Word } from './words';

const KEY = 'tuban.language';

function remembered(): Language {
  try {
    return localStorage.getItem(KEY) === 'en' ? 'en' : 'zh';
  } catch {
    // Storage can be forbidden by policy on government machines; the page then opens in Chinese every time.
    return 'zh';
  }
}

let current = $state<Language>(remembered());

export const language = {
  get current(): Language {
    return current;
  },
  set current(chosen: Language) {
    current = chosen;
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // See `remembered`: not being able to remember is no reason to fail.
    }
  },
};

/** The page's own words, with `{placeholders}` filled. */
export function say(word: Word, values: Record<string, string | number> = {}): string {
  const sentence: string = words[word][current === 'zh' ? 0 : 1];
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A code of the server in words where the page knows it, else the code itself: a new code must show, not vanish. */
export function sayCode(prefix: string, code: string): string {
  const word = `${prefix}${code}`;
  return word in words ? say(word as Word) : code;
}

/** The server's words, which come in both languages, with parameters called what the page calls them. */
export function pick(sentence: Words): string {
  return plainly(sentence[current], current);
}

/** What happened, of a problem. */
export function detailOf({ detail, detail_en }: Problem): string {
  return plainly(current === 'en' ? detail_en : detail, current);
}
