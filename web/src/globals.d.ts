import type { Map } from 'maplibre-gl';

declare global {
  interface Window {
    /** What the page lets its tests see. */
    __tuban?: { map: Map };
  }
}
