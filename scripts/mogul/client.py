"""Drives `netnew serve` with the official Python client of ChartMogul's API, unchanged but for the base address.

Arguments: the server's address, and keys of the scopes write and read. Every number is compared with one worked out by hand.
"""

import datetime
import sys
import urllib.request
from base64 import b64encode

import chartmogul
from chartmogul import APIError

BASE, WRITE, READ = sys.argv[1:4]
UTC = datetime.timezone.utc


def config(key):
    made = chartmogul.Config(key, max_retries=0)
    made.uri = BASE + "/v1"
    return made


cm = config(WRITE)
reader = config(READ)


def same(got, wanted, what):
    if got != wanted:
        raise SystemExit(f"{what}: got {got!r}, wanted {wanted!r}")


def refused(wanted, call):
    """The body of an answer that has to be an error."""
    try:
        call().get()
    except APIError as error:
        text = error.args[0].decode()
        if wanted not in text:
            raise SystemExit(f"{text} does not say {wanted}")
        return text
    raise SystemExit(f"was not refused: {wanted}")


def line(subscription, plan, start, end, cents, **more):
    return dict(
        type="subscription",
        subscription_external_id=subscription,
        plan_uuid=plan.uuid,
        service_period_start=start,
        service_period_end=end,
        amount_in_cents=cents,
        **more,
    )


def invoice(external_id, date, *lines, **more):
    return dict(external_id=external_id, date=date, currency="USD", line_items=list(lines), **more)


def send(customer, *invoices):
    return chartmogul.Invoice.create(cm, uuid=customer.uuid, data=dict(invoices=list(invoices))).get()


# Who may ask.
same(chartmogul.Ping.ping(reader).get().data, "pong!", "ping")
refused('"code":401', lambda: chartmogul.Ping.ping(config("nn_rnothing")))
refused('"code":403', lambda: chartmogul.DataSource.create(reader, data={"name": "x"}))
account = chartmogul.Account.retrieve(reader).get()
same((account.currency, account.time_zone), ("USD", "UTC"), "account")

# A data source, and what is wrong with others.
source = chartmogul.DataSource.create(cm, data={"name": "In-house"}).get()
same(source.name, "In-house", "data source")
refused("A name is required for each data source.", lambda: chartmogul.DataSource.create(cm, data={"name": None}))
refused("taken", lambda: chartmogul.DataSource.create(cm, data={"name": "In-house"}))
refused('"error":"Data source not found"', lambda: chartmogul.DataSource.retrieve(cm, uuid="ds_nothing"))
same([s.uuid for s in chartmogul.DataSource.all(cm).get().data_sources], [source.uuid], "data sources")
setting = chartmogul.DataSource.retrieve(cm, uuid=source.uuid, with_invoice_handling_setting=True).get()
same(setting.invoice_handling_setting["manual"]["create_subscription_when_invoice_is"], "open", "invoice handling")


# Customers and plans.
def customer(external_id, **more):
    return chartmogul.Customer.create(cm, data=dict(data_source_uuid=source.uuid, external_id=external_id, **more)).get()


ada = customer("ada", name="Ada", email="Ada@example.com", country="GB", attributes={"tags": ["vip"], "custom": [{"type": "Integer", "key": "seats", "value": 8}]})
same((ada.status, ada.mrr, ada.attributes.custom, ada.attributes.tags), ("New Lead", 0, {"seats": 8}, ["vip"]), "a new customer")
bob = customer("bob", name="Bob", email="bob@example.com", country="US")
refused("already exists in our system", lambda: chartmogul.Customer.create(cm, data={"data_source_uuid": source.uuid, "external_id": "ada"}))
refused('"external_id":"can\'t be blank"', lambda: chartmogul.Customer.create(cm, data={"data_source_uuid": source.uuid}))


def plan(name, count, unit):
    return chartmogul.Plan.create(cm, data=dict(data_source_uuid=source.uuid, name=name, interval_count=count, interval_unit=unit, external_id=name.lower())).get()


