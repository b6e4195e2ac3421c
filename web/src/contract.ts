// Made from docs/openapi.json by `make contract`: change the service, not this file. Nothing here runs.

/** What a page needs to know first. */
export interface About {
  /** West, south, east, north of the counties in force, degrees. */
  bounds: number[] | null;
  /** What the city is called, where that is configured. */
  city: string | null;
  /** Whether a layer in force says of itself that it is invented. */
  demo: boolean;
  lines: Line[];
  name: string;
  /** Periods that have a survey, the newest last. */
  periods: string[];
  rule: string;
  /** The day from which the rule counts. */
  rule_effective: string;
  /** Changes whenever a tile may: put it into tile URLs. */
  tiles_version: string;
  version: string;
}

/** An area as it is answered: square metres as summed, and 亩 rounded half-up to two decimals. */
export interface Area {
  /** Square metres, unrounded. */
  m2: number;
  /** 亩, two decimals. */
  mu: number;
}

/** The areas of a finding. */
export interface Areas {
  approved: Area | null;
  approved_before: Area | null;
  approved_before_farmland: Area | null;
  approved_farmland: Area | null;
  approved_in_time: Area | null;
  approved_in_time_farmland: Area | null;
  approved_later: Area | null;
  approved_later_farmland: Area | null;
  approved_undated: Area | null;
  approved_undated_farmland: Area | null;
  area: Area;
  basic_farmland: Area | null;
  farmland: Area | null;
  other_use: Area | null;
  other_use_farmland: Area | null;
  red_line: Area | null;
  urban_boundary: Area | null;
}

/** What the overlay alone can say. A patch is a clue only: there is no penalty before field verification. */
export type AutomaticVerdict = 'legal' | 'suspected_illegal' | 'other' | 'doubtful';

/** What a polygon occupies. */
export type Checked = Areas & {
  after_day: string;
  automatic_verdict: AutomaticVerdict;
  /** The days that layers and rule were chosen by. */
  before_day: string;
  condition: Condition;
  county_code: string | null;
  finding: Finding;
};

export interface Claimant {
  href: string;
  id: number;
  patch_id: string;
  period: string;
  survey_id: number;
  verdict: Verdict;
}

/** Whether a patch's outline could be taken as it was. */
export type Condition = 'ok' | 'repaired';

/** Confirmed verdicts that differ on ground that both patches have. */
export interface Contradiction {
  /** The ground that both have. */
  area: Area;
  contradicts: Claimant | null;
  counts: Claimant | null;
  farmland: Area | null;
}

export interface CountyShare {
  area: Area;
  code: string;
  name: string;
}

/** The CRS as found and as understood. */
export interface CrsSeen {
  /** What it could be instead, where the coordinates contradict it. */
  candidates: string[];
  /** As the file has it. */
  found: string | null;
  source: CrsSource;
  /** As it would be read. */
  understood: string | null;
}

/** Where a CRS comes from. */
export type CrsSource = 'stated' | 'file' | 'assumed';

export type Defect = Words & {
  code: string;
  latitude: number;
  longitude: number;
  part: number;
  ring: number;
  vertex: number;
};

/** A repair. */
export type DefectSeen = Words & {
  row: number;
};

/** What making the findings of a survey anew would change. */
export interface Difference {
  /** Patches whose finding would say something else. */
  changed: number;
  /** The first thousand of the patches that would change. */
  changes: FindingChange[];
  city: RatioChange | null;
  /** The survey's own ratios by county, as they are and as they would be. */
  counties: RatioChange[];
  patches: number;
  problem: Problem | null;
  survey: number;
  /** To be given as `token` when it is done: if layers, patches or rule have changed since, it is not. */
  token: string;
  /** By the verdicts that patches have and would have, as far as the two differ. */
  verdicts: VerdictChange[];
}

