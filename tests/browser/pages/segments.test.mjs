import { expect, row, test } from '../site.mjs';

test('each plan has its own row', async ({ page }) => {
  await page.goto('/segments');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(/segments/i);
  const table = page.getByRole('table').filter({ has: page.getByRole('rowheader', { name: 'Pro' }) }).first();
  await expect(table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Pro', exact: true }) })).toContainText('350.00');
  await expect(table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'Basic', exact: true }) })).toContainText('300.00');
});

test('by country', async ({ page }) => {
  await page.goto('/segments?by=country');
  const table = page.getByRole('table').filter({ has: page.getByRole('rowheader', { name: 'US' }) }).first();
  await expect(table.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'US', exact: true }) })).toContainText('450.00');
});
