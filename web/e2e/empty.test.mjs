// Drives the built page on a service that has nothing yet, as the first officer would: five steps from the counties to the first survey.
//
//   TUBAN_EMPTY       the server, on an empty database
//   TUBAN_FILES       the folder of the demo city's files
//   TUBAN_SCREENSHOT  where to write pictures of the steps (optional)
//   CHROMIUM          the browser (default /usr/bin/chromium)
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

const PATIENCE_MS = 120_000;
const url = required('TUBAN_EMPTY');
const files = required('TUBAN_FILES');
const KINDS = ['county', 'farmland', 'basic_farmland', 'red_line', 'urban_boundary', 'approved'];

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
    if (asked.protocol.startsWith('http') && asked.origin !== home) strangers.push(asked.href);
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
});

after(async () => {
  await browser?.close();
});

test('an empty service shows five steps, and none of them is done', async () => {
  await page.goto(url);
  await page.getByRole('tab', { name: '图层' }).click();
  await page.locator('[data-steps]').waitFor();
  assert.deepEqual(await steps(), ['county:false', 'farmland:false', 'basic_farmland:false', 'approved:false', 'survey:false']);
  await picture('empty');
});

test('each layer is uploaded on the page, and its step is done', async () => {
  for (const kind of KINDS) {
    await page.locator(`[data-layers] [data-kind=${kind}] button`).click();
    const upload = page.locator(`[data-layer-upload=${kind}]`);
    await upload.locator('input[type=file]').setInputFiles(join(files, `${kind}.geojson`));
    await upload.locator('[data-inspection=good]').waitFor();
    await upload.locator('input[name=name]').fill(`演示·${kind}`);
    await upload.locator('input[name=effective]').fill('2020-12-31');
    await upload.getByRole('button', { name: '确认入库' }).click();
    await upload.locator('[role=status]').waitFor();
    // The first layer says where the city is.
    if (kind === 'county') await page.waitForFunction(() => window.__tuban.map.getZoom() > 6 && !window.__tuban.map.isMoving());
    if (kind === 'approved') await picture('approved');
    await upload.getByRole('button', { name: '关闭' }).click();
  }
  assert.deepEqual(await steps(), ['county:true', 'farmland:true', 'basic_farmland:true', 'approved:true', 'survey:false']);
  await picture('layers');
  const { layers } = await (await fetch(new URL('/api/layers', url))).json();
  assert.deepEqual(
    layers
      .filter(({ in_force }) => in_force)
      .map(({ kind }) => kind)
      .toSorted(),
    KINDS.toSorted(),
  );
});

test('the first survey comes in, and every row of the ratio stands on farmland that is known', async () => {
  await page.locator('[data-step=survey] button').click();
  await page.locator('#panel input[type=file]').setInputFiles(join(files, 'survey-2022-04.geojson'));
  await page.locator('[data-inspection=good]').waitFor();
  await page.getByRole('button', { name: '确认上传并套合' }).click();
  await page.locator('#panel [data-survey]').waitFor();
  await picture('survey');
  const { city } = await (await fetch(new URL('/api/ratios?period=2022-04', url))).json();
  assert.ok(city.total.patches > 1900 && city.total.farmland.mu > 0);
  await page.getByRole('tab', { name: '图层' }).click();
  assert.equal(await page.locator('[data-steps]').count(), 0, 'what is done is no longer asked for');
});

test('nothing left the origin and nothing complained', () => {
  assert.deepEqual(strangers, []);
  assert.deepEqual(complaints, []);
});

/** Each step and whether it is done. */
async function steps() {
  return page.locator('[data-steps] > li').evaluateAll((all) => all.map(({ dataset }) => `${dataset.step}:${dataset.done}`));
}

/** Keeps a picture beside the one that was asked for. */
async function picture(name) {
  const path = process.env.TUBAN_SCREENSHOT;
  if (path) await page.screenshot({ path: path.replace(/\.png$/, `-first-${name}.png`) });
}
