// How patches are drawn: as dots while they are smaller than a dot, then as outlines, then with their numbers.
import type { ExpressionSpecification, FilterSpecification, LayerSpecification } from 'maplibre-gl';
import { VERDICT_COLOURS, VERDICTS } from '../verdict';

export const PATCH_DOTS = 'patches-dot';
export const PATCH_FILLS = 'patches-fill';

/** The layers on which a click picks a patch. */
export const PATCH_LAYERS = [PATCH_DOTS, PATCH_FILLS];

/** A patch of one hectare is some five pixels wide here; below, its outline would be dust. */
export const OUTLINES_FROM = 12;

const colour = [
  'match',
  ['get', 'verdict'],
  ...VERDICTS.flatMap((verdict) => [verdict, VERDICT_COLOURS[verdict]]),
  VERDICT_COLOURS.other,
] as unknown as ExpressionSpecification;

/** The worst verdict gets the highest key and so is drawn last, on top. */
const rank = [
  'match',
  ['get', 'verdict'],
  ...VERDICTS.flatMap((verdict, place) => [verdict, VERDICTS.length - place]),
  0,
] as unknown as ExpressionSpecification;

const OUTLINE_WIDTH: ExpressionSpecification = ['interpolate', ['linear'], ['zoom'], 12, 1.4, 16, 2.4];

const drawnFrom = { source: 'patches', 'source-layer': 'patches' };

export const PATCH_STYLE: LayerSpecification[] = [
  {
    // A circle layer puts a dot on every vertex; below this zoom all vertices of a patch fall together into one dot.
    id: PATCH_DOTS,
    type: 'circle',
    ...drawnFrom,
    maxzoom: OUTLINES_FROM,
    layout: { 'circle-sort-key': rank },
    paint: {
      // Filled where people confirmed it, a ring where only the overlay says so.
      'circle-color': ['case', ['==', ['get', 'confirmed'], true], colour, '#ffffff'],
      'circle-stroke-color': colour,
      'circle-stroke-width': 1.2,
      'circle-radius': ['interpolate', ['linear'], ['zoom'], 7, 1.8, 9, 2.4, 12, 3.8],
    },
  },
  {
    // Also below the dots, where it fills the ring of dots that a very large patch would else be.
    id: PATCH_FILLS,
    type: 'fill',
    ...drawnFrom,
    layout: { 'fill-sort-key': rank },
    paint: {
      'fill-color': colour,
      'fill-opacity': [
        'step',
        ['zoom'],
        ['case', ['==', ['get', 'confirmed'], true], 1, 0],
        OUTLINES_FROM,
        ['case', ['==', ['get', 'confirmed'], true], 0.6, 0.3],
      ],
    },
  },
  {
    // What people confirmed has a solid outline.
    id: 'patches-line',
    type: 'line',
    ...drawnFrom,
    minzoom: OUTLINES_FROM,
    filter: ['==', ['get', 'confirmed'], true],
    layout: { 'line-join': 'round', 'line-sort-key': rank },
    paint: { 'line-color': colour, 'line-width': OUTLINE_WIDTH },
  },
  {
    // What only the overlay says has a dashed one.
    id: 'patches-line-automatic',
    type: 'line',
    ...drawnFrom,
    minzoom: OUTLINES_FROM,
    filter: ['!=', ['get', 'confirmed'], true],
    layout: { 'line-join': 'round', 'line-sort-key': rank },
    paint: { 'line-color': colour, 'line-width': OUTLINE_WIDTH, 'line-dasharray': [2, 1.5] },
  },
];

/** A ring around the picked patch: dark on white, so that it shows on every verdict's colour. */
export const PICKED_STYLE: LayerSpecification[] = [
  {
    id: 'picked-dot',
    type: 'circle',
    ...drawnFrom,
    maxzoom: OUTLINES_FROM,
    filter: picked(null),
    paint: { 'circle-radius': 7, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': '#10222e', 'circle-stroke-width': 2 },
  },
  {
    id: 'picked-halo',
    type: 'line',
    ...drawnFrom,
    minzoom: OUTLINES_FROM,
    filter: picked(null),
    paint: { 'line-color': '#ffffff', 'line-width': 6 },
  },
  {
    id: 'picked-line',
    type: 'line',
    ...drawnFrom,
    minzoom: OUTLINES_FROM,
    filter: picked(null),
    paint: { 'line-color': '#10222e', 'line-width': 3 },
  },
];

export const PATCH_NUMBERS: LayerSpecification = {
  id: 'patches-number',
  type: 'symbol',
  ...drawnFrom,
  minzoom: 14.5,
  layout: { 'text-field': ['get', 'patch_id'], 'text-size': 12, 'text-font': ['sans-serif'] },
  paint: { 'text-color': '#10222e', 'text-halo-color': '#ffffff', 'text-halo-width': 1.6 },
};

/** Selects the picked patch; -1 is nobody's number. */
export function picked(id: number | null): FilterSpecification {
  return ['==', ['get', 'id'], id ?? -1];
}
