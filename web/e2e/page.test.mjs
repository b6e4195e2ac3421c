// Drives the built page on a running server, as an officer would: upload a survey, see its patches, ask why, read the county table.
//
//   TUBAN_URL         the server, with the demo city's layers loaded
//   TUBAN_SURVEY      a GeoJSON survey of 2022-06 with some rejects, not uploaded yet
//   TUBAN_SHAPEFILE   a zipped Shapefile in GBK and six-digit eastings (EPSG:4548) with neither .prj nor .cpg, called 2022-07.zip
//   TUBAN_SEVERAL     a ZIP called 2022-09.zip with two Shapefiles in GBK: 图斑, a survey, and 批准用地
//   TUBAN_CITY        the file of its database
//   TUBAN_SCREENSHOT  where to write a picture of map and panel (optional)
//   CHROMIUM          the browser (default /usr/bin/chromium)
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const PERIOD = '2022-06';
const PATIENCE_MS = 60_000;
const url = required('TUBAN_URL');
const survey = required('TUBAN_SURVEY');
const shapefile = required('TUBAN_SHAPEFILE');
const several = required('TUBAN_SEVERAL');
const city = required('TUBAN_CITY');

let browser;
let page;
const strangers = [];
const complaints = [];

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set; see the head of this file`);
  return value;
}

before(async () => {
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
  page = await browser.newPage({ viewport: { width: 1440, height: 900 }, locale: 'zh-CN' });
  page.setDefaultTimeout(PATIENCE_MS);
  const home = new URL(url).origin;
  page.on('request', (request) => {
    const asked = new URL(request.url());
    // data: and blob: are the page's own memory and reach no network.
    if (asked.protocol.startsWith('http') && asked.origin !== home) strangers.push(asked.href);
  });
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
});

after(async () => {
  await browser?.close();
});

test('the page opens with a map of the demo city', async () => {
  await page.goto(url);
  await page.waitForFunction(() => window.__tuban?.map.loaded());
  assert.match(await page.locator('[data-demo]').innerText(), /纯属虚构/);
  const borders = await page.evaluate(() => window.__tuban.map.queryRenderedFeatures({ layers: ['county-line'] }).length);
  assert.ok(borders > 0, 'no county border is drawn');
});

test('a survey is uploaded, with progress, and summed up with its rejects', async () => {
  await page.getByRole('tab', { name: '上传批次' }).click();
  await page.locator('input[type=file]').setInputFiles(survey);
  await page.locator('[data-inspection=good]').waitFor();
  assert.equal(await page.locator('input[name=period]').inputValue(), PERIOD, 'the period is not read from the file name');
  // Watched from before the click, because a small survey is through in a blink.
  await page.evaluate(() => {
    window.stagesSeen = [];
    new MutationObserver(() => {
      const stage = document.querySelector('[data-progress]')?.dataset.progress;
      if (stage && window.stagesSeen.at(-1) !== stage) window.stagesSeen.push(stage);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await page.getByRole('button', { name: '确认上传并套合' }).click();
  await page.locator('#panel [data-survey]').waitFor();
  const stages = await page.evaluate(() => window.stagesSeen);
  assert.ok(stages.length > 0, 'no progress was shown');
  assert.ok(numberIn(await page.locator('[data-patches]').innerText()) > 0, 'the survey has no patches');
  assert.ok(numberIn(await page.locator('[data-rejected]').innerText()) > 0, 'the survey has no rejects');
  await page.locator('[data-rejects] tbody tr').first().waitFor();
});

test('the map shows the patches, and a click on one explains it', async () => {
  await page.locator('select[name=from]').selectOption(PERIOD);
  await page.locator('select[name=until]').selectOption(PERIOD);
  const center = await crowdedPlace();
  await page.evaluate((to) => window.__tuban.map.jumpTo({ center: to, zoom: 13.2 }), center);
  const { x, y, id } = await patchOnScreen();
  const canvas = await page.locator('.maplibregl-canvas').boundingBox();
  await page.mouse.click(canvas.x + x, canvas.y + y);
  const panel = page.locator(`[data-patch="${id}"]`);
  await panel.waitFor();
  assert.match(await panel.locator('[data-explanation]').innerText(), /亩/);
  assert.ok((await panel.locator('[data-verdict]').count()) > 0, 'no verdict is shown');
  await page.waitForFunction(() => window.__tuban.map.loaded());
  if (process.env.TUBAN_SCREENSHOT) await page.screenshot({ path: process.env.TUBAN_SCREENSHOT });
});

test('another month is on the map without moving it', async () => {
  const idsOf = async (period) => {
    const { features } = await (await fetch(new URL(`/api/patches?period=${period}&limit=5000`, url))).json();
    return features.map(({ id }) => id);
  };
  const drawn = () =>
    page.evaluate(() => window.__tuban.map.queryRenderedFeatures({ layers: ['patches-dot', 'patches-fill'] }).map(({ properties }) => properties.id));
  for (const [month, zoom] of [
    ['2022-04', 13.2],
    ['2022-05', 13.2],
    ['2022-04', 13.2],
    ['2022-05', 9],
    ['2022-04', 9],
  ]) {
    await page.evaluate((to) => window.__tuban.map.jumpTo({ zoom: to }), zoom);
    const ids = await idsOf(month);
    await page.locator('select[name=from]').selectOption(month);
    await page.locator('select[name=until]').selectOption(month);
    await page.waitForFunction((own) => {
      const { map } = window.__tuban;
      const shown = map.queryRenderedFeatures({ layers: ['patches-dot', 'patches-fill'] }).map(({ properties }) => properties.id);
      return map.loaded() && shown.length > 0 && shown.every((id) => own.includes(id));
    }, ids);
    assert.ok((await drawn()).length > 0);
  }
  await page.locator('select[name=until]').selectOption(PERIOD);
  await page.locator('select[name=from]').selectOption(PERIOD);
});

test('a Shapefile in GBK without .prj is looked at, corrected, confirmed and seen on the map', async () => {
  await page.getByRole('tab', { name: '上传批次' }).click();
  await page.getByRole('button', { name: '继续上传' }).click();
  const sent = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') sent.push({ path: new URL(request.url()).pathname, from: new URL(request.url()).searchParams.get('from') });
  });
  await page.locator('input[type=file]').setInputFiles(shapefile);
  const panel = page.locator('[data-inspection]');
  await panel.locator('[data-problem="/problems/wrong_crs"]').waitFor();
  assert.match(await panel.innerText(), /没有写明/, 'the panel does not say that the file names no CRS');
  assert.match(await panel.locator('[data-preview]').innerText(), /兰山区|费县|沂水县|郯城县|蒙阴县/, 'the text is not Chinese');
  assert.ok(await page.getByRole('button', { name: '确认上传并套合' }).isDisabled(), 'what would be refused can be confirmed');
  await picture('refused');
  await panel.locator('[data-candidate="EPSG:4548"]').click();
  await page.locator('[data-inspection=good]').waitFor();
  assert.equal(await panel.locator('[data-crs]').getAttribute('data-crs'), 'EPSG:4548');
  assert.equal(await panel.locator('[data-crs-source]').getAttribute('data-crs-source'), 'stated');
  assert.match(await panel.locator('[data-extent]').innerText(), /东经 11[78]/);
  assert.equal(await panel.locator('[data-field=patch_id] select').inputValue(), 'JCBH');
  // A field taken for another one, and back.
  await panel.locator('[data-field=patch_id] select').selectOption('TBLX');
  await page.locator('[data-inspection] [data-field=patch_id] select').waitFor();
  await page.waitForFunction(() => document.querySelector('[data-progress]') === null);
  assert.match(await panel.locator('[data-outcome]').innerText(), /拒收 19\d\d 个/, 'numbers that are not unique are not foretold');
  await panel.locator('[data-field=patch_id] select').selectOption('JCBH');
  await page.waitForFunction(() => document.querySelector('[data-progress]') === null);
  await picture('good');
  await page.getByRole('button', { name: 'English' }).click();
  assert.match(await panel.innerText(), /would be taken in/);
  await picture('english');
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('button', { name: '确认上传并套合' }).click();
  // Its patches are those of another month, in another CRS: the officer is asked.
  await page.locator('[data-problem="/problems/sent_before"]').waitFor();
  await page.locator('[data-conflict=again]').click();
  await page.locator('#panel [data-survey]').waitFor();
  assert.ok(numberIn(await page.locator('[data-patches]').innerText()) > 0);
  // The file crosses the wire once: all that follows names the token.
  assert.deepEqual(
    sent.filter(({ from }) => from === null).map(({ path }) => path),
    ['/api/inspect'],
  );
  await page.getByRole('button', { name: '查看该期图斑' }).click();
  await page.evaluate((to) => window.__tuban.map.jumpTo({ center: to, zoom: 13.2 }), await crowdedPlace());
  const { x, y, id } = await patchOnScreen();
  const canvas = await page.locator('.maplibregl-canvas').boundingBox();
  await page.mouse.click(canvas.x + x, canvas.y + y);
  await page.locator(`[data-patch="${id}"] [data-explanation]`).waitFor();
  assert.match(await page.locator(`[data-patch="${id}"]`).innerText(), /2022-07/);
  await page.waitForFunction(() => window.__tuban.map.loaded());
  await picture('found');
});

test('a survey that looks shifted by GCJ-02 is asked about, and taken in as told', async () => {
  await page.getByRole('tab', { name: '上传批次' }).click();
  const again = page.getByRole('button', { name: '继续上传' });
  if (await again.isVisible()) await again.click();
  await page.locator('input[type=file]').setInputFiles({ name: '2022-08.geojson', mimeType: 'application/geo+json', buffer: await shifted(survey) });
  const panel = page.locator('[data-inspection]');
  await panel.locator('[data-problem="/problems/maybe_gcj02"]').waitFor();
  assert.ok(await page.getByRole('button', { name: '确认上传并套合' }).isDisabled());
  await picture('gcj02');
  await panel.getByRole('button', { name: '去除 GCJ-02 偏移' }).click();
  await page.locator('[data-inspection=good]').waitFor();
  assert.match(await panel.innerText(), /按要求去除了 GCJ-02/);
  await page.waitForFunction(() => document.querySelector('[data-progress]') === null);
  await page.getByRole('button', { name: '确认上传并套合' }).click();
  // Without the offset these are the patches of 2022-06: the officer is asked.
  await page.locator('[data-conflict=again]').click();
  await page.locator('#panel [data-survey]').waitFor();
  assert.match(await page.locator('#panel [data-survey]').innerText(), /按要求去除了 GCJ-02/, 'the survey does not say what was done to it');
});

test('of several layers one is chosen, its text is read as told, and a field is left out', async () => {
  await page.getByRole('tab', { name: '上传批次' }).click();
  const again = page.getByRole('button', { name: '继续上传' });
  if (await again.isVisible()) await again.click();
  await page.locator('input[type=file]').setInputFiles(several);
  const panel = page.locator('[data-inspection]');
  await panel.locator('[data-problem="/problems/several_layers"]').waitFor();
  assert.ok(await page.getByRole('button', { name: '确认上传并套合' }).isDisabled(), 'a file of several layers can be confirmed');
  await picture('several');
  await panel.locator('select[name=layer]').selectOption('图斑');
  await page.locator('[data-inspection=good]').waitFor();
  const preview = panel.locator('[data-preview]');
  const chinese = /兰山区|费县|沂水县|郯城县|蒙阴县/;
  assert.match(await preview.innerText(), chinese);
  // Read as what it is not, and as what it is.
  await panel.locator('select[name=encoding]').selectOption('UTF-8');
  await panel.getByText(/行的文字按此编码读不全/).waitFor();
  assert.match(await preview.innerText(), /\ufffd/);
  await picture('garbled');
  await panel.locator('select[name=encoding]').selectOption('GBK');
  await panel.getByText(/行的文字按此编码读不全/).waitFor({ state: 'detached' });
  assert.match(await preview.innerText(), chinese);
  assert.equal(await panel.locator('select[name=layer]').inputValue(), '图斑', 'the choice of the layer is lost');
  // A field that was found is none of ours.
  const county = panel.locator('[data-field=county_code] select');
  assert.equal(await county.inputValue(), 'XZQDM');
  await county.selectOption('');
  await page.waitForFunction(() => document.querySelector('[data-progress]') === null);
  assert.equal(await county.inputValue(), '', 'the field is taken again');
  await picture('left-out');
  await page.getByRole('button', { name: '确认上传并套合' }).click();
  await page.locator('[data-conflict=again]').click();
  const taken = page.locator('#panel [data-survey]');
  await taken.waitFor();
  assert.ok(numberIn(await page.locator('[data-patches]').innerText()) > 0);
  assert.doesNotMatch(await taken.innerText(), /XZQDM/, 'the field was taken for the county all the same');
});

test('a survey of the wrong month is taken back, taken in for the right one, and replaced with its verdicts kept', async () => {
  const surveys = async (query = '') => (await (await fetch(new URL(`/api/surveys${query}`, url))).json()).surveys;
  await page.getByRole('tab', { name: '监测批次', exact: true }).click();
  const row = () => page.locator('[data-surveys] button', { hasText: '2022-09' });
  await row().click();
  await page.locator('[data-action=withdraw]').click();
  const question = page.locator('[data-asking=withdraw]');
  const { patches } = (await surveys()).find(({ period }) => period === '2022-09');
  await question.getByText(`${patches.toLocaleString('en-US')} 个图斑`).waitFor();
  await question.locator('input[name=reason]').fill('选错了月份');
  await question.getByRole('button', { name: '撤回' }).click();
  await row().waitFor({ state: 'detached' });
  const withdrawn = page.locator('[data-withdrawn] li');
  assert.match(await withdrawn.innerText(), /选错了月份/);
  assert.ok(!(await surveys()).some(({ period }) => period === '2022-09'));
  await picture('withdrawn');
  await withdrawn.getByRole('button', { name: '恢复' }).click();
  await row().click();
  await page.locator('[data-action=move]').click();
  const move = page.locator('[data-asking=move]');
  await move.locator('input[name=to]').fill('2022-11');
  await move.locator('input[name=reason]').fill('改到实际期次');
  await move.getByRole('button', { name: '改期次' }).click();
  await page.locator('[data-surveys] button', { hasText: '2022-11' }).waitFor();
  assert.equal((await surveys('?withdrawn=yes')).length, 0);

  // April has confirmed verdicts; one patch less, and a remark more.
  const { features } = await (await fetch(new URL('/api/exports/findings?format=geojson&period=2022-04', url))).json();
  const ratio = async () => (await (await fetch(new URL('/api/ratios?period=2022-04', url))).json()).city.ratio.confirmed;
  const before = await ratio();
  const april = await (await fetch(new URL('/api/patches?period=2022-04&limit=5000', url))).json();
  const sent = {
    type: 'FeatureCollection',
    features: april.features.map(({ geometry, properties }) => ({ type: 'Feature', geometry, properties: { JCBH: properties.patch_id, BZ: 'fixed' } })),
  };
  assert.equal(sent.features.length, features.length);
  await page.getByRole('tab', { name: '上传批次' }).click();
  const again = page.getByRole('button', { name: '继续上传' });
  if (await again.isVisible()) await again.click();
  await page
    .locator('input[type=file]')
    .setInputFiles({ name: '2022-04.geojson', mimeType: 'application/geo+json', buffer: Buffer.from(JSON.stringify(sent)) });
  await page.locator('[data-inspection=good]').waitFor();
  await page.getByRole('button', { name: '确认上传并套合' }).click();
  await page.locator('[data-conflict=replace]').click();
  // Repaired outlines are what the service answers; the few that were repaired are other outlines than those that came.
  const drop = page.locator('[data-conflict=drop]');
  const done = page.locator('#panel [data-survey]');
  await drop.or(done).waitFor();
  await picture('verdicts');
  if (await drop.isVisible()) {
    assert.ok(Number(/这 (\d+) 个/.exec(await drop.innerText())[1]) < 30);
    await drop.click();
    await done.waitFor();
  }
  assert.ok(Math.abs((await ratio()) - before) < 1, 'the verdicts went');
});

test('the ratio table has every county and the city', async () => {
  await page.getByRole('tab', { name: '违法比例' }).click();
  await page.locator('[data-ratios]').waitFor();
  assert.equal(await page.locator('[data-county]').count(), 12);
  assert.equal(await page.locator('[data-city]').count(), 1);
  assert.doesNotMatch(await page.locator('[data-city]').innerText(), /NaN|undefined|null/);
  await page.locator('[data-county] button').first().click();
  await page.locator('[data-county] [data-levers], [data-county] .more p').first().waitFor();
  await picture('county');
});

test('a ratio can be worked out from the farmland beside it, and opens to the patches that make it', async () => {
  await page.locator('select[name=until]').selectOption('2022-05');
  await page.locator('select[name=from]').selectOption('2022-04');
  const city = page.locator('[data-city]');
  const farmland = async (group) => numberIn(await city.locator(`[data-group=${group}] strong`).innerText());
  await page.waitForFunction(() => document.querySelector('[data-city] [data-group=illegal] strong')?.textContent !== '0.00');
  const [legal, illegal] = [await farmland('legal'), await farmland('illegal')];
  const printed = numberIn((await city.locator('.figures strong').innerText()).replace('%', ''));
  // Oracle: the formula of the ratio, by hand; both areas are rounded to 0.01 mu.
  assert.ok(Math.abs((100 * illegal) / (legal + illegal) - printed) <= 0.01, `${illegal} of ${legal + illegal} is not ${printed} %`);
  await city.getByRole('button', { name: '全市' }).click();
  await city.locator('.more table').first().waitFor();
  const count = numberIn((await city.locator('[data-group=illegal] button').innerText()).replace(/\D/g, ''));
  await city.locator('[data-group=illegal] button').click();
  assert.equal(await page.locator('#panel select[name=verdict]').inputValue(), 'confirmed_illegal');
  const { features } = await (await fetch(new URL('/api/patches?period=2022-04&until=2022-05&verdict=confirmed_illegal&limit=5000', url))).json();
  assert.equal(features.length, count);
  await page.locator('#panel tbody tr').first().waitFor();
  await page.locator('#panel select[name=verdict]').selectOption('');
});

test('a table of verdicts is looked at, kept out by a wrong row, and then changes the ratio as the API has it', async () => {
  const asked = 'period=2022-04&until=2022-05';
  const ratios = async () => (await fetch(new URL(`/api/ratios?${asked}`, url))).json();
  const { surveys } = await (await fetch(new URL('/api/surveys', url))).json();
  const april = surveys.find(({ period }) => period === '2022-04');
  const { features } = await (await fetch(new URL('/api/patches?period=2022-04&verdict=pending&limit=500', url))).json();
  const open = features
    .map(({ properties }) => properties)
    .filter(({ farmland, taken_off }) => farmland.mu >= 1 && !taken_off)
    .slice(0, 3);
  assert.equal(open.length, 3);
  const heading = '图斑编号,核查结果,合法面积（亩）,合法耕地面积（亩）,违法面积（亩）,违法耕地面积（亩）';
  const illegal = ({ patch_id }, area = '1', farmland = '0.5') => `${patch_id},违法,0,0,${area},${farmland}`;
  const table = (...rows) => ({ name: '核查结果.csv', mimeType: 'text/csv', buffer: Buffer.from([heading, ...rows, ''].join('\r\n')) });
  const before = await ratios();

  await page.getByRole('tab', { name: '违法比例' }).click();
  await page.locator('[data-action=file]').click();
  const panel = page.locator('[data-filing]');
  await panel.locator('select[name=survey]').selectOption(String(april.id));
  await panel.locator('input[type=file]').setInputFiles(table(illegal(open[0]), illegal(open[1], '一亩'), `无此编号,合法,1,1,0,0`));
  await panel.locator('[data-faults]').waitFor();
  const faults = await panel.locator('[data-faults] tbody tr').allInnerTexts();
  assert.match(faults[0], /^3\s+违法面积（亩）/, 'the row and the column of the wrong area');
  assert.match(faults[1], /^4\s+图斑编号\s+无此编号/);
  assert.match(await panel.locator('[data-kept-out]').innerText(), /2 行不对/);
  await panel.locator('input[name=by]').fill('张三');
  assert.ok(await panel.getByRole('button', { name: '确认入库' }).isDisabled(), 'a table with a wrong row can be recorded');
  await picture('filing-refused');
  assert.deepEqual((await ratios()).city, before.city, 'a preview has stored something');

  await panel.locator('input[type=file]').setInputFiles(table(...open.map((patch) => illegal(patch)), '合计,,,,3,1.5'));
  await page.waitForFunction(() => document.querySelector('[data-count=new]')?.textContent === '3');
  assert.equal(await panel.locator('[data-count=refused]').innerText(), '0');
  assert.match(
    await panel.locator('[data-changes] tbody tr').first().innerText(),
    new RegExp(`${open[0].patch_id}[\\s\\S]*未核[\\s\\S]*违法[\\s\\S]*违法 1.00 亩（耕地 0.50）`),
  );
  assert.match(await panel.locator('[data-columns]').textContent(), /核定判定\s*核查结果/);
  await picture('filing-preview');
  await panel.getByRole('button', { name: '确认入库' }).click();
  await panel.locator('[data-recorded]').waitFor();
  const after = await ratios();
  assert.equal(after.city.illegal.patches, before.city.illegal.patches + 3);
  const city = page.locator('[data-city]');
  await city.locator('[data-group=illegal]', { hasText: `${after.city.illegal.patches.toLocaleString('en-US')} 个` }).waitFor();
  assert.equal(await city.locator('.figures strong').innerText(), `${after.city.ratio.confirmed.toFixed(2)} %`);
  assert.equal(numberIn(await city.locator('[data-group=illegal] strong').innerText()), after.city.illegal.farmland.mu);
  await picture('filing-recorded');
  await panel.getByRole('button', { name: '关闭' }).click();
  await panel.waitFor({ state: 'detached' });
  // And the list behind it says who filed, as confirmed by people.
  await page.getByRole('tab', { name: '图斑', exact: true }).click();
  const back = page.getByRole('button', { name: '返回图斑列表' });
  if (await back.isVisible()) await back.click();
  await page.locator('#panel input[type=search]').fill(open[0].patch_id);
  await page.getByRole('button', { name: '查找' }).click();
  const row = page.locator('#panel tbody tr', { hasText: open[0].patch_id }).filter({ hasText: '2022-04' });
  await row.locator('[data-confirmed=true][data-verdict=illegal]').waitFor();
  await row.getByRole('button').click();
  assert.match(await page.locator('[data-patch] [data-filed]').innerText(), /填报人 张三/);
  await page.getByRole('button', { name: '返回图斑列表' }).click();
  await page.locator('#panel input[type=search]').fill('');
});

test('ground that counts for another patch is said in the list, and leads to that patch', async () => {
  // One patch that lies wholly in another of its survey.
  const square = (id, side) => ({
    type: 'Feature',
    properties: { JCBH: id, QSX: '2022-01-05', HSX: '2022-10-05' },
    geometry: {
      type: 'Polygon',
      coordinates: [
        [
          [0, 0],
          [side, 0],
          [side, side],
          [0, side],
          [0, 0],
        ].map(([x, y]) => [118.300000001 + x, 35.100000001 + y]),
      ],
    },
  });
  const body = JSON.stringify({ type: 'FeatureCollection', features: [square('大图斑', 0.001), square('小图斑', 0.0005)] });
  assert.equal((await fetch(new URL('/api/surveys?period=2022-10&level=city&name=2022-10.geojson', url), { method: 'POST', body })).status, 201);
  const { features } = await (await fetch(new URL('/api/patches?period=2022-10', url))).json();
  const one = features.find(({ properties }) => properties.patch_id === '小图斑');
  assert.ok(one.properties.taken_off.nothing_left, 'it does not lie in the other');
  await page.getByRole('tab', { name: '图斑', exact: true }).click();
  await page.locator('#panel input[type=search]').fill(one.properties.patch_id);
  await page.getByRole('button', { name: '查找' }).click();
  const row = page.locator('#panel tbody tr', { hasText: one.properties.patch_id }).filter({ hasText: '2022-10' });
  assert.match(await row.locator('[data-taken-off]').innerText(), /不计数/);
  await row.getByRole('button').click();
  await page.locator(`[data-patch="${one.id}"]`).waitFor();
  assert.match(await page.locator('[data-patch] .flags').innerText(), /与其他图斑重叠/);
  const shared = page.locator('[data-shared-ground]');
  await shared.scrollIntoViewIfNeeded();
  await picture('shared');
  const [other] = one.properties.taken_off.shares_with;
  await shared.locator('tbody button').first().click();
  await page.locator(`[data-patch="${other.id}"]`).waitFor();
  await page.getByRole('button', { name: '返回图斑列表' }).click();
  await page.locator('#panel input[type=search]').fill('');
});

test('the patches of one county and one patch are downloaded', async () => {
  await page.getByRole('tab', { name: '图斑', exact: true }).click();
  const back = page.getByRole('button', { name: '返回图斑列表' });
  if (await back.isVisible()) await back.click();
  await page.locator('#panel form select').first().selectOption('371302');
  for (const [format, name] of [
    ['Excel (XLSX)', /^套合结果_.*兰山区.*\.xlsx$/],
    ['Shapefile (GBK)', /^套合结果_.*兰山区.*\.zip$/],
  ]) {
    assert.ok((await downloaded(format, name)).length > 1000, format);
  }
  await picture('export');
  await page.locator('tbody button').first().click();
  await page.locator('[data-patch]').waitFor();
  const [head, patch] = (await downloaded('CSV', /^套合结果_.*图斑\d+.*\.csv$/)).toString('utf8').trimEnd().split('\r\n');
  assert.ok(head.startsWith('\ufeff图斑序号,图斑编号') && patch.includes('兰山区'), `${head}\n${patch}`);
});

test('a survey whose layers are no longer in force is judged again', async () => {
  // The same approvals as another version, in force from a later day.
  const { layers } = await (await fetch(new URL('/api/layers', url))).json();
  const { id } = layers.find(({ kind }) => kind === 'approved');
  const file = await (await fetch(new URL(`/api/exports/layers/${id}?format=geojson`, url))).arrayBuffer();
  const added = await fetch(new URL('/api/layers?kind=approved&name=again&effective=2022-06-01', url), { method: 'POST', body: file });
  assert.equal(added.status, 201);
  await page.getByRole('tab', { name: '监测批次', exact: true }).click();
  await page.locator('[data-surveys] button', { hasText: PERIOD }).click();
  const outdated = page.locator('[data-outdated]');
  await outdated.waitFor();
  await picture('outdated');
  // What it would change is shown before it can be done.
  assert.equal(await outdated.getByRole('button', { name: '重新套合' }).count(), 0);
  await outdated.getByRole('button', { name: '查看差异' }).click();
  await outdated.locator('[data-difference]').waitFor();
  await picture('difference');
  await outdated.getByRole('button', { name: '重新套合' }).click();
  await outdated.waitFor({ state: 'detached' });
  assert.equal(await page.locator('#panel [data-problem]').count(), 0);
  const judged = (await (await fetch(new URL('/api/surveys', url))).json()).surveys.find(({ period }) => period === PERIOD);
  assert.ok(judged.judged_at > judged.created_at);
});

test('a layer is taken in with what its file does not say: the kind of its approvals, that it is empty, what its codes are', async () => {
  const square = (properties, west = 118.3) => ({
    type: 'Feature',
    properties,
    geometry: {
      type: 'Polygon',
      coordinates: [
        [
          [west, 35.1],
          [west + 0.01, 35.1],
          [west + 0.01, 35.11],
          [west, 35.11],
          [west, 35.1],
        ],
      ],
    },
  });
  const upload = async (kind, name, ...features) => {
    await page.locator(`[data-layers] [data-kind=${kind}] button`).first().click();
    const panel = page.locator(`[data-layer-upload=${kind}]`);
    const buffer = Buffer.from(JSON.stringify({ type: 'FeatureCollection', features }));
    await panel.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/geo+json', buffer });
    await panel.locator('[data-inspection]').waitFor();
    await panel.locator('input[name=name]').fill(name);
    // Before every other version, so that nothing that is judged changes.
    await panel.locator('input[name=effective]').fill('1999-01-01');
    return panel;
  };
  const taken = async (panel, kind) => {
    await panel.getByRole('button', { name: '确认入库' }).click();
    await panel.locator('.taken').waitFor();
    await panel.getByRole('button', { name: '关闭' }).click();
    const { layers } = await (await fetch(new URL('/api/layers', url))).json();
    return layers.find((layer) => layer.kind === kind && layer.effective === '1999-01-01');
  };
  await page.getByRole('tab', { name: '图层', exact: true }).click();

  const approvals = await upload('approved', 'sheds.geojson', square({ PZWH: 'A1', PZRQ: '1999-02-03' }));
  const kinds = approvals.locator('select[name=approval_kind]');
  assert.match(await kinds.locator('option').first().innerText(), /文件未说明（按建设用地批准计，并标记）/);
  assert.match(await approvals.innerText(), /批准日期/, 'a field is called by its code');
  await kinds.selectOption('设施农用地');
  await picture('approvals');
  const { id } = await taken(approvals, 'approved');
  assert.match(await (await fetch(new URL(`/api/exports/layers/${id}?format=csv`, url))).text(), /设施农用地/, 'the kind is not stored');

  const nothing = await upload('red_line', 'nothing.geojson');
  assert.equal(await nothing.locator('select[name=approval_kind]').count(), 0);
  assert.ok(await nothing.getByRole('button', { name: '确认入库' }).isDisabled());
  await nothing.getByRole('button', { name: '确实为空' }).click();
  await nothing.locator('[data-inspection=good]').waitFor();
  const none = await taken(nothing, 'red_line');
  assert.deepEqual([none.features, none.declared_empty], [0, true]);

  const villages = await upload(
    'county',
    'villages.geojson',
    square({ XZQDM: '371302001200', XZQMC: '村0' }),
    square({ XZQDM: '371302001201', XZQMC: '村1' }, 118.31),
  );
  const question = await villages.locator('[data-problem]').innerText();
  assert.match(question, /乡镇或村/);
  assert.doesNotMatch(question, /county_codes|\/problems\//, 'machine words before people');
  assert.ok(await villages.getByRole('button', { name: '确认入库' }).isDisabled());
  await picture('villages');
  await villages.getByRole('button', { name: '归并到所属县区' }).click();
  await villages.locator('[data-inspection=good]').waitFor();
  await picture('villages-settled');
  const counties = await taken(villages, 'county');
  assert.equal(counties.features, 2);
});

test('a job that waits is cancelled, and nothing of it is stored', async () => {
  const surveys = async () => (await (await fetch(new URL('/api/surveys', url))).json()).surveys.length;
  const before = await surveys();
  // While another program writes, no import gets on.
  const writer = spawn('sqlite3', [city], { stdio: ['pipe', 'pipe', 'inherit'] });
  writer.stdin.write("BEGIN IMMEDIATE; SELECT 'held';\n");
  await once(writer.stdout, 'data');
  await page.getByRole('tab', { name: '上传批次' }).click();
  await page.locator('input[type=file]').setInputFiles(survey);
  await page.locator('[data-inspection=good]').waitFor();
  await page.locator('input[name=period]').fill('2021-03');
  await page.getByRole('button', { name: '确认上传并套合' }).click();
  await page.getByRole('button', { name: '取消任务' }).click();
  await page.getByRole('button', { name: '不取消' }).click();
  await page.getByRole('button', { name: '取消任务' }).click();
  await page.getByRole('button', { name: '确定取消' }).click();
  assert.match(await page.locator('#panel [data-problem]').innerText(), /任务已取消/);
  const [job] = (await (await fetch(new URL('/api/jobs', url))).json()).jobs;
  assert.deepEqual([job.state, job.problem.type], ['failed', '/problems/job_cancelled']);
  writer.stdin.end('ROLLBACK;\n');
  await once(writer, 'exit');
  assert.equal(await surveys(), before);
});

test('a page of another site writes nothing, however it tries', async () => {
  const told = async (path) => (await fetch(new URL(path, url))).text();
  const state = async () => [await told('/api/surveys'), await told('/api/layers'), await told('/api/jobs'), await told('/api/surveys?withdrawn=yes')];
  const { paths } = JSON.parse(await told('/openapi.json'));
  const { surveys } = JSON.parse(await told('/api/surveys'));
  const parameters = 'period=2019-01&level=city&again=yes&kind=red_line&name=x&effective=2000-01-01&format=csv&keep=true&reason=x';
  const attempts = Object.entries(paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((method) => method !== 'get')
      .map((method) => {
        const known = new Set((item[method].parameters ?? []).map(({ name }) => name));
        const asked = parameters
          .split('&')
          .filter((pair) => known.has(pair.split('=')[0]))
          .join('&');
        return { method: method.toUpperCase(), url: new URL(`${path.replace('{id}', surveys[0].id)}?${asked}`, url).href };
      }),
  );
  assert.ok(attempts.length >= 11, JSON.stringify(attempts));
  // Small, so that the refusal is read before the connection ends.
  const { features, ...collection } = JSON.parse(await readFile(survey, 'utf8'));
  const text = JSON.stringify({ ...collection, features: features.slice(0, 3) });
  const before = await state();
  // Of the same machine but another port, so of the same site and another origin; and of another site.
  const server = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end('<!doctype html><title>elsewhere</title>'));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  for (const host of ['127.0.0.1', 'localhost']) {
    const context = await browser.newContext();
    const elsewhere = await context.newPage();
    const statuses = [];
    elsewhere.on('response', (answer) => {
      if (answer.url().startsWith(new URL(url).origin)) statuses.push(answer.status());
    });
    await elsewhere.goto(`http://${host}:${server.address().port}/`);
    for (const attempt of attempts) {
      await elsewhere.evaluate(
        async ({ attempt: { method, url: target }, text }) => {
          const form = (encoding, name) => {
            const frame = document.body.appendChild(document.createElement('iframe'));
            frame.name = `f${Math.random()}`;
            const made = document.body.appendChild(document.createElement('form'));
            Object.assign(made, { action: target, method: 'post', enctype: encoding, target: frame.name });
            const field = made.appendChild(document.createElement('textarea'));
            Object.assign(field, { name, value: text });
            const loaded = new Promise((resolve) => (frame.onload = resolve));
            made.submit();
            return Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 1000))]);
          };
          const request = () =>
            new Promise((resolve) => {
              const asked = new XMLHttpRequest();
              asked.open(method, target);
              asked.onloadend = resolve;
              asked.send(text);
            });
          const plain = { method: 'POST', mode: 'no-cors', body: text, credentials: 'include' };
          await fetch(target, plain).catch(() => {});
          await fetch(target, { ...plain, body: new Blob([text], { type: 'text/plain' }), keepalive: true }).catch(() => {});
          await fetch(target, { method, body: text }).catch(() => {});
          await request();
          navigator.sendBeacon(target, text);
          await form('text/plain', 'file');
          await form('multipart/form-data', 'file');
          await form('application/x-www-form-urlencoded', 'file');
        },
        { attempt, text },
      );
    }
    await elsewhere.waitForTimeout(500);
    assert.ok(statuses.length >= attempts.length, `only ${statuses.length} attempts were answered`);
    assert.deepEqual(
      [...new Set(statuses)].filter((status) => ![403, 405].includes(status)),
      [],
      `of ${host}`,
    );
    await context.close();
  }
  server.close();
  assert.deepEqual(await state(), before);
});

