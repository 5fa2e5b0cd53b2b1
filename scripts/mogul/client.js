// Drives `netnew serve` with the official Node client of ChartMogul's API, unchanged but for the base address.
// Arguments: the server's address, and keys of the scopes write and read. Runs on a book in which nothing is yet.
'use strict';

const assert = require('node:assert/strict');
const ChartMogul = require('chartmogul-node');

const [base, write, read] = process.argv.slice(2);
const cm = new ChartMogul.Config(write, base);
const reader = new ChartMogul.Config(read, base);
cm.retries = 0;
reader.retries = 0;

/** The answer to a request that has to be refused. */
async function refused (status, promise) {
  try {
    await promise;
  } catch (error) {
    assert.equal(error.status || error.httpStatus, status, error.message);
    return error.response && error.response.body ? error.response.body : error.response;
  }
  assert.fail(`was not refused with ${status}`);
}

function line (subscription, plan, start, end, cents, more) {
  return {
    type: 'subscription',
    subscription_external_id: subscription,
    plan_uuid: plan.uuid,
    service_period_start: start,
    service_period_end: end,
    amount_in_cents: cents,
    ...more
  };
}

function invoice (externalId, date, lines, transactions = []) {
  return { external_id: externalId, date, currency: 'USD', line_items: lines, transactions };
}

