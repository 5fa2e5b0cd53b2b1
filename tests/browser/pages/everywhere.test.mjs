// What holds on every page: no barrier that axe finds, no sideways scrolling, no complaint, no need of a script.

import { AxeBuilder } from '@axe-core/playwright';
import { complaints, expect, STRANGER, test } from '../site.mjs';

const PAGES = [
  '/', '/?compare=previous', '/movements', '/movements?period=2026-04-01&kind=churn', '/customers', '/customers/acme', '/segments',
  '/retention', '/retention?measure=nrr', '/decide', '/reports/weekly', '/reports/monthly', '/policy',
  '/policy?knob=statuses.counted&value=active', '/definitions', '/definitions/nrr', '/imports', '/search?q=ac', '/settings',
  '/settings/marks', '/settings/people', '/settings/keys', '/settings/shares', '/settings/audit', '/explain?period=2026-04-01&kind=churn',
];
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

for (const theme of ['light', 'dark']) {
  for (const width of [1280, 390]) {
    test(`axe finds nothing, ${theme}, ${width} wide`, async ({ browser, desk }) => {
      test.setTimeout(600_000);
      const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url, colorScheme: theme, viewport: { width, height: 900 } });
      const page = await context.newPage();
      const heard = complaints(page);
      const found = [];
      for (const path of PAGES) {
        const answer = await page.goto(path);
        expect(answer.status(), path).toBe(200);
        const { violations } = await new AxeBuilder({ page }).withTags(RULES).analyze();
        for (const one of violations) found.push(`${path}: ${one.id} at ${one.nodes.map((node) => node.html.slice(0, 120)).join(' and ')}`);
      }
      expect(found).toEqual([]);
      expect(heard).toEqual([]);
      await context.close();
    });
  }
}

for (const path of ['/sign-in', '/setup']) {
  test(`axe finds nothing at ${path} before anybody is signed in`, async ({ browser, desk }) => {
    const context = await browser.newContext({ storageState: STRANGER, baseURL: desk.url, viewport: { width: 390, height: 900 } });
    const page = await context.newPage();
    await page.goto(path);
    expect((await new AxeBuilder({ page }).withTags(RULES).analyze()).violations.map((one) => one.id)).toEqual([]);
    await context.close();
  });
}

test('no page scrolls sideways', async ({ browser, desk }) => {
  test.setTimeout(300_000);
  const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url });
  const page = await context.newPage();
  const wide = [];
  for (const path of PAGES) {
    await page.goto(path);
    for (const width of [320, 390, 768, 1280, 1920]) {
      await page.setViewportSize({ width, height: 900 });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (over > 0) wide.push(`${path} at ${width}: ${over} px`);
    }
  }
  expect(wide).toEqual([]);
  await context.close();
});

test('every page can be read without a script', async ({ browser, desk }) => {
  test.setTimeout(300_000);
  const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url, javaScriptEnabled: false });
  const page = await context.newPage();
  for (const path of PAGES) {
    await page.goto(path);
    await expect(page.locator('main').getByRole('heading').first(), path).toBeVisible();
  }
  await page.goto('/movements');
  await page.getByLabel('Interval').selectOption('quarter');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/interval=quarter/);
  await page.getByRole('link', { name: /churn, −350\.00/ }).first().click();
  await expect(page).toHaveURL(/\/explain/);
  await expect(page.locator('main')).toContainText('−350.00');
  await context.close();
});

test('answers carry a policy without inline scripts, and what else keeps a browser safe', async ({ page }) => {
  const answer = await page.goto('/');
  const headers = answer.headers();
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(headers['content-security-policy']).not.toContain('unsafe-inline');
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect(headers['referrer-policy']).toBeTruthy();
});