/** By how much areas may differ, square metres: for edges are straight in one coordinate system only, and for coordinates were written with few decimals. */
export interface EdgeBound {
  /** What rounding of the coordinates adds to that, square metres. */
  rounding: RoundingBound;
  second_county_m2: number;
  unapproved_farmland_m2: number;
  unapproved_m2: number;
  without_parcels_m2: number;
}

/** What the text is read in. */
export interface EncodingSeen {
  label: string;
  why: Words;
}

/** What became of a survey. */
export type Event = 'withdrawn' | 'restored' | 'moved' | 'replaced' | 'replaces' | 'removed';

/** The type of a GeoJSON Feature. */
export type FeatureType = 'Feature';

/** A field of the file. */
export interface FieldSeen {
  name: string;
  taken_for: string | null;
}

/** A confirmed verdict as it was filed. */
export interface Filed {
  /** When. */
  at?: string;
  /** Who filed it; “—” where nobody said. */
  by?: string;
  /** Illegal construction. */
  illegal: Area;
  /** Of that, on farmland. */
  illegal_farmland: Area;
  /** Legal construction. */
  legal: Area;
  /** Of that, on farmland. */
  legal_farmland: Area;
  verdict: Verdict;
}

/** What a table of verdicts changed, or would. */
export interface Filing {
  /** Who files. */
  by: string;
  /** Patches that had another one. */
  changed: number;
  /** What changes, row by row; the first thousand. */
  changes: FilingChange[];
  /** The heading of each column that was taken for one of ours; several where an area is there in several units. */
  columns: Record<string, string[]>;
  /** Patches that had no confirmed verdict. */
  new: number;
  /** Whether nothing was recorded because a preview was asked for. */
  preview: boolean;
  /** Rows that are wrong; all verdicts stay out while there are any. */
  refused: number;
  /** What is wrong with which row; the first thousand faults. */
  rejects: Reject[];
  /** Patches that had the very same: it stays with who filed it and when. */
  same: number;
  /** Rows without a verdict: nothing changes for them. */
  without: number;
}

/** A patch whose confirmed verdict changes. */
export interface FilingChange {
  after: Filed;
  before: Filed | null;
  patch_id: string;
  /** Row in the spreadsheet, from 1; the heading has one, too. */
  row: number;
}

/** Why: what a finding rests on. */
export interface Finding {
  approvals: string[];
  counties: CountyShare[];
  defects: Defect[];
  /** By how much areas that a tolerance was held against may differ, where that is not 0. */
  edge_bound?: EdgeBound;
  explanation: Words;
  flags: Flag[];
  /** What it was before it was made anew, the last one first. */
  history: FormerFinding[];
  /** Number of the layer set that it was made from; null where nothing is stored. */
  layer_set: number | null;
  layers: LayerUsed[];
  /** Features of the layers' files that are not in the layers and may lie here, the first hundred. */
  left_out: LeftOut[];
  parcels: ParcelShare[];
  reason: Reason;
  rule: string;
}

/** A patch that would change. */
export interface FindingChange {
  after: FindingSide;
  before: FindingSide;
  id: number;
  patch_id: string;
}

/** What a finding says. */
export interface FindingSide {
  approved: Area;
  county_code: string | null;
  farmland: Area | null;
  reason: Reason;
  verdict: AutomaticVerdict;
}

/** What people should look at twice. */
export type Flag = 'crosses_border' | 'county_code_disagrees' | 'county_code_unreadable' | 'outside_counties' | 'no_county_layer' | 'partly_without_parcels' | 'dates_unclear' | 'layer_member_left_out' | 'approval_undated' | 'approval_expired' | 'approval_kind_unknown' | 'shares_ground' | 'edge_definition' | 'coordinates_rounded' | 'layer_later_than_change' | 'no_basic_farmland_layer' | 'no_red_line_layer' | 'no_urban_boundary_layer';

