import { expect, STRANGER, test } from '../site.mjs';

test('a key is shown once, and opens what its scope allows', async ({ browser, own }) => {
  const context = await browser.newContext({ storageState: own.owner, baseURL: own.url });
  const page = await context.newPage();
  await page.goto('/settings/keys');
  const form = page.locator('main form.card').first();
  await form.getByLabel('Name').fill('reports');
  await form.locator('button[type=submit]').click();
  const key = (await page.locator('main').innerText()).match(/nn_[A-Za-z0-9_-]+/)?.[0]
    ?? (await page.locator('main code').first().innerText()).trim();
  expect(key.length).toBeGreaterThan(20);
  const stranger = await browser.newContext({ storageState: STRANGER, baseURL: own.url });
  const answer = await stranger.request.get('/api/v1/mrr', { headers: { authorization: `Bearer ${key}` } });
  expect(answer.status()).toBe(200);
  expect((await answer.json()).rows.at(-1).end).toBe('650');
  const refused = await stranger.request.post('/api/v1/events', { headers: { authorization: `Bearer ${key}` }, data: [] });
  expect(refused.status()).toBe(403);
  await page.goto('/settings/keys');
  await expect(page.locator('main')).not.toContainText(key);
  await stranger.close();
  await context.close();
});
