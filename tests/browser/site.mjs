// Books made by the public path, served by the real binary, and pages that may not complain.

import { test as base, expect } from '@playwright/test';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CUSTOMERS, NOW, OWNER, STATES } from './business.mjs';

const NETNEW = process.env.NETNEW;
if (!NETNEW) throw new Error('NETNEW has to name the binary: run scripts/browser-tests.sh');

/** A folder with a book in it. */
export class Desk {
  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'netnew-desk-'));
    this.book = join(this.dir, 'book');
    this.netnew('init', this.book);
  }

  /** Runs the binary on the book, at the business's now. Gives what it printed. */
  netnew(...args) {
    const env = { ...process.env, NETNEW_NOW: NOW, NETNEW_BOOK: this.book };
    return execFileSync(NETNEW, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  file(name, text) {
    const path = join(this.dir, name);
    writeFileSync(path, text);
    return path;
  }

  /** The book of the small business. */
  static withBusiness() {
    const desk = new Desk();
    const said = desk.netnew('import', desk.file('states.csv', STATES), desk.file('customers.csv', CUSTOMERS), '--format', 'json');
    expect(JSON.parse(said)).toMatchObject({ facts: 15, problem_count: 0 });
    return desk;
  }

  /** Serves the book on a port of its own. */
  async serve() {
    const env = { ...process.env, NETNEW_NOW: NOW };
    const child = spawn(NETNEW, ['serve', '--book', this.book, '--addr', '127.0.0.1:0'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    this.server = child;
    let said = '';
    this.url = await new Promise((resolve, reject) => {
      child.stderr.on('data', (chunk) => {
        said += chunk;
        const found = said.match(/http:\/\/127\.0\.0\.1:\d+/);
        if (found) resolve(found[0]);
      });
      child.on('exit', (code) => reject(new Error(`serve ended with ${code}: ${said}`)));
    });
    return this.url;
  }

  /** Sets the owner up, and gives the cookies of the session. */
  async own(browser) {
    const context = await browser.newContext({ storageState: STRANGER });
    const page = await context.newPage();
    await page.goto(this.url + '/setup');
    await page.getByLabel('E-mail').fill(OWNER.email);
    await page.getByLabel('Password').fill(OWNER.password);
    await page.getByRole('button', { name: 'Set up' }).click();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText('Overview');
    const state = await context.storageState();
    await context.close();
    return state;
  }

  async close() {
    const ended = new Promise((resolve) => this.server?.once('exit', resolve));
    if (this.server && this.server.exitCode === null) {
      this.server.kill('SIGTERM');
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Nobody's: no session. */
export const STRANGER = { cookies: [], origins: [] };

/** Whatever a page complains of: errors in scripts, refused by the content policy, missing. */
export function complaints(page) {
  const heard = [];
  page.on('console', (message) => {
    if (message.type() === 'error') heard.push(`${page.url()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => heard.push(`${page.url()}: ${error.message}`));
  return heard;
}

export const test = base.extend({
  // Read by many tests, written by none.
  desk: [async ({ browser }, use) => {
    const desk = Desk.withBusiness();
    await desk.serve();
    desk.owner = await desk.own(browser);
    await use(desk);
    await desk.close();
  }, { scope: 'worker', timeout: 180_000 }],

  // Of a test's own: it may be written.
  own: [async ({ browser }, use) => {
    const desk = Desk.withBusiness();
    await desk.serve();
    desk.owner = await desk.own(browser);
    await use(desk);
    await desk.close();
  }, { timeout: 180_000 }],

  storageState: async ({ desk }, use) => use(desk.owner),
  baseURL: async ({ desk }, use) => use(desk.url),

  page: async ({ page }, use) => {
    const heard = complaints(page);
    await use(page);
    expect(heard, 'the page complains of nothing').toEqual([]);
  },
});

/** The row of a table by the text of its head. */
export const row = (page, table, head) =>
  page.getByRole('table', { name: table }).getByRole('row').filter({ has: page.getByRole('rowheader', { name: head }) });

/** The texts of a row's cells, its head left out. */
export const cells = (row) => row.getByRole('cell').allInnerTexts();

export { expect };