bronze, yearly, weekly = plan("Bronze", 1, "month"), plan("Yearly", 1, "year"), plan("Weekly", 7, "day")
refused("interval_unit", lambda: chartmogul.Plan.create(cm, data={"data_source_uuid": source.uuid, "name": "x", "interval_count": 1, "interval_unit": "era"}))
same(chartmogul.Plan.modify(cm, uuid=weekly.uuid, data={"name": "Each week"}).get(), None, "a change of a plan is answered 202")
changed = chartmogul.Plan.retrieve(cm, uuid=weekly.uuid).get()
same((changed.name, changed.interval_count), ("Each week", 7), "a changed plan")
group = chartmogul.PlanGroup.create(cm, data={"name": "All", "plans": [bronze.uuid, yearly.uuid]}).get()
same(group.plans_count, 2, "a group's plans")
same(len(chartmogul.PlanGroup.all(cm, uuid=group.uuid).get().plans), 2, "plans of a group")
refused("Plan ids can't be blank", lambda: chartmogul.PlanGroup.create(cm, data={}))

# Invoices: levels follow from lines.
first = send(
    ada,
    invoice(
        "a-1",
        "2025-01-05 00:00:00",
        line("s-ada", bronze, "2025-01-05 12:00:00 UTC", "2025-02-05 12:00:00 UTC", 6000, tax_amount_in_cents=1000, external_id="l-1", quantity=5),
        dict(type="one_time", amount_in_cents=2500, description="Setup"),
        transactions=[dict(type="payment", date="2025-01-05", result="successful", external_id="t-1")],
    ),
).invoices[0]
same((first.line_items[0].amount_in_cents, first.line_items[0].tax_amount_in_cents, first.date), (6000, 1000, datetime.datetime(2025, 1, 5, tzinfo=UTC)), "an invoice")
send(bob, invoice("b-1", "2025-01-20", line("s-bob", yearly, "2025-01-20", "2026-01-20", 120000)))
refused("already exists in our system", lambda: chartmogul.Invoice.create(cm, uuid=ada.uuid, data={"invoices": [invoice("a-1", "2025-01-05", line("s-ada", bronze, "2025-01-05", "2025-02-05", 1))]}))
refused("Plan not found", lambda: chartmogul.Invoice.create(cm, uuid=ada.uuid, data={"invoices": [dict(invoice("a-9", "2025-01-05"), line_items=[dict(line("s", bronze, "2025-01-05", "2025-02-05", 1), plan_uuid="pl_x")])]}))
refused("Currency is invalid", lambda: chartmogul.Invoice.create(cm, uuid=ada.uuid, data={"invoices": [dict(invoice("a-9", "2025-01-05", line("s", bronze, "2025-01-05", "2025-02-05", 1)), currency="XXL")]}))
refused("Customer not found", lambda: chartmogul.Invoice.create(cm, uuid="cus_x", data={"invoices": [invoice("a-9", "2025-01-05")]}))


def months(metric, start="2025-01-01", end="2025-06-30", **more):
    return getattr(chartmogul.Metrics, metric)(reader, start_date=start, end_date=end, interval="month", **more).get()


got = months("mrr", end="2025-01-31")
same((got.entries[0].date, got.entries[0].mrr, got.entries[0].mrr_new_business), (datetime.date(2025, 1, 31), 15000, 15000), "MRR of January")
same((got.summary.current, got.summary.previous), (15000.0, 0.0), "the summary of January")

