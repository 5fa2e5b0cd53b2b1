// Goals and annotations: set on the page, seen on the charts, opened, removed.

import { test, expect } from '../site.mjs';

test('a goal and an annotation are set, stand on the chart, and are removed', async ({ browser, own }) => {
  const context = await browser.newContext({ storageState: own.owner, baseURL: own.url });
  const page = await context.newPage();
  await page.goto('/settings/marks');
  await expect(page.getByText('No goals yet.')).toBeVisible();
  await page.getByLabel('Value', { exact: true }).fill('1,000');
  await page.getByLabel('By the end of').fill('2026-12-31');
  await page.getByRole('button', { name: 'Set' }).click();
  const goal = page.getByRole('row', { name: /Monthly recurring revenue/ });
  await expect(goal).toContainText('1,000.00');
  await expect(goal).toContainText('650.00');
  await page.getByLabel('Day', { exact: true }).fill('2026-04-02');
  await page.getByLabel('What happened').fill('Prices <up>');
  await page.getByRole('button', { name: 'Add' }).click();
  await expect(page.getByRole('row', { name: /Prices <up>/ })).toContainText('2026-04-02');

  await page.goto('/');
  const chart = page.locator('figure, .card', { hasText: 'MRR at the end of each period' }).last();
  await expect(chart.getByText('Prices <up>').first()).toBeAttached();
  await expect(chart.getByText('Goal by 2026-12-31').first()).toBeAttached();

  await page.goto('/decide');
  await expect(page.getByRole('row', { name: /Monthly recurring revenue/ })).toContainText('1,000.00');

  const told = await page.request.get('/api/v1/goals');
  const [row] = (await told.json()).rows;
  expect(row).toMatchObject({ metric: 'mrr', now: '650', value: '1000', missing: '350', by: '2026-12-31' });

  await page.goto('/settings/marks');
  for (const name of [/Monthly recurring revenue/, /Prices <up>/]) {
    await page.getByRole('row', { name }).getByRole('button', { name: 'Remove' }).click();
    await expect(page.getByRole('row', { name })).toHaveCount(0);
  }
  await context.close();
});

test('a goal that is none is refused in words', async ({ browser, desk }) => {
  // A page of its own: the browser itself writes the refusal's status to the console.
  const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url });
  const page = await context.newPage();
  await page.goto('/settings/marks');
  await page.getByLabel('Value', { exact: true }).fill('5%');
  await page.getByLabel('By the end of').fill('2026-12-31');
  await page.getByRole('button', { name: 'Set' }).click();
  await expect(page.getByText('mrr is not counted in percent')).toBeVisible();
  await context.close();
});
