import { cells, expect, row, test } from '../site.mjs';

test('cohorts of customers by age', async ({ page }) => {
  await page.goto('/retention');
  const of = async (head) => (await cells(row(page, 'Cohorts by age', head))).slice(1);
  expect(await of('2026-01')).toEqual(['100.0 %', '100.0 %', '100.0 %', '50.0 %', '50.0 %', '50.0 %']);
  expect(await of('2026-02')).toEqual(['100.0 %', '100.0 %', '100.0 %', '100.0 %', '100.0 %', '']);
  expect(await of('2026-03')).toEqual(['100.0 %', '0.0 %', '0.0 %', '100.0 %', '', '']);
});

test('net and gross revenue, by month and by quarter', async ({ page }) => {
  await page.goto('/retention?measure=nrr');
  // January: 350, from March 500 with Acme on Pro, from April 250 without Birch.
  expect((await cells(row(page, 'Cohorts by age', '2026-01'))).slice(1)).toEqual(['100.0 %', '100.0 %', '142.9 %', '71.4 %', '71.4 %', '71.4 %']);
  await page.goto('/retention?measure=grr');
  expect((await cells(row(page, 'Cohorts by age', '2026-01'))).slice(1)).toEqual(['100.0 %', '100.0 %', '100.0 %', '28.6 %', '28.6 %', '28.6 %']);
  await page.goto('/retention?interval=quarter');
  await expect(page.getByRole('table', { name: 'Cohorts by age' }).getByRole('rowheader')).toHaveCount(1);
});

test('small cohorts say so', async ({ page }) => {
  await page.goto('/retention');
  await expect(page.locator('main')).toContainText('3 of 3 cohorts have fewer than 10 customers');
});
