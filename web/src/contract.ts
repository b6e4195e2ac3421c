// The HTTP contract of docs/API.md as types, in its words and its order. Nothing here runs.
import type { Feature, FeatureCollection, MultiPolygon, Polygon } from 'geojson';

/** Square metres as summed, and 亩 as the server rounded them; the page never converts one into the other. */
export interface Area {
  m2: number;
  mu: number;
}

/** A sentence in both languages. */
export interface Sentence {
  zh: string;
  en: string;
}

/** West, south, east, north in degrees. */
export type Bounds = [number, number, number, number];

export type LineName = 'target' | 'accountability';

export interface Line {
  name: LineName;
  percent: number;
}

export interface About {
  name: string;
  version: string;
  demo: boolean;
  bounds: Bounds | null;
  /** Months `2022-04`, quarters `2022-Q2` and years `2022`, the newest last. */
  periods: string[];
  lines: Line[];
  rule: string;
  tiles_version: string;
}

export type LayerKind = 'county' | 'farmland' | 'basic_farmland' | 'red_line' | 'urban_boundary' | 'approved';

/** What a finding names of a layer, enough to derive the number again. */
export interface LayerVersion {
  id: number;
  kind: LayerKind;
  name: string;
  effective: string;
}

export interface Layer extends LayerVersion {
  features: number;
  declared_empty: boolean;
  rejected: number;
  vertices: number;
  in_force: boolean;
  created_at: string;
  /** Of approvals, how many have no day that can be read; null for other kinds. */
  undated: number | null;
  /** What is asked of people, where some have none. */
  advice: Sentence | null;
  notes: string[];
}

export type AutomaticVerdict = 'legal' | 'suspected_illegal' | 'other' | 'doubtful';
export type Verdict = AutomaticVerdict | 'illegal';
export type Level = 'ministry' | 'province' | 'city';

export interface Survey {
  id: number;
  name: string;
  period: string;
  level: Level;
  crs: string;
  sha256: string;
  created_at: string;
  /** When its findings were made: then, or anew since. */
  judged_at: string;
  patches: number;
  repaired: number;
  rejected: number;
  /** The field patch ids were read from, `feature_id`, or `row`. */
  patch_id_source: string;
  fields: Record<string, string>;
  verdicts: Partial<Record<AutomaticVerdict, number>>;
  area: Area;
  /** Null where that of some patches is unknown. */
  farmland: Area | null;
  /** Patches judged without any land survey. */
  farmland_unknown: number;
  outside: number;
  warnings: Sentence[];
}

/** What became of a survey. */
export interface SurveyEvent {
  at: string;
  event: 'withdrawn' | 'restored' | 'moved' | 'replaced' | 'replaces' | 'removed';
  by: string | null;
  reason: string | null;
  details: Record<string, unknown>;
}

/** What became of a survey since it was stored, and how many confirmed verdicts its patches have. */
export interface History {
  confirmed: number;
  events: SurveyEvent[];
}

/** A survey that does not count any more, and can be restored. */
export interface WithdrawnSurvey extends Survey {
  confirmed: number;
  withdrawn_at: string | null;
  event: SurveyEvent | null;
}

/** What the findings of a survey rest on. */
export interface Provenance {
  layers: LayerVersion[];
  rule: string;
  /** Whether those are what the days of its patches choose now. */
  in_force: boolean;
  outdated: Outdated[];
}

/** What the days of patches choose otherwise now: a layer version, or (`kind` null) the rule. */
export interface Outdated {
  kind: LayerKind | null;
  was: LayerVersion | null;
  is: LayerVersion | null;
  rule_was: string | null;
  rule_is: string | null;
}

/** What making the findings of a survey anew would change. */
export interface Difference {
  survey: number;
  /** Given back when it is done: where something has changed since, it is not. */
  token: string;
  patches: number;
  changed: number;
  verdicts: { before: AutomaticVerdict; after: AutomaticVerdict; patches: number }[];
  counties: RatioChange[];
  city: RatioChange | null;
  /** The first thousand. */
  changes: { id: number; patch_id: string; before: FindingSide; after: FindingSide }[];
  problem: Problem | null;
}

export interface RatioChange {
  county_code: string | null;
  county_name: string;
  before: Ratio;
  after: Ratio;
}