/** A finding in whose place another was put. */
export type FormerFinding = Areas & {
  automatic_verdict: AutomaticVerdict;
  county_code: string | null;
  flags: Flag[];
  /** When it was made. */
  judged_at: string;
  layer_set: number | null;
  layers: LayerUsed[];
  reason: Reason;
  /** When another took its place. */
  replaced_at: string;
  /** Who asked for that, where a name was given. */
  replaced_by: string | null;
  rule: string;
};

export interface Group {
  area: Area;
  farmland: Area | null;
  /** Patches with ground in the group of which nobody knows how much is farmland: judged without any land survey, and no filing says it. */
  farmland_unknown: number;
  patches: number;
}

/** That the service is up. */
export interface Health {
  status: string;
}

/** What became of a survey. */
export interface History {
  /** Confirmed verdicts of its patches. */
  confirmed: number;
  /** Since it was stored, in order. */
  events: SurveyEvent[];
}

/** What was seen. */
export interface Inspection {
  accepted: number;
  crs: CrsSeen;
  defects: DefectSeen[];
  encoding: EncodingSeen | null;
  /** West, south, east, north, degrees. */
  extent: number[] | null;
  features: number;
  fields: FieldSeen[];
  format: string;
  layer: string | null;
  layers: LayerSeen[];
  /** Our fields: what a field may be mapped to. */
  our_fields: string[];
  /** What would happen on import. */
  outcome: Words;
  outside: number;
  /** The first rows, as they are read. */
  preview: Record<string, unknown>[];
  problem: Problem | null;
  rejected: number;
  rejects: Reject[];
  repaired: number;
  /** SHA-256 of what was sent, in hexadecimal. */
  sha256: string;
  /** What the file waits under, for `from=`; null where it was not to be kept, or there is no room: send it again. */
  token: string | null;
  warnings: Words[];
}

/** A job as it is answered. */
export interface Job {
  /** How often it was begun and not handed over in good order. */
  attempts: number;
  done: number;
  ended_at: string | null;
  /** Why the last attempt ended early. */
  error: string | null;
  file: JobFile | null;
  /** Its number. */
  id: string;
  /** What it does. */
  kind: JobKind;
  layer: TakenLayer | null;
  /** Who carries it out, or did; null before the first claim. */
  node: string | null;
  problem: Problem | null;
  queued_at: string;
  stage: Stage;
  /** When the last attempt began. */
  started_at: string | null;
  /** `running`, `done` or `failed`. */
  state: JobState;
  survey: Survey | null;
  total: number | null;
}

/** A file that a job made. */
export interface JobFile {
  bytes: number;
  features: number;
  media_type: string;
  name: string;
  /** Where it is fetched. */
  url: string;
}

/** What a job does. */
export type JobKind = 'survey_import' | 'layer_import' | 'reclassification' | 'export';

/** What has become of a job. */
export type JobState = 'running' | 'done' | 'failed';

/** The last jobs. */
export interface Jobs {
  jobs: Job[];
}

/** A layer version. */
export interface Layer {
  advice: Words | null;
  classes: Standard | null;
  created_at: string;
  crs: string;
  /** Whether it has no features, and was declared to have none: else it would not have been taken. */
  declared_empty: boolean;
  effective: string;
  features: number;
  id: number;
  in_force: boolean;
  invented: boolean;
  kind: LayerKind;
  name: string;
  notes: string[];
  rejected: number;
  sha256: string;
  /** Of approvals, how many have no day that can be read: all where an older program stored them. */
  undated: number | null;
  vertices: number;
}

/** What a layer tells about the ground. */
export type LayerKind = 'county' | 'farmland' | 'basic_farmland' | 'red_line' | 'urban_boundary' | 'approved';

/** A layer of the file. */
export interface LayerSeen {
  crs: string | null;
  features: number | null;
  format: string;
  geometry: string;
  name: string;
  polygonal: boolean;
}