test('English is one click away and stays', async () => {
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('tab', { name: 'Ratios' }).waitFor();
  await page.reload();
  await page.getByRole('tab', { name: 'Ratios' }).waitFor();
  assert.match(await page.locator('[data-demo]').innerText(), /fictitious/);
});

test('nothing left the origin and nothing complained', () => {
  assert.deepEqual(strangers, []);
  assert.deepEqual(complaints, []);
});

/** The survey as a web map would have it: the published formula of GCJ-02, term by term, on every position. */
async function shifted(path) {
  const { PI, sin, cos, sqrt, abs } = Math;
  const file = JSON.parse(await readFile(path, 'utf8'));
  const shift = ([lon, lat]) => {
    const [x, y] = [lon - 105, lat - 35];
    const ripple = ((20 * sin(6 * x * PI) + 20 * sin(2 * x * PI)) * 2) / 3;
    const north =
      -100 +
      2 * x +
      3 * y +
      0.2 * y * y +
      0.1 * x * y +
      0.2 * sqrt(abs(x)) +
      ripple +
      ((20 * sin(y * PI) + 40 * sin((y / 3) * PI)) * 2) / 3 +
      ((160 * sin((y / 12) * PI) + 320 * sin((y * PI) / 30)) * 2) / 3;
    const east =
      300 +
      x +
      2 * y +
      0.1 * x * x +
      0.1 * x * y +
      0.1 * sqrt(abs(x)) +
      ripple +
      ((20 * sin(x * PI) + 40 * sin((x / 3) * PI)) * 2) / 3 +
      ((150 * sin((x / 12) * PI) + 300 * sin((x / 30) * PI)) * 2) / 3;
    const [a, ee] = [6378245, 0.006693421622965943];
    const flat = 1 - ee * sin((lat * PI) / 180) ** 2;
    return [lon + (east * 180) / ((a / sqrt(flat)) * cos((lat * PI) / 180) * PI), lat + (north * 180) / (((a * (1 - ee)) / (flat * sqrt(flat))) * PI)];
  };
  const all = (part) => (typeof part[0] === 'number' ? shift(part) : part.map(all));
  for (const { geometry } of file.features) if (geometry?.coordinates?.length) geometry.coordinates = all(geometry.coordinates);
  return Buffer.from(JSON.stringify(file));
}

