// Everything here is a convenience: each page works without it. No figure is computed in a browser.

const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

function toast(text) {
  const box = document.createElement('p');
  box.className = 'toast';
  box.textContent = text;
  $('.toasts').append(box);
  setTimeout(() => box.remove(), 4000);
}

// ---- explanations beside the page ----------------------------------------------------------------------------
const panel = $('[data-panel]');
let opener = null;

async function explain(href) {
  if (!panel) { location.href = href; return; }
  panel.setAttribute('aria-busy', 'true');
  const answer = await fetch(href, { headers: { 'x-fragment': '1' } }).catch(() => null);
  panel.removeAttribute('aria-busy');
  if (!answer || !answer.ok) { location.href = href; return; }
  panel.innerHTML = await answer.text();
  panel.hidden = false;
  ready(panel);
  $('[data-close]', panel)?.focus();
}

function close() {
  if (!panel || panel.hidden) return false;
  panel.hidden = true;
  opener?.focus();
  return true;
}

document.addEventListener('click', (event) => {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  const closing = event.target.closest('[data-close]');
  if (closing && panel?.contains(closing)) { event.preventDefault(); close(); return; }
  const link = event.target.closest('a[data-explain], svg a[href^="/explain"]');
  if (link) {
    event.preventDefault();
    if (!panel?.contains(link)) opener = link;
    explain(link.getAttribute('href'));
    return;
  }
  if (event.target.closest('[data-palette]')) { event.preventDefault(); openPalette(); }
});

// ---- forms that apply themselves, code that can be copied ------------------------------------------------------
function ready(root) {
  for (const form of $$('form[data-auto]', root)) {
    for (const select of $$('select', form)) {
      // Whoever changes by keys wants to look through the values first.
      let byKey = false;
      select.addEventListener('keydown', () => { byKey = true; });
      select.addEventListener('pointerdown', () => { byKey = false; });
      select.addEventListener('change', () => { if (!byKey) form.requestSubmit(); });
    }
    form.addEventListener('submit', () => {
      for (const field of $$('input, select', form)) if (!field.value) field.disabled = true;
    });
  }
  for (const block of $$('pre[data-copy]', root)) {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'btn small quiet copy';
    button.textContent = 'Copy';
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText($('code', block).textContent);
      toast('Copied.');
    });
    block.append(button);
  }
  for (const box of $$('[data-drop]', root)) dropZone(box);
}

// ---- files dropped on a page ------------------------------------------------------------------------------------
function dropZone(box) {
  const form = box.closest('form');
  const input = $('input[type="file"]', box);
  for (const kind of ['dragenter', 'dragover']) {
    box.addEventListener(kind, (event) => { event.preventDefault(); box.dataset.over = ''; });
  }
  box.addEventListener('dragleave', () => { delete box.dataset.over; });
  box.addEventListener('drop', (event) => {
    event.preventDefault();
    delete box.dataset.over;
    input.files = event.dataTransfer.files;
    form.requestSubmit();
  });
  form.addEventListener('submit', (event) => {
    const bar = $('progress', form);
    if (!bar || !input.files.length) return;
    event.preventDefault();
    const send = new XMLHttpRequest();
    send.open('POST', form.action);
    bar.hidden = false;
    send.upload.addEventListener('progress', (step) => {
      if (step.lengthComputable && step.loaded < step.total) bar.value = step.loaded / step.total;
      else bar.removeAttribute('value');
    });
    send.addEventListener('load', () => {
      document.open();
      document.write(send.responseText);
      document.close();
      history.replaceState(null, '', send.responseURL || form.action);
    });
    send.addEventListener('error', () => { bar.hidden = true; toast('The file did not arrive. Try again.'); });
    send.send(new FormData(form));
  });
}

// ---- the palette --------------------------------------------------------------------------------------------------
const palette = $('dialog.palette');
let found = [];
let chosen = 0;
let asked = 0;

function openPalette() {
  if (!palette || palette.open) return;
  palette.replaceChildren();
  const form = document.createElement('form');
  form.method = 'dialog';
  const input = document.createElement('input');
  input.type = 'search';
  input.placeholder = 'Go to a page, a customer, a figure';
  input.setAttribute('aria-label', 'Go to a page, a customer, a figure');
  input.setAttribute('role', 'combobox');
  input.setAttribute('aria-expanded', 'true');
  input.setAttribute('aria-controls', 'palette-list');
  form.append(input);
  const list = document.createElement('ul');
  list.className = 'palette-list';
  list.id = 'palette-list';
  list.setAttribute('role', 'listbox');
  list.setAttribute('aria-label', 'Results');
  const foot = document.createElement('p');
  foot.className = 'palette-foot';
  foot.textContent = '↑ ↓ to choose, Enter to go, Esc to close';
  palette.append(form, list, foot);
  palette.showModal();
  form.addEventListener('submit', (event) => { event.preventDefault(); if (found[chosen]) location.href = found[chosen].href; });
  input.addEventListener('input', () => search(input, list));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      chosen = (chosen + (event.key === 'ArrowDown' ? 1 : found.length - 1)) % Math.max(found.length, 1);
      show(input, list);
    }
  });
  search(input, list);
}

