// The pictures of the README, of the made-up business on a fixed day: scripts/screenshots.sh.

import { chromium } from '@playwright/test';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const [netnew, browserPath, out] = [process.env.NETNEW, process.env.NETNEW_CHROMIUM, process.env.NETNEW_PICTURES];
mkdirSync(out, { recursive: true });
const env = { ...process.env, NETNEW_NOW: '2026-11-10T09:00:00Z' };
const demo = spawn(netnew, ['demo', '--no-open', '--port', '0'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
const url = await new Promise((resolve) => {
  let said = '';
  demo.stderr.on('data', (chunk) => {
    said += chunk;
    const found = said.match(/http:\/\/127\.0\.0\.1:\d+/);
    if (found) resolve(found[0]);
  });
});

const browser = await chromium.launch({ executablePath: browserPath, args: ['--no-sandbox'] });
async function picture(name, theme, path, act = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, colorScheme: theme, baseURL: url });
  const page = await context.newPage();
  await page.goto(path);
  await act(page);
  await page.evaluate(() => document.querySelector('main > .notice')?.remove());
  await page.screenshot({ path: join(out, `${name}.png`) });
  await context.close();
}

await picture('overview', 'light', '/');
await picture('explain', 'light', '/movements', async (page) => {
  await page.getByRole('link', { name: /^September 2026, churn/ }).first().click();
  await page.locator('[data-panel] ol.trail').first().waitFor();
});
await picture('retention', 'dark', '/retention?measure=nrr');
await browser.close();
demo.kill('SIGTERM');
