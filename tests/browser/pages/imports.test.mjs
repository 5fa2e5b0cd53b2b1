import { expect, test } from '../site.mjs';

async function at(browser, desk, path) {
  const context = await browser.newContext({ storageState: desk.owner, baseURL: desk.url });
  const page = await context.newPage();
  await page.goto(path);
  return page;
}

test('a file dropped on the page comes in, and the overview moves', async ({ browser, own }) => {
  const page = await at(browser, own, '/imports');
  const text = 'customer,subscription,effective_at,plan,amount\nfir,fir-1,2026-05-20,Pro,250\n';
  const data = await page.evaluateHandle((content) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([content], 'more.csv', { type: 'text/csv' }));
    return transfer;
  }, text);
  await page.dispatchEvent('[data-drop]', 'drop', { dataTransfer: data });
  await expect(page.locator('main')).toContainText('1 fact');
  await page.goto('/');
  await expect(page.getByRole('link', { name: /^MRR 800\.00USD/ })).toBeVisible();
  await page.context().close();
});

test('a bad row is shown with its line and what to do; the good rows go in', async ({ browser, own }) => {
  const page = await at(browser, own, '/imports');
  const path = own.file('bad.csv', 'customer,subscription,effective_at,plan,amount\ngum,gum-1,2026-05-20,Pro,250\nhazel,hazel-1,2026-05-21,Pro,lots\n');
  await page.setInputFiles('input[type=file]', path);
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.locator('main')).toContainText('lots');
  await expect(page.locator('main')).toContainText('3');
  const rows = JSON.parse(own.netnew('customers', '--format', 'json')).rows.map((r) => r.customer);
  expect(rows).toContain('gum');
  expect(rows).not.toContain('hazel');
  await page.context().close();
});

test('without a script the form works the same', async ({ browser, own }) => {
  const context = await browser.newContext({ storageState: own.owner, baseURL: own.url, javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto('/imports');
  await page.setInputFiles('input[type=file]', own.file('more.csv', 'customer,subscription,effective_at,plan,amount\nivy,ivy-1,2026-05-20,Pro,250\n'));
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.locator('main')).toContainText('1 fact');
  await context.close();
});

test('the checks add up', async ({ browser, own }) => {
  const page = await at(browser, own, '/imports?check=1');
  const names = await page.getByRole('table').filter({ hasText: 'waterfall' }).first().getByRole('rowheader').count();
  expect(names).toBeGreaterThanOrEqual(9);
  await page.context().close();
});
