import { expect, test } from '../site.mjs';

test('a figure opens its definition, its movements and the command that gives it', async ({ page, desk }) => {
  await page.goto('/');
  await page.getByRole('link', { name: /^MRR 550\.00USD/ }).click();
  const panel = page.locator('[data-panel]');
  await expect(panel).toContainText('550.00');
  const command = (await panel.locator('pre code').first().innerText()).trim();
  expect(command).toMatch(/^netnew /);
  const words = command.match(/'[^']*'|\S+/g).slice(1).map((word) => word.replace(/^'|'$/g, ''));
  expect(desk.netnew(...words, '--format', 'json')).toContain('"550"');
});

test('as a page of its own it says the same', async ({ page }) => {
  await page.goto('/explain?period=2026-04-01&kind=churn');
  await expect(page.locator('main')).toContainText('−350.00');
  await expect(page.locator('main')).toContainText('birch');
});

test('Escape closes the explanation and gives the focus back', async ({ page }) => {
  await page.goto('/');
  const figure = page.getByRole('link', { name: /^ARPA/ });
  await figure.focus();
  await page.keyboard.press('Enter');
  const panel = page.locator('[data-panel]');
  await expect(panel).toBeVisible();
  await expect(panel).toContainText('183.33');
  await expect(panel.locator('[data-close]').first()).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(panel).toBeHidden();
  await expect(figure).toBeFocused();
});
