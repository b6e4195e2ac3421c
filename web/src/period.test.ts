import { expect, test } from 'vitest';
import { leadsTo, named, within } from './period';

test('a range leads from what begins and ends first', () => {
  expect(leadsTo('2022-04', '2022-04')).toBe(true);
  expect(leadsTo('2022-04', '2022-Q2')).toBe(true);
  expect(leadsTo('2022-Q2', '2022-06')).toBe(true);
  expect(leadsTo('2022-05', '2022-Q2')).toBe(false);
  expect(leadsTo('2022', '2022-12')).toBe(true);
  expect(leadsTo('2022', '2022-11')).toBe(false);
});

test('a period lies in a range with all of its months', () => {
  expect(within('2022-Q2', '2022-04', '2022-06')).toBe(true);
  expect(within('2022-Q2', '2022-05', '2022-06')).toBe(false);
  expect(within('2022', '2022-01', '2022-Q4')).toBe(true);
});

test('the name of a file tells its period', () => {
  for (const [name, period] of [
    ['2022-04 城区.geojson', '2022-04'],
    ['图斑202204.zip', '2022-04'],
    ['2022年4月图斑.zip', '2022-04'],
    ['2022年第二季度.gdb.zip', '2022-Q2'],
    ['2022Q3.gpkg', '2022-Q3'],
    ['2022年度变更.zip', '2022'],
    ['survey.geojson', null],
    ['371302000043.zip', null],
  ] as const) {
    expect(named(name), name).toBe(period);
  }
});
