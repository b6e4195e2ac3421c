// The service's sentences for people with buttons. At the API a sentence may name the parameter that helps; here the same is a button, a choice or
// a field, and is called what it is called on screen.
import { words, type Word } from './words';

export type Language = 'zh' | 'en';

/** Parameters with their values, by the button or choice that sends them. */
const BUTTONS: Record<string, Word> = {
  'on_conflict=replace': 'replace',
  'on_conflict=add': 'add',
  'verdicts=drop': 'drop_verdicts_short',
  'again=yes': 'store_again',
  'empty=yes': 'empty_indeed',
  'gcj02=remove': 'gcj02_remove',
  'gcj02=keep': 'gcj02_keep',
  'county_codes=merge': 'codes_merge',
  'county_codes=leave_out': 'codes_leave_out',
  'county_codes=keep': 'codes_keep',
  'classes=2007': 'classes_second',
  'classes=2017': 'classes_third',
  'encoding=UTF-8': 'shapefile_utf8',
  'encoding=GBK': 'shapefile_gbk',
};

/** Parameters alone, by the label of their field. */
const FIELDS: Record<string, Word> = {
  period: 'period',
  until: 'until',
  from: 'from',
  level: 'level',
  county: 'county_column',
  verdict: 'verdict',
  name: 'layer_name',
  effective: 'layer_effective',
  kind_of_approval: 'approval_kind',
  crs: 'crs',
  layer: 'file_layer',
  encoding: 'encoding',
  map: 'field_mapping',
  survey: 'survey',
  by: 'filing_by',
  reason: 'decision_reason',
  patch_id: 'find_patch',
  format: 'export_format',
};

/** What only whoever runs the service can set. */
const OPTIONS: Record<string, Word> = { '--max-upload': 'upload_limit' };

/** What the button of a parameter with its value says; the parameter itself where there is none. */
export function buttonOf(said: string, language: Language): string {
  const word = BUTTONS[said];
  return word ? inLanguage(word, language) : said;
}

const inLanguage = (word: Word, language: Language): string => words[word][language === 'zh' ? 0 : 1];

/** The label of a parameter's field; null where no field of the page sends it. */
export function fieldOf(parameter: string, language: Language): string | null {
  const word = FIELDS[parameter];
  return word ? inLanguage(word, language) : null;
}

/** A sentence of the service in which parameters are called what the page calls them. */
export function plainly(sentence: string, language: Language): string {
  const button = (said: string): string | null => {
    const word = BUTTONS[said];
    return word ? `“${inLanguage(word, language)}”` : null;
  };
  return (
    sentence
      // A bracket that holds nothing but the parameter goes with it where the page has no such button.
      .replace(/（(?:参数 ?)?([a-z_0-9]+=[\w-]+)）/g, (_, said: string) => (button(said) ? `（选${button(said)}）` : ''))
      .replace(/ \(([a-z_0-9]+=[\w-]+)\)/g, (_, said: string) => (button(said) ? ` (choose ${button(said)})` : ''))
      .replace(/(\p{Script=Han}) (?=[a-z_0-9]+=[\w-])/gu, '$1')
      .replace(/(?:参数)?\b([a-z_0-9]+=[\w-]+)/g, (whole, said: string) => button(said) ?? whole)
      .replace(/--[a-z-]+/g, (option) => (OPTIONS[option] ? inLanguage(OPTIONS[option], language) : option))
      .replace(/^参数 (\w+) 无法识别：/, (whole, name: string) => (FIELDS[name] ? `“${fieldOf(name, 'zh')}”无法识别：` : whole))
      .replace(/^parameter (\w+): /, (whole, name: string) => (FIELDS[name] ? `“${fieldOf(name, 'en')}” cannot be understood: ` : whole))
  );
}