# Up by a renewal at another amount, down, gone, back.
send(ada, invoice("a-2", "2025-02-05", line("s-ada", bronze, "2025-02-05 12:00:00", "2025-03-05 12:00:00", 8000)))
send(ada, invoice("a-3", "2025-03-05", line("s-ada", bronze, "2025-03-05 12:00:00", "2025-04-05 12:00:00", 3000)))
subscriptions = chartmogul.Customer.subscriptions(reader, uuid=ada.uuid).get()
same([(s.external_id, s.plan, s.mrr, s.status) for s in subscriptions.entries], [("s-ada", "Bronze", 3000, "active")], "subscriptions")
imported = chartmogul.Subscription.list_imported(cm, uuid=ada.uuid).get()
gone = chartmogul.Subscription.cancel(cm, uuid=imported.subscriptions[0].uuid, data={"cancelled_at": "2025-04-05 12:00:00"}).get()
same(gone, None, "a cancellation is answered 202")
same(chartmogul.Subscription.list_imported(cm, uuid=ada.uuid).get().subscriptions[0].cancellation_dates, [datetime.datetime(2025, 4, 5, 12, tzinfo=UTC)], "cancellation dates")
same(chartmogul.Customer.retrieve(cm, uuid=ada.uuid).get().status, "Cancelled", "status of who left")
send(ada, invoice("a-4", "2025-05-10", line("s-ada", bronze, "2025-05-10", "2025-06-10", 4000)))

entries = months("mrr").entries
same([e.mrr for e in entries], [15000, 18000, 13000, 10000, 14000, 14000], "MRR")
same([e.mrr_new_business for e in entries], [15000, 0, 0, 0, 0, 0], "new business")
same([e.mrr_expansion for e in entries], [0, 3000, 0, 0, 0, 0], "expansion")
same([e.mrr_contraction for e in entries], [0, 0, -5000, 0, 0, 0], "contraction is negative")
same([e.mrr_churn for e in entries], [0, 0, 0, -3000, 0, 0], "churn is negative")
same([e.mrr_reactivation for e in entries], [0, 0, 0, 0, 4000, 0], "reactivation")
same([e.percentage_change for e in entries], [0.0, 20.0, -27.78, -23.08, 40.0, 0.0], "changes in percent")
same([e.arr for e in months("arr").entries], [12 * e.mrr for e in entries], "ARR is twelve times MRR")
same([e.customers for e in months("customer_count").entries], [2, 2, 2, 1, 2, 2], "customers")
same([e.arpa for e in months("arpa").entries], [7500, 9000, 6500, 10000, 7000, 7000], "ARPA")
same([e.asp for e in months("asp").entries], [7500, 0, 0, 0, 0, 0], "ASP")
same([e.customer_churn_rate for e in months("customer_churn_rate").entries], [0.0, 0.0, 0.0, 50.0, 0.0, 0.0], "customer churn")
# Net: what was lost less what was gained, over the start.
same([e.mrr_churn_rate for e in months("mrr_churn_rate").entries], [0.0, -20.0, 27.78, 23.08, -40.0, 0.0], "MRR churn")
same([e.ltv for e in months("ltv").entries], [0.0, 0.0, 0.0, 20000.0, 0.0, 0.0], "LTV")
whole = months("all")
same([(e.mrr, e.customers) for e in whole.entries], [(15000, 2), (18000, 2), (13000, 2), (10000, 1), (14000, 2), (14000, 2)], "all at once")
same((whole.summary.current_mrr, whole.summary.previous_mrr), (14000.0, 14000.0), "the summary of all")
same([e.mrr for e in months("mrr", plans="Yearly").entries], [10000] * 6, "of one plan")
same([e.mrr for e in months("mrr", geo="GB").entries], [5000, 8000, 3000, 0, 4000, 4000], "of one country")
for interval, count in [("day", 31), ("week", 5), ("quarter", 1), ("year", 1)]:
    got = chartmogul.Metrics.mrr(reader, start_date="2025-01-01", end_date="2025-01-31", interval=interval).get().entries
    same((len(got), got[-1].mrr, str(got[-1].date)), (count, 15000, "2025-01-31"), f"by {interval}")
refused("interval must be one of", lambda: chartmogul.Metrics.mrr(reader, start_date="2025-01-01", end_date="2025-02-01", interval="era"))

