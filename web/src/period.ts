// Periods as the server writes them: a month 2022-04, a quarter 2022-Q2, a year 2022. In their order, what ends later is later.

/** First and last month, counted from year 0. */
function months(period: string): [number, number] {
  const year = Number(period.slice(0, 4)) * 12;
  const rest = period.slice(5);
  if (rest === '') return [year, year + 11];
  const first = year + (rest.startsWith('Q') ? 3 * (Number(rest.slice(1)) - 1) : Number(rest) - 1);
  return [first, rest.startsWith('Q') ? first + 2 : first];
}

/** Whether a range may lead from one to the other: neither may the second begin nor end before the first. */
export function leadsTo(from: string, until: string): boolean {
  const [[first, last], [begin, end]] = [months(from), months(until)];
  return first <= begin && last <= end;
}

/** Whether a period lies in a range wholly. */
export function within(period: string, from: string, until: string): boolean {
  const [first, last] = months(period);
  return months(from)[0] <= first && last <= months(until)[1];
}

/** The period that a file's name tells, which usually is one: 2022-04.geojson, 202204, 2022年4月, 2022-Q2, 2022年第二季度, 2022年度. */
export function named(name: string): string | null {
  const quarter = /((?:19|20)\d\d)[-_年]?(?:[Qq]([1-4])|第?([1-4一二三四])季度)/.exec(name);
  if (quarter) return `${quarter[1]}-Q${quarter[2] ?? ('一二三四'.indexOf(quarter[3]!) + 1 || quarter[3])}`;
  const month = /((?:19|20)\d\d)(?:[-_]?(0[1-9]|1[0-2])(?!\d)|年(0?[1-9]|1[0-2])月)/.exec(name);
  if (month) return `${month[1]}-${(month[2] ?? month[3]!).padStart(2, '0')}`;
  return /((?:19|20)\d\d)年/.exec(name)?.[1] ?? null;
}