export interface FindingSide {
  verdict: AutomaticVerdict;
  reason: string;
  county_code: string | null;
  /** Null where there was no land survey. */
  farmland: Area | null;
  approved: Area;
}

export interface Reject {
  row: number;
  patch_id: string | null;
  code: string;
  reason: Sentence;
  pointer: string | null;
  ring: number | null;
  vertex: number | null;
}

export interface Rejects {
  rejects: Reject[];
  next: string | null;
}

/** A file that a job made, fetched from `url`. */
export interface JobFile {
  name: string;
  media_type: string;
  bytes: number;
  features: number;
  url: string;
}

export interface Job {
  id: string;
  kind: 'survey_import' | 'layer_import' | 'reclassification' | 'export';
  state: 'running' | 'done' | 'failed';
  stage: 'reading' | 'classifying' | 'writing' | 'storing' | 'waiting_for_room';
  done: number;
  total: number | null;
  node: string | null;
  attempts: number;
  error: string | null;
  queued_at: string;
  started_at: string | null;
  ended_at: string | null;
  survey: Survey | null;
  layer: Layer | null;
  file: JobFile | null;
  problem: Problem | null;
}

export interface Patch {
  patch_id: string;
  survey_id: number;
  period: string;
  /** Days of the images before and after the change. */
  before_day: string;
  after_day: string;
  row: number;
  county_code: string | null;
  county_name: string | null;
  area: Area;
  /** Null where there is no version of the layer that tells it: unknown, not nothing. */
  farmland: Area | null;
  basic_farmland: Area | null;
  red_line: Area | null;
  urban_boundary: Area | null;
  approved: Area | null;
  approved_farmland: Area | null;
  approved_before: Area | null;
  approved_before_farmland: Area | null;
  approved_undated: Area | null;
  approved_undated_farmland: Area | null;
  approved_later: Area | null;
  approved_later_farmland: Area | null;
  approved_in_time: Area | null;
  approved_in_time_farmland: Area | null;
  other_use: Area | null;
  other_use_farmland: Area | null;
  automatic_verdict: AutomaticVerdict;
  confirmed_verdict: Verdict | null;
  verdict: Verdict;
  filed: Filed | null;
  condition: string;
  /** Absent where the patch shares no ground. */
  taken_off?: TakenOff;
}

/** What counts for other patches in the sums of the patch's own period, and who they are. */
export interface TakenOff {
  area: Area;
  farmland: Area;
  nothing_left: boolean;
  in_proportion: boolean;
  shares_with: SharedWith[];
}

export interface SharedWith {
  id: number;
  patch_id: string;
  survey_id: number;
  period: string;
  level: Level;
  confirmed_verdict: Verdict | null;
  shared: Area;
  taken_off: Area;
  contradicts: boolean;
  href: string;
}

/** A confirmed verdict as it was filed. */
export interface Filed {
  verdict: Verdict;
  legal: Area;
  legal_farmland: Area;
  illegal: Area;
  illegal_farmland: Area;
  by?: string;
  at?: string;
}

/** What a table of confirmed verdicts changed, or would. */
export interface Filing {
  /** Whether nothing was recorded because a preview was asked for. */
  preview: boolean;
  by: string;
  /** Patches that had no confirmed verdict, another one, the very same. */
  new: number;
  changed: number;
  same: number;
  /** Rows without a verdict. */
  without: number;
  /** Rows that are wrong. */
  refused: number;
  /** The headings taken for each of our columns. */
  columns: Record<string, string[]>;
  /** The first thousand. */
  changes: FilingChange[];
  rejects: Reject[];
}

/** A patch whose confirmed verdict changes; `before` is null where it had none. */
export interface FilingChange {
  row: number;
  patch_id: string;
  before: Filed | null;
  after: Filed;
}

/** A feature of a layer's file that is not in the layer and may lie here; row 0 stands for several. */
export interface LeftOut {
  kind: LayerKind;
  layer: number;
  row: number;
  code: string;
  zh: string;
  en: string;
}

export interface Defect {
  code: string;
  part: number | null;
  ring: number | null;
  vertex: number | null;
  longitude: number | null;
  latitude: number | null;
  zh: string;
  en: string;
}

