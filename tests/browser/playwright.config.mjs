import { defineConfig } from '@playwright/test';

// One browser, that of the system. Slow machines get time: nothing here waits for a clock.
export default defineConfig({
  testDir: './pages',
  testMatch: '*.test.mjs',
  outputDir: process.env.NETNEW_BROWSER_OUT ?? '/tmp/netnew-browser-tests',
  fullyParallel: false,
  workers: 2,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 20_000 },
  reporter: [['list']],
  forbidOnly: true,
  use: {
    browserName: 'chromium',
    launchOptions: { executablePath: process.env.NETNEW_CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
    navigationTimeout: 60_000,
    actionTimeout: 20_000,
    trace: 'off',
  },
});
