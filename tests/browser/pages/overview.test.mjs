import { cells, expect, row, test } from '../site.mjs';

test('the last three months come first, component by component', async ({ page }) => {
  await page.goto('/');
  const table = 'Movements of the last complete months';
  const months = async (head) => (await cells(row(page, table, head))).slice(0, 3);
  expect(await months('New')).toEqual(['+100.00', '·', '·']);
  expect(await months('Expansion')).toEqual(['+150.00', '·', '·']);
  expect(await months('Reactivation')).toEqual(['·', '·', '·']);
  expect(await months('Contraction')).toEqual(['·', '·', '−100.00']);
  expect(await months('Churn')).toEqual(['·', '−350.00', '·']);
  expect(await months('Net new')).toEqual(['+250.00', '−350.00', '−100.00']);
});

test('figures are of the last complete month', async ({ page }) => {
  await page.goto('/');
  for (const [name, value] of [
    ['MRR', '550.00USD'], ['ARR', '6,600.00USD'], ['Net new MRR', '−100.00USD'], ['Customers', '3'], ['ARPA', '183.33USD'],
    ['Gross MRR churn', '15.4 %'], ['Net MRR churn', '15.4 %'], ['Customer churn', '0.0 %'],
  ]) {
    await expect(page.getByRole('link', { name: new RegExp(`^${name} ${value.replace('.', '\\.')}`) })).toBeVisible();
  }
});

test('the waterfall adds up from start to end', async ({ page }) => {
  await page.goto('/');
  const chart = page.locator('figure').first();
  for (const name of [
    'New, 850.00 USD', 'Reactivation, 100.00 USD', 'Expansion, 150.00 USD', 'Contraction, −100.00 USD', 'Churn, −350.00 USD',
    'End, 650.00 USD, not over yet',
  ]) {
    await expect(chart.getByRole('link', { name, exact: true })).toBeVisible();
  }
});

test('every month starts where the one before ended', async ({ page }) => {
  await page.goto('/');
  const name = 'Start, movements and end of each month';
  expect(await cells(row(page, name, 'Mar 2026'))).toEqual(['750.00', '+100.00', '·', '+150.00', '·', '·', '1,000.00', '5']);
  expect(await cells(row(page, name, 'Apr 2026'))).toEqual(['1,000.00', '·', '·', '·', '·', '−350.00', '650.00', '3']);
  expect(await cells(row(page, name, 'Jun 2026'))).toEqual(['550.00', '·', '+100.00', '·', '·', '·', '650.00', '4']);
});

test('says through when it knows, and what came in last', async ({ page }) => {
  await page.goto('/');
  await expect(page.locator('main').getByText('Data through 2026-06-02')).toBeVisible();
  await expect(page.getByRole('link', { name: /Last import .*15 facts/ })).toBeVisible();
});

test('too few customers: nothing is concluded, and it says how many it takes', async ({ page }) => {
  await page.goto('/');
  const todo = page.getByRole('region', { name: 'What to do now' });
  await expect(todo).toContainText('too few');
  await expect(todo).toContainText('it takes about 25');
});

test('the first load is small', async ({ browser, desk }) => {
  const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url });
  const page = await context.newPage();
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  let bytes = 0;
  network.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  await page.goto('/', { waitUntil: 'networkidle' });
  expect(bytes).toBeGreaterThan(5_000);
  expect(bytes).toBeLessThan(100 * 1024);
  await context.close();
});