async function search(input, list) {
  const mine = ++asked;
  const address = `${palette.dataset.search}?q=${encodeURIComponent(input.value)}&back=${encodeURIComponent(location.search)}`;
  const answer = await fetch(address).catch(() => null);
  if (mine !== asked || !answer?.ok) return;
  found = (await answer.json()).rows;
  chosen = 0;
  show(input, list);
}

function show(input, list) {
  list.replaceChildren(...found.map((one, at) => {
    const item = document.createElement('li');
    item.setAttribute('role', 'option');
    item.id = `palette-${at}`;
    item.setAttribute('aria-selected', String(at === chosen));
    const link = document.createElement('a');
    link.href = one.href;
    link.tabIndex = -1;
    link.setAttribute('aria-selected', String(at === chosen));
    const what = document.createElement('span');
    what.className = 'what';
    what.textContent = one.label;
    const where = document.createElement('span');
    where.className = 'where';
    where.textContent = one.what;
    link.append(what, where);
    item.append(link);
    return item;
  }));
  input.setAttribute('aria-activedescendant', found.length ? `palette-${chosen}` : '');
  list.children[chosen]?.scrollIntoView({ block: 'nearest' });
}

// ---- keys ------------------------------------------------------------------------------------------------------------
const INTERVALS = { d: 'day', w: 'week', m: 'month', q: 'quarter', y: 'year' };
let going = 0;

function withParameter(name, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
  location.href = address.href;
}

function help() {
  const box = document.createElement('dialog');
  box.className = 'modal';
  box.setAttribute('aria-label', 'Keys');
  const rows = [['/', 'search and go'], ['g then a letter', 'go to a page: ' + $$('header a[data-key]').map((a) => `${a.dataset.key} ${a.textContent.trim()}`).join(', ')],
    ['d w m q y', 'day, week, month, quarter, year'], ['c', 'compare with the period before'], ['e', 'explain what is focused'], ['t', 'light or dark'], ['Esc', 'close']];
  const head = document.createElement('div');
  head.className = 'card-head';
  const title = document.createElement('h2');
  title.textContent = 'Keys';
  head.append(title);
  const body = document.createElement('div');
  body.className = 'card-body';
  const pairs = document.createElement('dl');
  pairs.className = 'pairs';
  for (const [key, what] of rows) {
    const term = document.createElement('dt');
    const mark = document.createElement('kbd');
    mark.textContent = key;
    term.append(mark);
    const text = document.createElement('dd');
    text.textContent = what;
    pairs.append(term, text);
  }
  body.append(pairs);
  const foot = document.createElement('div');
  foot.className = 'card-foot';
  const done = document.createElement('button');
  done.className = 'btn';
  done.textContent = 'Close';
  done.addEventListener('click', () => box.close());
  foot.append(done);
  box.append(head, body, foot);
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
}

document.addEventListener('keydown', (event) => {
  if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') { event.preventDefault(); openPalette(); return; }
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  const typing = event.target.closest('input, select, textarea, [contenteditable]');
  if (event.key === 'Escape' && !typing && close()) { event.preventDefault(); return; }
  if (typing || document.querySelector('dialog[open]')) return;
  const key = event.key;
  if (going && Date.now() - going < 1500) {
    going = 0;
    const link = $(`header a[data-key="${CSS.escape(key)}"]`);
    if (link) { event.preventDefault(); location.href = link.href; return; }
  }
  if (key === 'g') { going = Date.now(); return; }
  if (key === '/') { event.preventDefault(); openPalette(); return; }
  if (key === '?') { event.preventDefault(); help(); return; }
  if (key === 'e') {
    const link = document.activeElement?.closest('a[data-explain], svg a[href^="/explain"]') || document.activeElement?.querySelector?.('a[data-explain]');
    if (link) { event.preventDefault(); opener = link; explain(link.getAttribute('href')); }
    return;
  }
  if (key === 'c') {
    const now = new URL(location.href).searchParams.get('compare');
    withParameter('compare', now === 'previous' ? 'year' : now === 'year' ? '' : 'previous');
    return;
  }
  if (key === 't') {
    const dark = document.documentElement.dataset.theme === 'dark'
      || (!document.documentElement.dataset.theme && matchMedia('(prefers-color-scheme: dark)').matches);
    $(`.menu-list input[value="${dark ? 'light' : 'dark'}"]`)?.form.requestSubmit();
    return;
  }
  if (INTERVALS[key] && $('select[name="interval"]')) withParameter('interval', INTERVALS[key]);
});

ready(document);
