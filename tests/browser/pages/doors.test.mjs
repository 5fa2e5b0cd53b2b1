import { expect, STRANGER, test } from '../site.mjs';
import { OWNER } from '../business.mjs';

test('nobody sees anything without signing in', async ({ browser, desk }) => {
  const context = await browser.newContext({ storageState: STRANGER, baseURL: desk.url });
  const page = await context.newPage();
  await page.goto('/customers');
  await expect(page).toHaveURL(/sign-in/);
  await expect(page.locator('body')).not.toContainText('Acme');
  expect((await page.request.get('/api/v1/mrr')).status()).toBe(401);
  await page.getByLabel('E-mail').fill(OWNER.email);
  await page.getByLabel('Password').fill(OWNER.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.locator('main')).toContainText('Acme Robotics');
  await context.close();
});

test('a wrong password says no more than that', async ({ browser, own }) => {
  const context = await browser.newContext({ storageState: STRANGER, baseURL: own.url });
  const page = await context.newPage();
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').fill(OWNER.email);
  await page.getByLabel('Password').fill('not this one at all');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.locator('main')).toContainText(/wrong|do not match|does not match|not right/i);
  await context.close();
});

test('a viewer looks and does not touch', async ({ browser, own }) => {
  const owner = await browser.newContext({ storageState: own.owner, baseURL: own.url });
  const settings = await owner.newPage();
  await settings.goto('/settings/people');
  await settings.getByLabel('E-mail').fill('viewer@example.com');
  await settings.getByLabel('As').selectOption('viewer');
  await settings.getByRole('button', { name: 'Invite' }).click();
  const link = (await settings.locator('main').innerText()).match(/\S*\/invitation\?token=\S+/)[0];
  await owner.close();

  const viewer = await browser.newContext({ storageState: STRANGER, baseURL: own.url });
  const page = await viewer.newPage();
  await page.goto(new URL(link, own.url).href);
  await page.locator('main input[type=password]').first().fill('a viewer of figures 1');
  await page.locator('main button[type=submit]').click();
  await page.goto('/customers');
  await expect(page.locator('main')).toContainText('Acme Robotics');
  expect((await page.goto('/settings/people')).status()).toBe(403);
  await page.goto('/imports');
  await expect(page.getByRole('button', { name: 'Import', exact: true })).toHaveCount(0);
  const brought = await page.request.post('/imports', { headers: { origin: own.url }, multipart: { file: { name: 'a.csv', mimeType: 'text/csv', buffer: Buffer.from('customer,amount\n') } } });
  expect(brought.status()).toBe(403);
  await viewer.close();
});

test('a shared page opens for anybody with the link, and no other page does', async ({ browser, own }) => {
  const owner = await browser.newContext({ storageState: own.owner, baseURL: own.url });
  const settings = await owner.newPage();
  await settings.goto('/settings/shares');
  const form = settings.locator('main form.card').first();
  const field = form.locator('input[name=page], input[name=path], input[name=address]').first();
  await field.fill('/retention');
  await form.locator('button[type=submit]').click();
  const link = (await settings.locator('main').innerText()).match(/https?:\/\/\S+/)[0];
  await owner.close();
  const stranger = await browser.newContext({ storageState: STRANGER, baseURL: own.url });
  const page = await stranger.newPage();
  await page.goto(link);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Retention');
  await page.goto('/customers');
  await expect(page.locator('body')).not.toContainText('Acme');
  await stranger.close();
});
