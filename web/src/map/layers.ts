// What the map draws of each layer: where its tiles begin, how it is painted, and the swatch that stands for it in the legend.
import type { LayerSpecification, VectorSourceSpecification } from 'maplibre-gl';
import type { LayerKind } from '../contract';
import type { Word } from '../words';

export interface DrawnLayer {
  kind: LayerKind;
  word: Word;
  /** The zoom from which the server has tiles. */
  minZoom: number;
  shownAtFirst: boolean;
  fill: string | null;
  line: string;
  dashed: boolean;
  paint: LayerSpecification[];
}

/** Beyond this zoom tiles are stretched: a unit of a zoom-15 tile is about 0.3 m, finer than any patch is surveyed. */
const DEEPEST_TILE = 15;

type Colours = Pick<DrawnLayer, 'fill' | 'line' | 'dashed'>;

function fillLayer(kind: LayerKind, paint: object, filter?: unknown): LayerSpecification {
  const layer = { id: `${kind}-fill`, type: 'fill', source: kind, 'source-layer': kind, paint };
  return (filter ? { ...layer, filter } : layer) as LayerSpecification;
}

function lineLayer(kind: LayerKind, paint: object): LayerSpecification {
  const layout = { 'line-join': 'round' };
  return { id: `${kind}-line`, type: 'line', source: kind, 'source-layer': kind, layout, paint } as LayerSpecification;
}

function drawn(kind: LayerKind, word: Word, minZoom: number, shownAtFirst: boolean, colours: Colours, paint: LayerSpecification[]): DrawnLayer {
  return { kind, word, minZoom, shownAtFirst, ...colours, paint };
}

const thickening = (from: number, to: number) => ['interpolate', ['linear'], ['zoom'], 8, from, 15, to];

const FARMLAND: Colours = { fill: '#dfe8c4', line: '#b5c48d', dashed: false };
const BASIC: Colours = { fill: '#f3df9a', line: '#b89a2b', dashed: false };
const RED_LINE: Colours = { fill: '#f6d9dc', line: '#c0485a', dashed: true };
const URBAN: Colours = { fill: null, line: '#43618c', dashed: true };
const APPROVED: Colours = { fill: '#c6dbf2', line: '#2f6fb3', dashed: false };
const COUNTY: Colours = { fill: null, line: '#55636d', dashed: false };

/** From the bottom of the map to its top. */
export const DRAWN_LAYERS: DrawnLayer[] = [
  drawn('farmland', 'farmland_parcels', 13, true, FARMLAND, [
    // Parcels that are no farmland stay on the ground's colour: what matters is where farmland is, not what else there is.
    fillLayer('farmland', { 'fill-color': FARMLAND.fill }, ['==', ['get', 'farmland'], true]),
    lineLayer('farmland', { 'line-color': FARMLAND.line, 'line-width': 0.6, 'line-opacity': 0.8 }),
  ]),
  drawn('basic_farmland', 'basic_farmland', 10, false, BASIC, [
    fillLayer('basic_farmland', { 'fill-color': BASIC.fill, 'fill-opacity': 0.6 }),
    lineLayer('basic_farmland', { 'line-color': BASIC.line, 'line-width': thickening(0.6, 1.2) }),
  ]),
  drawn('red_line', 'red_line', 0, true, RED_LINE, [
    fillLayer('red_line', { 'fill-color': RED_LINE.fill, 'fill-opacity': 0.55 }),
    lineLayer('red_line', { 'line-color': RED_LINE.line, 'line-width': thickening(1, 2), 'line-dasharray': [3, 1.5] }),
  ]),
  drawn('approved', 'approved', 11, true, APPROVED, [
    fillLayer('approved', { 'fill-color': APPROVED.fill, 'fill-opacity': 0.75 }),
    lineLayer('approved', { 'line-color': APPROVED.line, 'line-width': thickening(0.8, 1.5) }),
  ]),
  drawn('urban_boundary', 'urban_boundary', 0, true, URBAN, [
    lineLayer('urban_boundary', { 'line-color': URBAN.line, 'line-width': thickening(1.1, 2.2), 'line-dasharray': [5, 2] }),
  ]),
  drawn('county', 'county', 0, true, COUNTY, [lineLayer('county', { 'line-color': COUNTY.line, 'line-width': thickening(1.1, 2.4) })]),
];

/** Tiles must be asked for by whole URLs, because MapLibre's worker has no page to be relative to. */
export function tilesOf(source: string, query: Record<string, string>): string[] {
  const given = Object.entries(query).filter(([, value]) => value !== '');
  return [`${location.origin}/api/tiles/${source}/{z}/{x}/{y}.mvt?${new URLSearchParams(given)}`];
}

export function sourceOf(tiles: string[], minZoom: number): VectorSourceSpecification {
  return { type: 'vector', tiles, minzoom: minZoom, maxzoom: DEEPEST_TILE };
}