export interface Finding {
  explanation: Sentence;
  reason: string;
  parcels: { dlbm: string; dlmc: string; area: Area }[];
  counties: { code: string; name: string; area: Area }[];
  approvals: string[];
  flags: string[];
  defects: Defect[];
  layer_set: number | null;
  layers: LayerVersion[];
  rule: string;
  left_out: LeftOut[];
  history: FormerFinding[];
}

/** What a finding was before it was made anew. */
export interface FormerFinding {
  automatic_verdict: AutomaticVerdict;
  reason: string;
  judged_at: string;
  replaced_at: string;
  replaced_by: string | null;
}

export interface ExplainedPatch extends Patch {
  finding: Finding;
  attributes: Record<string, unknown>;
}

export type Outline = Polygon | MultiPolygon;
export type PatchFeature = Feature<Outline, Patch> & { id: number };
export type ExplainedPatchFeature = Feature<Outline, ExplainedPatch> & { id: number };
export type PatchPage = FeatureCollection<Outline, Patch> & { features: PatchFeature[]; next: string | null };

export interface Group {
  patches: number;
  area: Area;
  /** Null where that of some of its ground is unknown. */
  farmland: Area | null;
  /** Patches with ground in the group of which nobody knows how much is farmland. */
  farmland_unknown: number;
}

/** Percentages; null where the denominator is empty or unknown, which is shown as “—” and never as 0 %. */
export interface Ratio {
  confirmed: number | null;
  provisional: number | null;
  best: number | null;
  worst: number | null;
}

export interface Lever {
  percent: number;
  restore: Area;
  approve: Area;
  more_legal: Area;
}

export interface Tally {
  county_code: string | null;
  county_name: string | null;
  legal: Group;
  illegal: Group;
  other: Group;
  pending: Group;
  /** What counts for other patches; in none of the others. */
  taken_off: Group;
  total: Group;
  /** Patches judged without any land survey, confirmed ones among them. */
  farmland_unknown: number;
  ratio: Ratio;
  line_crossed: LineName | null;
  levers: Lever[];
}

export interface Claimant {
  id: number;
  patch_id: string;
  survey_id: number;
  period: string;
  verdict: Verdict;
  href: string;
}

/** Confirmed verdicts that differ on ground that both patches have. */
export interface Contradiction {
  counts: Claimant;
  contradicts: Claimant;
  area: Area;
  /** Null where there was no land survey. */
  farmland: Area | null;
}

export interface Ratios {
  from: string;
  until: string;
  /** Surveys that lie only partly between the two, and so are not counted. */
  straddling: { survey_id: number; period: string }[];
  counties: Tally[];
  city: Tally;
  contradictions: Contradiction[];
  lines: Line[];
  layers: LayerVersion[];
  rule: string;
  computed_at: string;
}

/** A layer of a file. */
export interface LayerSeen {
  name: string;
  format: string;
  geometry: string;
  polygonal: boolean;
  features: number | null;
  crs: string | null;
}

/** What `POST /api/inspect` saw of a file, and what would become of it. */
export interface Inspection {
  /** What the file waits under, so that it need not be sent again. */
  token: string | null;
  sha256: string;
  format: string;
  layers: LayerSeen[];
  layer: string | null;
  crs: { found: string | null; understood: string | null; source: 'stated' | 'file' | 'assumed'; candidates: string[] };
  encoding: { label: string; why: Sentence } | null;
  fields: { name: string; taken_for: string | null }[];
  our_fields: string[];
  preview: Record<string, unknown>[];
  extent: Bounds | null;
  features: number;
  accepted: number;
  repaired: number;
  rejected: number;
  outside: number;
  rejects: Reject[];
  defects: ({ row: number } & Sentence)[];
  warnings: Sentence[];
  problem: Problem | null;
  outcome: Sentence;
}

/** RFC 9457, with a pointer into the file or the name of the query parameter where one is to blame. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  detail_en?: string;
  pointer?: string;
  parameter?: string;
  reference?: string;
  rejects?: Reject[];
  /** What to send with the file so that it can be taken: a parameter and its value. */
  offer?: string;
  /** Where only people can know which is right: what they may send with the file, each a parameter and its value. */
  choices?: string[];
  /** Of `verdicts_would_go`: how many. */
  verdicts?: number;
}
