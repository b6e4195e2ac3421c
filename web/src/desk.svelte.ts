// What the officer has on the desk: the service's state, the periods looked at, and the county and patch picked. Every panel and
// the map read it; only its methods change it.
import { api, problemFrom } from './api';
import type { About, Layer, LayerKind, Problem, Ratios, Survey } from './contract';
import type { Bounds, ExplainedPatchFeature } from './shapes';
import { boundsOf } from './map/bounds';
import { leadsTo, within } from './period';

export type Tab = 'ratios' | 'patches' | 'surveys' | 'layers' | 'upload';

/** The period a year opens with, because the ratio that leaders answer for is the year's. */
function firstOfYear(periods: string[], last: string): string {
  return periods.find((period) => period.startsWith(last.slice(0, 4)) && leadsTo(period, last)) ?? last;
}

class Desk {
  about = $state.raw<About | null>(null);
  surveys = $state.raw<Survey[]>([]);
  layers = $state.raw<Layer[]>([]);
  inForce = $derived(this.layers.filter((layer) => layer.in_force).map((layer) => layer.kind));
  /** The kind of layer that is being uploaded. */
  uploading = $state<LayerKind | null>(null);
  /** What confirmed verdicts are being filed for: one survey, or whichever the table's patches are of (`survey` null). */
  filing = $state.raw<{ survey: number | null } | null>(null);
  /** Approvals in force of which some have no day. */
  undated = $derived(this.layers.filter((layer) => layer.in_force && (layer.undated ?? 0) > 0));
  problem = $state.raw<Problem | null>(null);

  from = $state('');
  until = $state('');
  ratios = $state.raw<Ratios | null>(null);
  ratiosProblem = $state.raw<Problem | null>(null);

  tab = $state<Tab>('ratios');
  county = $state<string | null>(null);
  /** Whether the city's own row is open. */
  cityOpen = $state(false);
  /** The verdict that patches are listed by; empty for any. */
  verdict = $state('');
  patchId = $state<number | null>(null);
  patch = $state.raw<ExplainedPatchFeature | null>(null);
  patchProblem = $state.raw<Problem | null>(null);
  /** What the map was last asked to show; a new array each time, so that asking twice moves it twice. */
  shown = $state.raw<Bounds | null>(null);

  /** The newest last, as the server has them. */
  periods = $derived(this.about?.periods ?? []);
  /** Changes whenever patches or their verdicts change, and goes into the URL of their tiles so that none comes stale from a cache. */
  patchesVersion = $derived([this.about?.tiles_version, ...this.surveys.map(({ id, judged_at }) => `${id}-${Date.parse(judged_at)}`)].join('.'));

  async open(): Promise<void> {
    this.problem = null;
    try {
      const [about, layers, surveys] = await Promise.all([api.about(), api.layers(), api.surveys()]);
      this.layers = layers;
      this.surveys = surveys;
      this.about = about;
      const last = this.periods.at(-1) ?? '';
      // A choice made before a new upload stays, unless its period went with a replaced survey.
      if (!this.periods.includes(this.until)) this.until = last;
      if (!this.periods.includes(this.from)) this.from = firstOfYear(this.periods, this.until);
      await this.tally();
    } catch (thrown) {
      this.problem = problemFrom(thrown);
    }
  }

  choosePeriods(from: string, until: string): void {
    this.from = from;
    this.until = leadsTo(from, until) ? until : from;
    void this.tally();
  }

  private async tally(): Promise<void> {
    const { from, until } = this;
    if (!from) {
      this.ratios = null;
      return;
    }
    try {
      const ratios = await api.ratios(from, until);
      // An answer for periods that are no longer chosen came too late and is dropped.
      if (from !== this.from || until !== this.until) return;
      this.ratios = ratios;
      this.ratiosProblem = null;
    } catch (thrown) {
      this.ratiosProblem = problemFrom(thrown);
    }
  }

  pickCounty(code: string | null): void {
    this.county = this.county === code ? null : code;
  }

  /** Opens the way in for confirmed verdicts, beside the ratio that they change. */
  fileVerdicts(survey: number | null): void {
    this.filing = { survey };
    this.tab = 'ratios';
  }

  /** Lists the patches of a county, or of the city, with one verdict. */
  listPatches(county: string | null, verdict: string): void {
    this.putPatchAway();
    this.county = county;
    this.verdict = verdict;
    this.tab = 'patches';
  }

  /** Opens a patch's explanation; `show` also moves the map there, which a click on the map itself must not do. */
  async pickPatch(id: number, { show }: { show: boolean }): Promise<void> {
    this.patchId = id;
    this.patch = null;
    this.patchProblem = null;
    this.tab = 'patches';
    try {
      const patch = await api.patch(id);
      if (this.patchId !== id) return;
      this.patch = patch;
      if (show) this.shown = boundsOf(patch.geometry);
    } catch (thrown) {
      if (this.patchId === id) this.patchProblem = problemFrom(thrown);
    }
  }

  putPatchAway(): void {
    this.patchId = null;
    this.patch = null;
    this.patchProblem = null;
  }

  /** After findings were made anew or verdicts filed: every figure is asked for again. */
  async judgedAnew(): Promise<void> {
    this.putPatchAway();
    await this.open();
  }

  /** After an upload: the new survey's period comes into view, even where it lies outside the periods chosen so far. */
  async receive(survey: Survey): Promise<void> {
    const { period } = survey;
    if (!this.from || !within(period, this.from, this.until)) {
      if (!this.from || !leadsTo(this.from, period)) this.from = period;
      if (!this.until || !leadsTo(period, this.until)) this.until = period;
    }
    this.putPatchAway();
    await this.open();
  }
}

export const desk = new Desk();
