import { expect, test } from 'vitest';
import { fieldOf, plainly } from './plain';

test('a parameter that a button sends is called by the button', () => {
  expect(plainly('可按前六位归并到所属县（参数 county_codes=merge），或改用县级行政区图层', 'zh')).toBe(
    '可按前六位归并到所属县（选“归并到所属县区”），或改用县级行政区图层',
  );
  expect(plainly('count them to their counties (county_codes=merge), or send a layer', 'en')).toBe(
    'count them to their counties (choose “Count them to their counties”), or send a layer',
  );
  expect(plainly('要替换请用 on_conflict=replace，要并存请用 on_conflict=add', 'zh')).toBe('要替换请用“替换原批次”，要并存请用“追加为新批次”');
  expect(plainly('有“㎡”，GBK 里没有，请改用 encoding=UTF-8', 'zh')).toBe('有“㎡”，GBK 里没有，请改用“Shapefile (UTF-8)”');
});

test('a parameter that is a field is called by its label, in what is refused for it', () => {
  expect(plainly('参数 period 无法识别：“四月”不是期次', 'zh')).toBe('“期次”无法识别：“四月”不是期次');
  expect(plainly('parameter effective: not a day', 'en')).toBe('“Effective from” cannot be understood: not a day');
  expect(fieldOf('bbox', 'zh')).toBeNull();
});

test('what is no parameter stays as it is', () => {
  for (const sentence of [
    '坐标不像 EPSG:4490，请指定坐标系 EPSG:4527',
    '“PZ=A1”不是日期',
    '字段 JCBH（图斑编号）在不同的县重复了',
    '图斑面积 12.00 亩—其中耕地',
  ]) {
    expect(plainly(sentence, 'zh')).toBe(sentence);
  }
});

test('no sentence of the service has a parameter left in it', () => {
  const source = import.meta.glob<string>('../../src/**/*.rs', { query: '?raw', import: 'default', eager: true });
  // What is said on a terminal only, where parameters and options are what people have.
  const terminal = /\/src\/(cli|service\/batch)\/|tests\.rs$/;
  const files = Object.entries(source).filter(([path]) => !terminal.test(path));
  const chinese = files.flatMap(([, text]) => [...text.matchAll(/"((?:[^"\\\n]|\\.)*\p{Script=Han}(?:[^"\\\n]|\\.)*)"/gu)].map(([, text]) => text!));
  expect(chinese.length).toBeGreaterThan(200);
  const machine = /\b[a-z_]+=[a-z0-9_-]|--[a-z]|\/(?:problems|features)\/|on_conflict/i;
  expect(chinese.filter((text) => machine.test(plainly(text, 'zh')))).toEqual([]);
});
