import { expect, test } from '../site.mjs';

test('every knob with its value and where the rule comes from', async ({ page }) => {
  await page.goto('/policy');
  await expect(page.getByRole('table', { name: 'Knobs of the policy' }).getByRole('rowheader')).toHaveCount(47);
});

test('what if a knob were otherwise: which customers, and by how much', async ({ page }) => {
  await page.goto('/policy');
  await page.getByRole('table', { name: 'Knobs of the policy' }).locator('a[href*="knob=statuses.counted"]').first().click();
  await expect(page).toHaveURL(/knob=statuses\.counted/);
  await expect(page.locator('main')).toContainText(/difference|no difference|nothing/i);
});

test('definitions: every metric, its formula, an example', async ({ page }) => {
  await page.goto('/definitions');
  await page.getByRole('link', { name: /^NRR$|Net revenue retention|nrr/i }).first().click();
  await expect(page).toHaveURL(/\/definitions\/nrr/);
  await expect(page.locator('main')).toContainText('netnew metrics nrr');
});
