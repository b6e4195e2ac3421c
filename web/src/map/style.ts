// The map's style, put together from the layers and the patches. There is no base map, no sprite and no glyph server: MapLibre
// then draws all letters itself from the fonts of the machine, so nothing is asked of any other origin.
import type { StyleSpecification } from 'maplibre-gl';
import type { LayerKind } from '../contract';
import { countyNames } from './counties';
import { DRAWN_LAYERS, sourceOf, tilesOf } from './layers';
import { PATCH_NUMBERS, PATCH_STYLE, PICKED_STYLE } from './patches';

/** Fonts for Chinese, the same as the page's. */
export const MAP_FONTS = '"Noto Sans CJK SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", sans-serif';

export const COUNTY_NAMES = 'county-names';

/** The layers of the style that a switch in the legend turns on and off together. */
export function layersOf(kind: LayerKind): string[] {
  const ids = DRAWN_LAYERS.find((layer) => layer.kind === kind)?.paint.map((layer) => layer.id) ?? [];
  return kind === 'county' ? [...ids, COUNTY_NAMES] : ids;
}

export function styleOf(version: string, patchTiles: string[]): StyleSpecification {
  const sources: StyleSpecification['sources'] = {
    patches: sourceOf(patchTiles, 0),
    [COUNTY_NAMES]: { type: 'geojson', data: countyNames([]) },
  };
  for (const { kind, minZoom } of DRAWN_LAYERS) sources[kind] = sourceOf(tilesOf(kind, { v: version }), minZoom);
  return {
    version: 8,
    sources,
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': '#f3f5f2' } },
      ...DRAWN_LAYERS.flatMap(({ paint, shownAtFirst }) =>
        paint.map((layer) => (shownAtFirst ? layer : { ...layer, layout: { ...layer.layout, visibility: 'none' as const } })),
      ),
      ...PATCH_STYLE,
      ...PICKED_STYLE,
      PATCH_NUMBERS,
      {
        id: COUNTY_NAMES,
        type: 'symbol',
        source: COUNTY_NAMES,
        maxzoom: 13,
        layout: {
          'text-field': ['get', 'label'],
          'text-font': ['bold'],
          'text-size': ['interpolate', ['linear'], ['zoom'], 7, 12, 11, 18],
          'text-letter-spacing': 0.08,
          'text-allow-overlap': true,
        },
        paint: { 'text-color': '#24343f', 'text-halo-color': 'rgba(255,255,255,0.92)', 'text-halo-width': 2 },
      },
    ] as StyleSpecification['layers'],
  };
}