/** What the export button saves in that format, under a name like that. */
async function downloaded(format, name) {
  await page.locator('[data-export] select').selectOption(format);
  const saved = page.waitForEvent('download');
  await page.locator('[data-export] button').click();
  const download = await saved;
  assert.match(download.suggestedFilename(), name);
  return readFile(await download.path());
}

/** Keeps a picture beside the one that was asked for. */
async function picture(name) {
  const path = process.env.TUBAN_SCREENSHOT;
  if (path) await page.screenshot({ path: path.replace(/\.png$/, `-${name}.png`) });
}

/** The number in a text that separates thousands. */
function numberIn(text) {
  return Number(text.replaceAll(',', ''));
}

/** A place to zoom to: the suspect patch with the most neighbours, so that a picture of it shows several and has something to explain. */
async function crowdedPlace() {
  const found = await page.waitForFunction(() => {
    const { map } = window.__tuban;
    if (!map.loaded()) return null;
    const patches = map.queryRenderedFeatures({ layers: ['patches-dot', 'patches-fill'] }).map(({ geometry, properties }) => ({
      place: geometry.type === 'MultiPolygon' ? geometry.coordinates[0][0][0] : geometry.coordinates[0][0],
      suspect: properties.verdict === 'suspected_illegal',
    }));
    const near = (a) => patches.filter((b) => Math.hypot(a[0] - b.place[0], a[1] - b.place[1]) < 0.02).length;
    const suspects = patches.filter(({ suspect }) => suspect).map(({ place }) => ({ place, near: near(place) }));
    return suspects.sort((a, b) => b.near - a.near)[0]?.place ?? null;
  });
  return found.jsonValue();
}

/** A pixel inside a patch near the middle of the map, and that patch's number. */
async function patchOnScreen() {
  const found = await page.waitForFunction(
    () => {
      const { map } = window.__tuban;
      if (!map.loaded() || map.isMoving()) return null;
      const { clientWidth, clientHeight } = map.getCanvas();
      // Outwards from the middle, on a grid fine enough not to miss a patch of a hectare at this zoom.
      for (let radius = 0; radius < Math.min(clientWidth, clientHeight) / 2; radius += 4) {
        for (let turn = 0; turn < 2 * Math.PI; turn += 8 / Math.max(radius, 8)) {
          const [x, y] = [clientWidth / 2 + radius * Math.cos(turn), clientHeight / 2 + radius * Math.sin(turn)];
          const [hit] = map.queryRenderedFeatures(
            [
              [x - 1, y - 1],
              [x + 1, y + 1],
            ],
            { layers: ['patches-fill'] },
          );
          if (hit) return { x, y, id: hit.properties.id };
        }
      }
      return null;
    },
    null,
    { polling: 500 },
  );
  return found.jsonValue();
}