/** A layer version that a finding rests on. */
export interface LayerUsed {
  /** Day from which it counts, `YYYY-MM-DD`. */
  effective: string;
  /** Number in the store; 0 for a file given on the command line. */
  id: number;
  /** What it tells. */
  kind: LayerKind;
  /** What people call it. */
  name: string;
}

/** All layer versions. */
export interface Layers {
  layers: Layer[];
}

/** A feature of a layer's file that is not in the layer and may lie here. */
export type LeftOut = Words & {
  /** A word for programs: why. */
  code: string;
  kind: LayerKind;
  /** Number of the layer. */
  layer: number;
  /** Row in the layer's file, from 1; 0 for several that are not listed one by one. */
  row: number;
};

/** Who issued a survey. */
export type Level = 'ministry' | 'province' | 'city';

export interface Lever {
  approve: Area;
  more_legal: Area;
  percent: number;
  restore: Area;
}

/** A line that a ratio is held against. */
export interface Line {
  /** `target` or `accountability`. */
  name: string;
  /** Per cent: a ratio above it has crossed the line. */
  percent: number;
}

/** A survey that belongs to another period or level now. */
export type MovedSurvey = Survey & {
  /** Patches without days of their own: the period's stand for them, so that they changed with it. Their findings are as they were until the survey is judged again. */
  days_changed: number;
};

/** What is chosen otherwise now: a layer version, or the rule. */
export interface Outdated {
  is: LayerUsed | null;
  kind: LayerKind | null;
  /** The rule that the days of their patches choose now. */
  rule_is: string | null;
  /** The rule that findings were made by, where that is what differs. */
  rule_was: string | null;
  was: LayerUsed | null;
}

/** A patch that shares ground. */
export interface Overlap {
  href: string;
  id: number;
  patch_id: string;
  taken_off: TakenOff;
}

/** The patches of a survey that share ground with others. */
export interface Overlaps {
  /** A relative URL to go on with, or null. */
  next: string | null;
  overlaps: Overlap[];
  /** How many there are in all. */
  patches: number;
}

export interface ParcelShare {
  area: Area;
  dlbm: string;
  dlmc: string;
}

/** What a patch's Feature says. */
export type Patch = Areas & {
  /** The day of the image after it. */
  after_day: string;
  attributes?: Record<string, unknown>;
  automatic_verdict: AutomaticVerdict;
  /** The day of the image before the change. */
  before_day: string;
  condition: Condition;
  confirmed_verdict: Verdict | null;
  county_code: string | null;
  county_name: string | null;
  filed: Filed | null;
  finding?: Finding;
  geometry_as_it_came?: {
    coordinates: [number, number][][];
    type: 'Polygon';
  } | {
    coordinates: [number, number][][][];
    type: 'MultiPolygon';
  };
  patch_id: string;
  period: string;
  row: number;
  survey_id: number;
  /** Of the ground that it shares with other patches, what is taken off in sums; absent where it shares none. */
  taken_off?: TakenOff;
  /** The confirmed verdict where there is one, else the automatic one. */
  verdict: ShownVerdict;
};

/** A patch as a GeoJSON Feature. */
export interface PatchFeature {
  geometry: {
    coordinates: [number, number][][];
    type: 'Polygon';
  } | {
    coordinates: [number, number][][][];
    type: 'MultiPolygon';
  };
  /** Number in the store. */
  id: number;
  properties: Patch;
  type: FeatureType;
}

/** Patches as a GeoJSON FeatureCollection. */
export interface PatchPage {
  features: PatchFeature[];
  /** A relative URL to go on with, or null. */
  next: string | null;
  type: 'FeatureCollection';
}

