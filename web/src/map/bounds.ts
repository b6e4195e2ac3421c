// Bounds of outlines, in degrees.
import type { Bounds, Outline } from '../shapes';

/** Bounds that any point will widen. */
export function nowhere(): Bounds {
  return [Infinity, Infinity, -Infinity, -Infinity];
}

export function widen(bounds: Bounds, longitude: number, latitude: number): void {
  bounds[0] = Math.min(bounds[0], longitude);
  bounds[1] = Math.min(bounds[1], latitude);
  bounds[2] = Math.max(bounds[2], longitude);
  bounds[3] = Math.max(bounds[3], latitude);
}

/** Every part of an outline as its list of rings. */
export function partsOf(outline: Outline): number[][][][] {
  return outline.type === 'Polygon' ? [outline.coordinates] : outline.coordinates;
}

export function boundsOf(outline: Outline): Bounds {
  const bounds = nowhere();
  for (const part of partsOf(outline)) {
    for (const [longitude, latitude] of part[0] ?? []) widen(bounds, longitude!, latitude!);
  }
  return bounds;
}
