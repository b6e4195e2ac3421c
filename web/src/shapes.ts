// Shapes that the page names and the contract does not.
import type { Patch, PatchFeature, Problem } from './contract';

/** West, south, east, north in degrees. */
export type Bounds = [number, number, number, number];

/** A GeoJSON Polygon or MultiPolygon. */
export type Outline = PatchFeature['geometry'];

/** A patch that was asked for by its number: with its finding, and the file's own fields. */
export type ExplainedPatch = Patch & Required<Pick<Patch, 'finding' | 'attributes'>>;

export type ExplainedPatchFeature = PatchFeature & { properties: ExplainedPatch };

/** The problem `verdicts_would_go`: how many. */
export type VerdictsWouldGo = Problem & { verdicts: number };