/** A problem as it is answered. */
export interface Problem {
  /** Where only people can know which is right: what they may send with the file, e.g. `classes=2007` and `classes=2017`. */
  choices?: string[];
  /** What happened here, Chinese. */
  detail: string;
  /** What happened here, English. */
  detail_en: string;
  /** What to send with the file so that it can be taken, where that is right: a parameter and its value, e.g. `empty=yes`. */
  offer?: string;
  /** The parameter at fault. */
  parameter?: string;
  /** RFC 6901 pointer into what was sent. */
  pointer?: string;
  /** Where the fault is not the sender's: the request's id, to look for in the log. */
  reference?: string;
  /** The first features refused. */
  rejects?: Reject[];
  /** HTTP status. */
  status: number;
  /** The word's sentence, Chinese. */
  title: string;
  /** `/problems/` and a word for programs. */
  type: string;
}

/** What the findings of a survey rest on. */
export interface Provenance {
  /** Whether those are what the days of its patches choose now; else the survey may be judged anew. */
  in_force: boolean;
  /** The layer versions of all sets that its findings rest on. */
  layers: LayerUsed[];
  /** What is chosen otherwise now. */
  outdated: Outdated[];
  rule: string;
}

export interface Ratio {
  /** Null also where the farmland of some pending patches is unknown. */
  best: number | null;
  /** Of what was filed, so also where there is no land survey. */
  confirmed: number | null;
  /** Null also where some patches were judged without any land survey. */
  provisional: number | null;
  /** Null as `best` is. */
  worst: number | null;
}

/** Ratios of a county. */
export interface RatioChange {
  after: Ratio;
  before: Ratio;
  county_code: string | null;
  county_name: string;
}

/** The table of ratios. */
export interface Ratios {
  /** Their sum. */
  city: Tally;
  /** When this was summed. */
  computed_at: string;
  /** Confirmed verdicts that differ on shared ground; the first of each pair counts, and the best and the worst case show both. */
  contradictions: Contradiction[];
  /** By county. */
  counties: Tally[];
  /** First period, taken wholly. */
  from: string;
  /** Layer versions the findings rest on. */
  layers: LayerUsed[];
  /** Lines ratios are held against. */
  lines: Line[];
  /** Rule versions the findings were made with. */
  rule: string;
  /** Surveys of which only a part lies between the two: they are not counted. */
  straddling: Straddling[];
  /** Last period, taken wholly. */
  until: string;
}

/** That requests may be sent here. */
export interface Readiness {
  /** Whether the database keeps a checksum of every page (PostgreSQL's `data_checksums`); not there where it never does. Rows have checksums of their own in any case. */
  data_checksums?: boolean;
  status: string;
}

/** Why the automatic verdict is what it is. */
export type Reason = 'fully_approved' | 'unapproved_farmland' | 'partly_approved' | 'no_farmland' | 'no_parcels' | 'no_farmland_layer' | 'no_approvals' | 'approved_later' | 'approval_undated' | 'facility_agriculture' | 'temporary_use' | 'rural_road' | 'other_use' | 'too_small' | 'too_large';

/** A feature refused. */
export interface Reject {
  /** A word for programs, e.g. `too_few_points`. */
  code: string;
  /** The patch's id, where one could be read. */
  patch_id: string | null;
  /** RFC 6901 pointer to the fault in the file, for GeoJSON. */
  pointer: string;
  /** A sentence for people. */
  reason: Words;
  /** Ring of the fault, from 0. */
  ring: number | null;
  /** Row in the file, from 1. */
  row: number;
  /** Vertex of the fault, from 0. */
  vertex: number | null;
}

/** Features refused. */
export interface Rejects {
  /** A relative URL to go on with, or null. */
  next: string | null;
  rejects: Reject[];
}

export interface RoundingBound {
  second_county_m2: number;
  unapproved_farmland_m2: number;
  unapproved_m2: number;
  without_parcels_m2: number;
}

/** Another patch on the same ground. Of one that who asks may not see only the areas are told. */
export interface SharedWith {
  confirmed_verdict: Verdict | null;
  /** Whether both are confirmed and differ. */
  contradicts: boolean;
  /** Where the other one is. */
  href: string | null;
  id: number | null;
  level: Level | null;
  patch_id: string | null;
  period: string | null;
  /** The ground that both have. */
  shared: Area;
  survey_id: number | null;
  /** Of that, what counts for the other one. */
  taken_off: Area;
}

