// Where the counties lie. The contract has no such answer, so it is read off the tiles that are on screen while the whole city is:
// exact to a pixel of that view, which is enough to zoom to a county and to write its name inside it.
import type { FeatureCollection, Point } from 'geojson';
import type { MapGeoJSONFeature } from 'maplibre-gl';
import type { Bounds, Outline } from '../shapes';
import { nowhere, partsOf, widen } from './bounds';
import { label } from './label';

export interface CountyPlace {
  code: string;
  name: string;
  bounds: Bounds;
  middle: [number, number];
}

interface Gathered {
  name: string;
  bounds: Bounds;
  /** Sums over triangles of a ring: twice the area, and the area's moments. */
  area: number;
  momentX: number;
  momentY: number;
}

/** Adds a shell to the sums of the centroid. Tile pieces overlap by their margins, which moves a middle by nothing one could see. */
function addShell(county: Gathered, shell: number[][]): void {
  let area = 0;
  let momentX = 0;
  let momentY = 0;
  for (let i = 1; i < shell.length; i += 1) {
    const [x0, y0] = shell[i - 1] as [number, number];
    const [x1, y1] = shell[i] as [number, number];
    widen(county.bounds, x1, y1);
    const cross = x0 * y1 - x1 * y0;
    area += cross;
    momentX += (x0 + x1) * cross;
    momentY += (y0 + y1) * cross;
  }
  const sign = area < 0 ? -1 : 1;
  county.area += sign * area;
  county.momentX += sign * momentX;
  county.momentY += sign * momentY;
}

/** Puts the pieces that tiles cut a county into together again. O(vertices). */
export function gatherCounties(pieces: Pick<MapGeoJSONFeature, 'geometry' | 'properties'>[]): Map<string, CountyPlace> {
  const gathered = new Map<string, Gathered>();
  for (const { geometry, properties } of pieces) {
    if (geometry.type !== 'Polygon' && geometry.type !== 'MultiPolygon') continue;
    const code = String(properties.code);
    const county = gathered.get(code) ?? { name: String(properties.name), bounds: nowhere(), area: 0, momentX: 0, momentY: 0 };
    gathered.set(code, county);
    for (const part of partsOf(geometry as Outline)) addShell(county, part[0] ?? []);
  }
  const places = new Map<string, CountyPlace>();
  for (const [code, { name, bounds, area, momentX, momentY }] of gathered) {
    if (area === 0) continue;
    places.set(code, { code, name, bounds, middle: [momentX / (3 * area), momentY / (3 * area)] });
  }
  return places;
}

export function countyNames(places: Iterable<CountyPlace>): FeatureCollection<Point> {
  return {
    type: 'FeatureCollection',
    features: [...places].map(({ code, name, middle }) => ({
      type: 'Feature',
      properties: { code, name, label: label(name) },
      geometry: { type: 'Point', coordinates: middle },
    })),
  };
}
