// How numbers and times are written. Rounding to 亩 and to percent is the server's; only m², which it sends unrounded, is rounded here.

/** Shown where there is no number: neither an empty denominator nor what is unknown is zero. */
export const NO_NUMBER = '—';

const twoDecimals = new Intl.NumberFormat('en-US', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** Two decimals with thousands separators, as for 亩 and m². */
export function decimal(value: number): string {
  return twoDecimals.format(value);
}

/** The same, or a dash where it is not known. */
export function known(value: number | undefined): string {
  return value === undefined ? NO_NUMBER : decimal(value);
}

export function count(value: number): string {
  return whole.format(value);
}

export function percent(value: number | null): string {
  return value === null ? NO_NUMBER : `${value.toFixed(2)} %`;
}

/** From best to worst; one dash when neither is known, so that nobody reads “— – —”. */
export function span(best: number | null, worst: number | null): string {
  if (best === null && worst === null) return NO_NUMBER;
  const end = (value: number | null) => (value === null ? NO_NUMBER : value.toFixed(2));
  return `${end(best)}–${end(worst)} %`;
}

/** The part that one area is of another, for the length of a bar; 0 where there is no whole. */
export function share(part: number, of: number): number {
  return of > 0 ? Math.min(1, Math.max(0, part / of)) : 0;
}

/** Bytes as an officer reads them in a file list. */
export function bytes(value: number): string {
  if (value < 1024) return `${value} B`;
  const units = ['KB', 'MB', 'GB'];
  let scaled = value / 1024;
  let unit = 0;
  while (scaled >= 1024 && unit < units.length - 1) {
    scaled /= 1024;
    unit += 1;
  }
  return `${scaled.toFixed(1)} ${units[unit]}`;
}

/** A time in the reader's zone, to the minute; the text itself when it is not a time. */
export function moment(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ` + `${two(time.getHours())}:${two(time.getMinutes())}`;
}
