// The common scale of the ratio bars, so that bars of two counties can be compared by eye.
import type { Ratios } from '../contract';

/**
 * Per cent at the right end of every bar: room for the highest line and for the highest ratio that is known or expected. The worst
 * case is left out, because one county with everything pending would press all others into the corner; its whisker is cut off.
 */
export function scaleOf({ counties, city, lines }: Ratios): number {
  const ratios = [...counties, city].flatMap(({ ratio }) => [ratio.confirmed ?? 0, ratio.provisional ?? 0]);
  const highest = Math.max(...ratios, ...lines.map((line) => line.percent));
  return Math.min(100, Math.ceil((highest * 1.2) / 5) * 5);
}

/** Where a ratio stands on a bar, in per cent of the bar's length. */
export function placeOn(scale: number, ratio: number): number {
  return Math.min(100, (ratio / scale) * 100);
}
