import { cells, expect, row, test } from '../site.mjs';

test('a bar opens its customers, they open their facts, and those the row of the file', async ({ page }) => {
  await page.goto('/movements');
  await page.getByRole('link', { name: 'April 2026, churn, −350.00 USD' }).first().click();
  const panel = page.locator('[data-panel]');
  await expect(panel).toContainText('−350.00');
  await expect(panel).toContainText('birch');
  await expect(panel).toContainText('elm');
  await panel.locator('a[href^="/explain/"]').first().click();
  await expect(panel).toContainText('2026-04-20');
  const file = panel.locator('a[href^="/payloads/"]').first();
  await file.click();
  await expect(page).toHaveURL(/\/payloads\//);
  await expect(page.locator('main')).toContainText('birch,birch-1,2026-04-20,canceled,Pro,,month,1');
});

test('any interval', async ({ page }) => {
  await page.goto('/movements?interval=quarter');
  expect(await cells(row(page, 'Movements by period', /2026-Q1|Q1 2026|Jan 2026/))).toEqual(['0.00', '+850.00', '·', '+150.00', '·', '·', '1,000.00', '5']);
  await page.goto('/movements?interval=year');
  const year = await cells(row(page, 'Movements by period', /2026/));
  expect(year).toEqual(['0.00', '+850.00', '+100.00', '+150.00', '−100.00', '−350.00', '650.00', '4']);
});

test('what is chosen stands in the address, and the address shows it again', async ({ page }) => {
  await page.goto('/movements');
  await page.getByLabel('Only where').fill('plan=Pro');
  await page.getByRole('button', { name: 'Apply' }).click();
  await expect(page).toHaveURL(/where=plan%3DPro/);
  // Pro: Birch 250 and Dogwood 100 new, Acme's transfer of 100 and expansion of 150 in, Birch out.
  expect(await cells(row(page, 'Movements by period', 'Apr 2026'))).toContain('−250.00');
  await page.reload();
  await expect(page.getByLabel('Only where')).toHaveValue('plan=Pro');
});

test('a field that does not exist is said, with a hint', async ({ browser, desk }) => {
  const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url });
  const page = await context.newPage();
  const answer = await page.goto('/movements?where=planet%3DMars');
  expect(answer.status()).toBe(400);
  await expect(page.locator('main')).toContainText('planet');
  await context.close();
});

test('the same rows as CSV, JSON and SVG', async ({ page, desk }) => {
  await page.goto('/movements?period=2026-04-01&kind=churn');
  const figure = page.locator('figure').first();
  const get = async (name) => {
    const href = await figure.getByRole('link', { name, exact: true }).getAttribute('href');
    const answer = await page.request.get(desk.url + href);
    expect(answer.status()).toBe(200);
    return answer;
  };
  const json = await (await get('JSON')).json();
  expect(json.rows.find((r) => r.period === '2026-04-01')).toMatchObject({ start: '1000', churn: '-350', end: '650' });
  expect(await (await get('CSV')).text()).toContain('2026-04-01');
  const svg = await get('SVG');
  expect(svg.headers()['content-type']).toContain('image/svg+xml');
  expect(await svg.text()).toContain('<svg');
});

test('a month compared with the one before', async ({ page }) => {
  await page.goto('/movements?compare=previous&from=2026-04-01&to=2026-05-31');
  await expect(page.locator('main')).toContainText('before');
});
