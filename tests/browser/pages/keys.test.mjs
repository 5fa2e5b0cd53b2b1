import { expect, test } from '../site.mjs';

test('the first Tab leads past the navigation', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.locator('#main')).toBeFocused();
});

test('what has the focus can be seen', async ({ page }) => {
  await page.goto('/');
  for (let at = 0; at < 30; at++) {
    await page.keyboard.press('Tab');
    const seen = await page.evaluate(() => {
      const one = document.activeElement;
      if (!one || one === document.body) return 'nothing has the focus';
      const style = getComputedStyle(one);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0 ? '' : one.outerHTML.slice(0, 120);
    });
    expect(seen).toBe('');
  }
});

test('the palette by keys alone', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('/');
  const palette = page.getByRole('dialog', { name: 'Go to or search' });
  await expect(palette).toBeVisible();
  await page.keyboard.type('elm');
  await expect(palette.getByRole('option').first()).toContainText(/elm/i);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/customers\/elm/);
  await page.keyboard.press('Control+k');
  await expect(palette).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(palette).toBeHidden();
});

test('g and a letter goes, q is by quarter, c compares, t turns the lights off', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('g');
  await page.keyboard.press('m');
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Movements');
  await page.keyboard.press('q');
  await expect(page).toHaveURL(/interval=quarter/);
  await page.keyboard.press('c');
  await expect(page).toHaveURL(/compare=previous/);
  await page.keyboard.press('t');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});

test('a mark of a chart opens by Enter', async ({ page }) => {
  await page.goto('/movements');
  const mark = page.getByRole('link', { name: 'April 2026, churn, −350.00 USD' }).first();
  await mark.focus();
  await page.keyboard.press('Enter');
  await expect(page.locator('[data-panel]')).toContainText('−350.00');
});

test('the keys are listed', async ({ page }) => {
  await page.goto('/');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toContainText('quarter');
});
