import { cells, expect, row, test } from '../site.mjs';

test('who pays, who is gone, largest first', async ({ page }) => {
  await page.goto('/customers');
  await expect(page.locator('main')).toContainText('4 paying, 1 gone, 0 never paid');
  const names = await page.getByRole('table', { name: 'Customers' }).getByRole('rowheader').allInnerTexts();
  expect(names.map((name) => name.split('\n')[0].trim().replace(/\s*(acme|cedar|dogwood|elm|birch)$/, ''))).toEqual([
    'Acme Robotics', 'Cedar <Labs>', 'Dogwood', 'Elm Studio', 'Birch & Sons',
  ]);
  expect((await cells(row(page, 'Customers', /Cedar/))).slice(0, 4)).toEqual(['Paying', '200.00', 'Basic', 'US']);
});

test('search, sort and filter', async ({ page }) => {
  await page.goto('/customers');
  await page.getByRole('searchbox', { name: 'Search' }).fill('studio');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page.getByRole('table', { name: 'Customers' }).getByRole('rowheader')).toHaveCount(1);
  await page.goto('/customers?sort=customer');
  await expect(page.getByRole('table', { name: 'Customers' }).getByRole('rowheader').first()).toContainText('Acme');
  await page.goto('/customers?where=country%3DDE');
  await expect(page.getByRole('table', { name: 'Customers' }).getByRole('rowheader')).toHaveCount(2);
});

test('a customer: subscriptions, movements, facts', async ({ page }) => {
  await page.goto('/customers');
  await page.getByRole('link', { name: 'Acme Robotics' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Acme Robotics');
  expect((await cells(row(page, 'Subscriptions', 'acme-1'))).slice(0, 4)).toEqual(['active', 'Pro', '250.00', '3,000.00']);
  const amounts = await page.getByRole('table', { name: 'Movements' }).locator('a[href^="/explain/"]').allInnerTexts();
  expect(amounts).toEqual(['+150.00', '+100.00', '−100.00', '+100.00']);
  await expect(page.getByRole('heading', { name: /facts, oldest first/ })).toBeVisible();
});

test('names are shown as they are, never as markup', async ({ page }) => {
  await page.goto('/customers/cedar');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Cedar <Labs>');
});

test('nobody by that id', async ({ browser, desk }) => {
  const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url });
  const page = await context.newPage();
  expect((await page.goto('/customers/nobody')).status()).toBe(404);
  await expect(page.locator('main')).toContainText('nobody');
  await context.close();
});