/** The verdict that people see. */
export type ShownVerdict = 'legal' | 'illegal' | 'suspected_illegal' | 'other' | 'doubtful';

/** What a job is doing. */
export type Stage = 'reading' | 'classifying' | 'writing' | 'storing' | 'waiting_for_room';

/** A standard of land-use classes, by its year. */
export type Standard = '2007' | '2017' | '2023';

/** A survey that is not counted, because its period lies only partly in what was asked for. */
export interface Straddling {
  period: string;
  survey_id: number;
}

/** A survey's summary. */
export interface Survey {
  area: Area;
  created_at: string;
  crs: string;
  /** Whether it has no patches, and was declared to have none: else it would not have been taken. */
  declared_empty: boolean;
  farmland: Area | null;
  /** Patches judged without any land survey, whose farmland is unknown. */
  farmland_unknown: number;
  fields: Record<string, string>;
  /** Number in the store. */
  id: number;
  invented: boolean;
  /** When its findings were made: then, or anew since. */
  judged_at: string;
  level: Level;
  name: string;
  outside: number;
  /** The field patch ids were read from, `feature_id` or `row`. */
  patch_id_source: string;
  patches: number;
  period: string;
  rejected: number;
  repaired: number;
  sha256: string;
  verdicts: VerdictCounts;
  warnings: Words[];
}

/** Something that became of a survey. */
export interface SurveyEvent {
  at: string;
  by: string | null;
  /** What changed, by name. */
  details: Record<string, unknown>;
  event: Event;
  reason: string | null;
}

export type SurveyList = Surveys | WithdrawnSurveys;

/** All surveys. */
export interface Surveys {
  surveys: Survey[];
}

/** A layer that was taken in. */
export type TakenLayer = Layer & {
  /** The first hundred features refused. */
  rejects: Reject[];
};

/** What is taken off a patch in a sum, because it counts for other patches. */
export type TakenOff = Areas & {
  /** Whether its confirmed areas, which were filed without a shape for a part of it, are taken off in proportion. */
  in_proportion: boolean;
  /** Whether nothing is left, so that the patch is not counted. */
  nothing_left: boolean;
  /** The patches it shares ground with, the first in precedence first. */
  shares_with: SharedWith[];
};

/** One county's row. */
export interface Tally {
  county_code: string | null;
  county_name: string;
  /** Patches judged without any land survey, confirmed ones among them: where there are any, `provisional` is null. */
  farmland_unknown: number;
  illegal: Group;
  legal: Group;
  levers: Lever[];
  line_crossed: string | null;
  other: Group;
  pending: Group;
  ratio: Ratio;
  /** Patches with nothing left and all ground that counts for other patches; in none of the others. */
  taken_off: Group;
  total: Group;
}

/** A confirmed verdict. A patch without one is pending 未核. */
export type Verdict = 'legal' | 'illegal' | 'other' | 'doubtful';

/** Patches that would have another verdict. */
export interface VerdictChange {
  after: AutomaticVerdict;
  before: AutomaticVerdict;
  patches: number;
}

/** How many patches of a survey have each automatic verdict. */
export interface VerdictCounts {
  /** 存疑. */
  doubtful: number;
  /** 合法. */
  legal: number;
  /** 其他. */
  other: number;
  /** 疑似违法. */
  suspected_illegal: number;
}

/** A survey that does not count any more. */
export type WithdrawnSurvey = Survey & {
  /** Confirmed verdicts of its patches. */
  confirmed: number;
  event: SurveyEvent | null;
  withdrawn_at: string | null;
};

/** Surveys that do not count any more. */
export interface WithdrawnSurveys {
  surveys: WithdrawnSurvey[];
}

/** A sentence in both languages of the house. */
export interface Words {
  /** English. */
  en: string;
  /** Chinese. */
  zh: string;
}