# Seven days for 10.00 are 43.48 a month.
carl = customer("carl", name="Carl", email="carl@example.com")
send(carl, invoice("c-1", "2025-07-01", line("s-carl", weekly, "2025-07-01", "2025-07-08", 1000)))
got = chartmogul.Customer.retrieve(cm, uuid=carl.uuid).get()
same((got.mrr, got.arr, got.status, got.customer_since), (4348, 52176, "Active", datetime.datetime(2025, 7, 1, tzinfo=UTC)), "a weekly plan")

# Two subscriptions of one customer at one instant are both new business.
dora = customer("dora", name="Dora", email="dora@example.com")
send(dora, invoice("d-1", "2025-07-02", line("d-a", bronze, "2025-07-02", "2025-08-02", 4004), line("d-b", bronze, "2025-07-02", "2025-08-02", 4005)))
activities = chartmogul.CustomerActivity.all(cm, uuid=dora.uuid).get().entries
same(sorted((a.type, a.activity_mrr_movement, a.activity_mrr) for a in activities), [("new_biz", 4004, 4004), ("new_biz", 4005, 8009)], "both new")
activities = chartmogul.CustomerActivity.all(cm, uuid=ada.uuid).get().entries
same([(a.type, a.activity_mrr_movement, a.activity_mrr) for a in activities], [("reactivation", 4000, 4000), ("churn", -3000, 0), ("contraction", -5000, 3000), ("expansion", 3000, 8000), ("new_biz", 5000, 5000)], "activities")

# Prorated: ten days of a month of 30 for 20.00 are 60.00 a month.
erin = customer("erin", name="Erin", email="erin@example.com")
send(erin, invoice("e-1", "2025-04-21", line("s-erin", bronze, "2025-04-21", "2025-05-01", 2000, prorated=True)))
same(chartmogul.Customer.retrieve(cm, uuid=erin.uuid).get().mrr, 6000, "prorated")

# Pages by cursor.
page = chartmogul.Invoice.all(cm, per_page=2).get()
seen = [i.external_id for i in page.invoices]
while page.has_more:
    page = chartmogul.Invoice.all(cm, per_page=2, cursor=page.cursor).get()
    seen += [i.external_id for i in page.invoices]
same(seen, ["e-1", "d-1", "c-1", "a-4", "a-3", "a-2", "b-1", "a-1"], "every invoice once")
page = chartmogul.Customer.all(cm, per_page=3).get()
same(([c.external_id for c in page.entries], page.has_more), (["ada", "bob", "carl"], True), "a page of customers")
same([c.external_id for c in chartmogul.Customer.all(cm, per_page=3, cursor=page.cursor).get().entries], ["dora", "erin"], "the next")
none = chartmogul.Customer.all(cm, external_id="nobody").get()
same((none.entries, none.has_more, none.cursor), ([], False, None), "an empty page")
first_page = chartmogul.Activity.all(cm, start_date="2025-01-01", end_date="2025-12-31", per_page=4).get()
same((len(first_page.entries), first_page.has_more, first_page.entries[0].customer_name), (4, True, "Ada"), "a page of activities")
rest = chartmogul.Activity.all(cm, start_date="2025-01-01", end_date="2025-12-31", per_page=50, cursor=first_page.cursor).get()
same((len(rest.entries), rest.has_more), (6, False), "the rest of them")