async function main () {
  assert.deepEqual(await ChartMogul.Ping.ping(reader), { data: 'pong!' });
  await refused(401, ChartMogul.Ping.ping(new ChartMogul.Config('nn_rnothing', base)));
  await refused(403, ChartMogul.DataSource.create(reader, { name: 'x' }));
  assert.equal((await ChartMogul.Account.retrieve(reader)).currency, 'USD');

  const source = await ChartMogul.DataSource.create(cm, { name: 'Node billing' });
  const wrong = await refused(422, ChartMogul.DataSource.create(cm, { name: 'Node billing' }));
  assert.ok(wrong.errors.name.includes('taken'));
  assert.equal((await refused(404, ChartMogul.DataSource.retrieve(cm, 'ds_x'))).error, 'Data source not found');

  const customer = await ChartMogul.Customer.create(cm, {
    data_source_uuid: source.uuid, external_id: 'n-1', name: 'Nora', email: 'nora@example.com', country: 'DE'
  });
  assert.match(customer.uuid, /^cus_[0-9a-f-]{36}$/);
  const again = await refused(422, ChartMogul.Customer.create(cm, { data_source_uuid: source.uuid, external_id: 'n-1' }));
  assert.ok(again.errors.external_id.includes('already exists'));
  const plan = await ChartMogul.Plan.create(cm, {
    data_source_uuid: source.uuid, name: 'Team', interval_count: 3, interval_unit: 'month', external_id: 'team'
  });
  assert.equal((await ChartMogul.Plan.modify(cm, plan.uuid, { name: 'Teams' })).name, 'Teams');
  assert.equal((await ChartMogul.Plan.all(cm, { per_page: 1 })).plans[0].uuid, plan.uuid);

  // 90.00 for three months are 30.00 a month.
  const made = await ChartMogul.Invoice.create(cm, customer.uuid, {
    invoices: [
      invoice('n-i-1', '2025-01-01 00:00:00', [line('n-s', plan, '2025-01-01 00:00:00', '2025-04-01 00:00:00', 9000)],
        [{ type: 'payment', date: '2025-01-02 00:00:00', result: 'successful', external_id: 'n-t-1' }]),
      invoice('n-i-2', '2025-04-01 00:00:00', [line('n-s', plan, '2025-04-01 00:00:00', '2025-07-01 00:00:00', 12000)])
    ]
  });
  assert.deepEqual(made.invoices.map(i => i.external_id), ['n-i-1', 'n-i-2']);
  const twice = await refused(422, ChartMogul.Invoice.create(cm, customer.uuid, {
    invoices: [invoice('n-i-1', '2025-01-01', [line('n-s', plan, '2025-01-01', '2025-04-01', 1)])]
  }));
  assert.ok(twice.errors.external_id[0].includes('already exists'));

  const range = { 'start-date': '2025-01-01', 'end-date': '2025-06-30', interval: 'month' };
  const mrr = await ChartMogul.Metrics.mrr(reader, range);
  assert.deepEqual(mrr.entries.map(e => e.mrr), [3000, 3000, 3000, 4000, 4000, 4000]);
  assert.deepEqual(mrr.entries.map(e => e['mrr-expansion']), [0, 0, 0, 1000, 0, 0]);
  assert.equal(mrr.entries[5].date, '2025-06-30');
  assert.equal(mrr.entries[3]['percentage-change'], 33.33);
  const all = await ChartMogul.Metrics.all(reader, range);
  assert.deepEqual(all.entries.map(e => e.arr), mrr.entries.map(e => 12 * e.mrr));
  assert.equal(all.summary['current-customers'], 1);
  assert.equal((await ChartMogul.Metrics.customerCount(reader, range)).entries[0].customers, 1);
  for (const name of ['arr', 'arpa', 'asp', 'customerChurnRate', 'mrrChurnRate', 'ltv']) {
    assert.equal((await ChartMogul.Metrics[name](reader, range)).entries.length, 6, name);
  }

  const subscriptions = await ChartMogul.Metrics.Customer.subscriptions(reader, customer.uuid, {});
  assert.deepEqual(subscriptions.entries.map(s => [s.plan, s.mrr, s['billing-cycle-count']]), [['Teams', 4000, 3]]);
  const sub = made.invoices[0].line_items[0].subscription_uuid;
  const ended = await ChartMogul.Subscription.cancel(cm, sub, { cancelled_at: '2025-06-15T00:00:00Z' });
  assert.deepEqual(ended.cancellation_dates, ['2025-06-15T00:00:00.000Z']);
  assert.equal((await ChartMogul.Metrics.mrr(reader, range)).entries[5]['mrr-churn'], -4000);
  await ChartMogul.Subscription.modify(cm, sub, { cancellation_dates: [] });
  assert.equal((await ChartMogul.Metrics.mrr(reader, range)).entries[5].mrr, 4000);

  const activities = await ChartMogul.Metrics.Activity.all(reader, { 'start-date': '2025-01-01', 'end-date': '2025-06-30', per_page: 1 });
  assert.deepEqual([activities.entries[0].type, activities.has_more], ['new_biz', true]);
  const next = await ChartMogul.Metrics.Activity.all(reader, { 'start-date': '2025-01-01', 'end-date': '2025-06-30', per_page: 1, cursor: activities.cursor });
  assert.deepEqual([next.entries[0].type, next.has_more], ['expansion', false]);

  const one = await ChartMogul.LineItem.create(cm, made.invoices[1].uuid, { type: 'one_time', amount_in_cents: 500, external_id: 'n-l-9' });
  assert.equal((await ChartMogul.LineItem.all(cm, { data_source_uuid: source.uuid, external_id: 'n-l-9' })).line_items[0].uuid, one.uuid);
  await ChartMogul.LineItem.disable(cm, { data_source_uuid: source.uuid, external_id: 'n-l-9' });
  assert.equal((await ChartMogul.LineItem.retrieve(cm, one.uuid)).disabled, true);
  const paid = await ChartMogul.Transaction.create(cm, made.invoices[1].uuid, { type: 'payment', date: '2025-04-02', result: 'failed' });
  assert.equal((await ChartMogul.Transaction.modify(cm, paid.uuid, { result: 'successful' })).result, 'successful');
  await ChartMogul.Invoice.disable(cm, made.invoices[1].uuid);
  assert.equal((await ChartMogul.Metrics.mrr(reader, range)).entries[5].mrr, 3000);
  await ChartMogul.Invoice.enableByExternalId(cm, { data_source_uuid: source.uuid, external_id: 'n-i-2' });
  assert.equal((await ChartMogul.Metrics.mrr(reader, range)).entries[5].mrr, 4000);
  assert.equal((await ChartMogul.Invoice.all(cm, customer.uuid, {})).invoices.length, 2);

  assert.deepEqual((await ChartMogul.Tag.add(cm, customer.uuid, { tags: ['a', 'b'] })).tags, ['a', 'b']);
  assert.deepEqual((await ChartMogul.Tag.remove(cm, customer.uuid, { tags: ['a'] })).tags, ['b']);
  assert.deepEqual((await ChartMogul.CustomAttribute.update(cm, customer.uuid, { custom: { age: 20 } })).custom, { age: 20 });
  assert.equal((await ChartMogul.Customer.search(cm, { email: 'nora@example.com' })).entries[0].uuid, customer.uuid);
  assert.equal((await ChartMogul.Customer.modify(cm, customer.uuid, { city: 'Berlin' })).address.city, 'Berlin');

  const event = await ChartMogul.SubscriptionEvent.create(cm, {
    event_type: 'subscription_cancelled', event_date: '2025-06-20', effective_date: '2025-06-20',
    subscription_external_id: 'n-s', customer_external_id: 'n-1', data_source_uuid: source.uuid
  });
  assert.equal((await ChartMogul.Metrics.mrr(reader, range)).entries[5].mrr, 0);
  await ChartMogul.SubscriptionEvent.disable(cm, event.id);
  assert.equal((await ChartMogul.Metrics.mrr(reader, range)).entries[5].mrr, 4000);
  await ChartMogul.SubscriptionEvent.deleteWithParams(cm, { id: event.id });
  assert.equal((await ChartMogul.SubscriptionEvent.all(cm, {})).subscription_events.length, 0);

  const note = await ChartMogul.Customer.createNote(cm, customer.uuid, { type: 'note', text: 'hello', author_email: 'x@example.com' });
  assert.equal((await ChartMogul.CustomerNote.retrieve(cm, note.uuid)).text, 'hello');
  await ChartMogul.DataSource.destroy(cm, source.uuid);
  assert.deepEqual((await ChartMogul.Metrics.mrr(reader, range)).entries.map(e => e.mrr), [0, 0, 0, 0, 0, 0]);
  console.log('the Node client: all as it should be');
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
