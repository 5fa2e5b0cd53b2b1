import { expect, test } from '../site.mjs';

test('what leaks, with the customers behind it', async ({ page }) => {
  await page.goto('/decide');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Decide');
  await expect(page.getByRole('table', { name: 'Where it leaks' })).toContainText('−250.00');
});

test('the monthly report has the months components, and the same figures as the pages', async ({ page }) => {
  await page.goto('/reports/monthly');
  await expect(page.locator('main')).toContainText('550.00');
  await page.goto('/reports/weekly');
  await expect(page.locator('main')).toContainText('650.00');
});