# The older way: numbers of pages.
def get(path, key=READ):
    request = urllib.request.Request(BASE + path, headers={"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode()})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


import json

old = json.loads(get("/v1/plans?per_page=2&page=2"))
same((old["current_page"], old["total_pages"], [p["external_id"] for p in old["plans"]]), (2, 2, ["bronze"]), "a page by number")

# Transactions, lines, what is taken out and taken away.
paid = chartmogul.Transaction.create(cm, uuid=first.uuid, data=dict(type="refund", date="2025-01-09", result="successful", amount_in_cents=500, external_id="t-2")).get()
same((paid.type, paid.amount_in_cents), ("refund", 500), "a refund")
same(chartmogul.Transaction.retrieve(cm, data_source_uuid=source.uuid, external_id="t-2").get() is not None, True, "a transaction by its external id")
refused("already exists in our system", lambda: chartmogul.Transaction.create(cm, uuid=first.uuid, data=dict(type="refund", date="2025-01-09", result="successful", external_id="t-2")))
same(months("mrr").entries[0].mrr, 15000, "a refund is not MRR")
erins = chartmogul.Invoice.all(cm, uuid=erin.uuid).get().invoices[0]
chartmogul.Invoice.disable(cm, uuid=erins.uuid, data={"disabled": True}).get()
same(chartmogul.Customer.retrieve(cm, uuid=erin.uuid).get().mrr, 0, "a disabled invoice")
chartmogul.Invoice.disable(cm, uuid=erins.uuid, data={"disabled": False}).get()
same(chartmogul.Customer.retrieve(cm, uuid=erin.uuid).get().mrr, 6000, "and enabled again")
chartmogul.Invoice.update_status(cm, data_source_uuid=source.uuid, external_id="e-1", data={"status": "voided"}).get()
same(chartmogul.Customer.retrieve(cm, uuid=erin.uuid).get().mrr, 0, "a voided invoice")
chartmogul.Invoice.destroy(cm, uuid=erins.uuid).get()
refused("Invoice not found", lambda: chartmogul.Invoice.retrieve(cm, uuid=erins.uuid))
send(erin, invoice("e-1", "2025-04-21", line("s-erin", bronze, "2025-04-21", "2025-05-21", 1000)))
same(chartmogul.Customer.retrieve(cm, uuid=erin.uuid).get().mrr, 1000, "imported again")
changed = chartmogul.LineItem.modify(cm, uuid=chartmogul.Invoice.all(cm, uuid=erin.uuid).get().invoices[0].line_items[0].uuid, data={"amount_in_cents": 1500}).get()
same((changed.amount_in_cents, chartmogul.Customer.retrieve(cm, uuid=erin.uuid).get().mrr), (1500, 1500), "a changed line")

# Attributes.
same(chartmogul.Tags.add(cm, uuid=ada.uuid, data={"tags": ["new"]}).get().tags, ["vip", "new"], "tags")
same(chartmogul.Tags.remove(cm, uuid=ada.uuid, data={"tags": ["vip"]}).get().tags, ["new"], "fewer tags")
same(chartmogul.CustomAttributes.add(cm, uuid=ada.uuid, data={"custom": [{"type": "String", "key": "channel", "value": "ads"}]}).get().custom, {"seats": 8, "channel": "ads"}, "custom attributes")
same(chartmogul.CustomAttributes.update(cm, uuid=ada.uuid, data={"custom": {"seats": 9}}).get().custom["seats"], 9, "a changed one")
same(chartmogul.Tags.add_by_email(cm, data={"email": "ada@EXAMPLE.com", "tags": ["mail"]}).get().entries[0].attributes.tags, ["new", "mail"], "tags by e-mail")
same([c.external_id for c in chartmogul.Customer.search(cm, email="ada@example.com").get().entries], ["ada"], "search")
refused("Can't find any customers with email", lambda: chartmogul.Customer.search(cm, email="no@example.com"))
same(chartmogul.Attributes.retrieve(cm, uuid=ada.uuid).get().custom, {"seats": 9, "channel": "ads"}, "attributes")
same(chartmogul.Customer.modify(cm, uuid=ada.uuid, data={"name": "Ada L."}).get().name, "Ada L.", "a new name")

# Subscription events.
fred = customer("fred", name="Fred", email="fred@example.com")


def event(kind, external_id, date, **more):
    data = dict(data_source_uuid=source.uuid, customer_external_id="fred", event_type=kind, external_id=external_id, event_date=date, subscription_external_id="s-fred")
    data.setdefault("effective_date", date)
    data.update(more)
    return chartmogul.SubscriptionEvent.create(cm, data={"subscription_event": data}).get()


started = event("subscription_start", "f-1", "2025-08-01", plan_external_id="bronze", currency="USD", amount_in_cents=2000)
same((started.event_type, started.amount_in_cents), ("subscription_start", 2000), "an event")
event("subscription_updated", "f-2", "2025-08-10", plan_external_id="bronze", currency="USD", amount_in_cents=3000)
same(chartmogul.Customer.retrieve(cm, uuid=fred.uuid).get().mrr, 3000, "MRR by events")
chartmogul.SubscriptionEvent.modify_with_params(cm, data={"subscription_event": {"external_id": "f-2", "data_source_uuid": source.uuid, "amount_in_cents": 3500}}).get()
same(chartmogul.Customer.retrieve(cm, uuid=fred.uuid).get().mrr, 3500, "a changed event")
event("subscription_cancelled", "f-3", "2025-09-01")
same(chartmogul.Customer.retrieve(cm, uuid=fred.uuid).get().status, "Cancelled", "canceled by an event")
ended = [e for e in chartmogul.SubscriptionEvent.all(cm, customer_external_id="fred").get().subscription_events if e.external_id == "f-3"][0]
chartmogul.SubscriptionEvent.destroy_with_params(cm, data={"subscription_event": {"id": ended.id}}).get()
same(chartmogul.Customer.retrieve(cm, uuid=fred.uuid).get().status, "Active", "the event taken away")
refused("event_type", lambda: chartmogul.SubscriptionEvent.create(cm, data={"data_source_uuid": source.uuid, "customer_external_id": "fred", "event_type": "x", "event_date": "2025-01-01", "effective_date": "2025-01-01"}))

# Merged, and apart again; another data source has a customer of the same id, who is somebody else.
other = chartmogul.DataSource.create(cm, data={"name": "Second"}).get()
twin = chartmogul.Customer.create(cm, data={"data_source_uuid": other.uuid, "external_id": "ada", "name": "Ada's twin"}).get()
silver = chartmogul.Plan.create(cm, data=dict(data_source_uuid=other.uuid, name="Silver", interval_count=1, interval_unit="month", external_id="silver")).get()
send(twin, invoice("tw-1", "2025-06-01", line("s-twin", silver, "2025-06-01", "2025-07-01", 700)))
same(chartmogul.Customer.retrieve(cm, uuid=ada.uuid).get().mrr, 4000, "somebody else")
before = months("customer_count", start="2025-06-01").entries[0].customers
chartmogul.Customer.merge(cm, data={"from": {"customer_uuid": twin.uuid}, "into": {"customer_uuid": ada.uuid}}).get()
merged = chartmogul.Customer.retrieve(cm, uuid=ada.uuid).get()
same((merged.mrr, merged.external_ids, months("customer_count", start="2025-06-01").entries[0].customers), (4700, ["ada", "ada"], before - 1), "merged")
refused("Customer not found", lambda: chartmogul.Customer.retrieve(cm, uuid=twin.uuid))
chartmogul.Customer.unmerge(cm, data={"customer_uuid": ada.uuid, "data_source_uuid": other.uuid, "external_id": "ada", "move_to_new_customer": []}).get()
same((chartmogul.Customer.retrieve(cm, uuid=ada.uuid).get().mrr, chartmogul.Customer.retrieve(cm, uuid=twin.uuid).get().mrr), (4000, 700), "apart again")

# Connected, a subscription goes on in the next: no one leaves in between.
gina = customer("gina", name="Gina", email="gina@example.com")
send(gina, invoice("g-1", "2025-01-01", line("g-old", bronze, "2025-01-01", "2025-02-01", 1000, cancelled_at="2025-02-01")), invoice("g-2", "2025-03-01", line("g-new", bronze, "2025-03-01", "2025-04-01", 1200)))
same([a.type for a in chartmogul.CustomerActivity.all(cm, uuid=gina.uuid).get().entries], ["reactivation", "churn", "new_biz"], "not connected")
both = [{"data_source_uuid": source.uuid, "uuid": s.uuid} for s in chartmogul.Customer.subscriptions(cm, uuid=gina.uuid).get().entries]
chartmogul.Customer.connectSubscriptions(cm, uuid=gina.uuid, data={"subscriptions": both}).get()
same([a.type for a in chartmogul.CustomerActivity.all(cm, uuid=gina.uuid).get().entries], ["expansion", "new_biz"], "connected")
chartmogul.Customer.disconnectSubscriptions(cm, uuid=gina.uuid, data={"subscriptions": both}).get()
same(len(chartmogul.CustomerActivity.all(cm, uuid=gina.uuid).get().entries), 3, "taken apart")

# A file of activities.
export = chartmogul.ActivitiesExport.create(cm, data={"start_date": "2025-01-01", "end_date": "2025-12-31", "type": "churn"}).get()
export = chartmogul.ActivitiesExport.retrieve(cm, id=export.id).get()
same(export.status, "succeeded", "an export")
rows = get("/v1/activities_export/" + export.id + "/file").strip().splitlines()
same((len(rows), rows[0].split(",")[:2]), (3, ["date", "type"]), "its file")

# What has no figures.
note = chartmogul.Customer.createEntityNote(cm, uuid=ada.uuid, data={"type": "note", "text": "called", "author_email": "x@example.com"}).get()
same((note.text, chartmogul.Customer.entityNotes(cm, uuid=ada.uuid).get().entries[0].uuid), ("called", note.uuid), "a note")
contact = chartmogul.Customer.createContact(cm, uuid=ada.uuid, data={"first_name": "A", "email": "a@example.com", "data_source_uuid": source.uuid}).get()
same((contact.customer_uuid, len(chartmogul.Customer.contacts(cm, uuid=ada.uuid).get().entries)), (ada.uuid, 1), "a contact")
task = chartmogul.Customer.createTask(cm, uuid=ada.uuid, data={"assignee": "x@example.com", "task_details": "call", "due_date": "2025-05-01"}).get()
same(chartmogul.Task.retrieve(cm, uuid=task.task_uuid).get().task_details, "call", "a task")

# Many at once.
bulk = chartmogul.JsonImport.create(cm, data_source_uuid=other.uuid, data={
    "external_id": "batch",
    "customers": [{"external_id": "h-1", "name": "Hal"}],
    "plans": [{"external_id": "gold", "name": "Gold", "interval_count": 3, "interval_unit": "month"}],
    "invoices": [{"external_id": "hi-1", "customer_external_id": "h-1", "date": "2025-06-01", "currency": "USD"}],
    "line_items": [{"invoice_external_id": "hi-1", "type": "subscription", "subscription_external_id": "s-hal", "plan_external_id": "gold", "service_period_start": "2025-06-01", "service_period_end": "2025-09-01", "amount_in_cents": 9000}],
}).get()
same((bulk.status, chartmogul.JsonImport.retrieve(cm, data_source_uuid=other.uuid, id=bulk.id).get().external_id), ("completed", "batch"), "a bulk import")
same([(c.name, c.mrr) for c in chartmogul.Customer.all(cm, external_id="h-1").get().entries], [("Hal", 3000)], "what it brought")

# Taken away with all that came by it.
chartmogul.Customer.destroy(cm, uuid=bob.uuid).get()
same(months("mrr").entries[0].mrr, 6000, "without Bob")
chartmogul.DataSource.destroy(cm, uuid=other.uuid).get()
same(months("mrr", start="2025-06-01").entries[0].mrr, 4000 + 1200 + 1500, "without the second data source")
refused("Plan not found", lambda: chartmogul.Plan.retrieve(cm, uuid=silver.uuid))
print("the Python client: all as it should be")
