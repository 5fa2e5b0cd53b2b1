//! Invoices, payments, refunds, usage, events, expenses, spend and opportunities from files.

use netnew_facts::{Body, Entry, EntryKind, ExpenseClass, Fact, PayloadRef, Stage, StatementBody};
use netnew_money::Instant;
use netnew_sources::{Kind, entry_columns, entry_row};

use crate::support::{Desk, Outcome};

/// Kind, customer, key, instant and JSON of each statement.
fn told(outcome: &Outcome) -> Vec<(EntryKind, String, String, String, Option<Entry>)> {
    let one = |statement: &netnew_facts::Statement| {
        let StatementBody::Customer { customer, body } = &statement.body else { panic!("not of a customer") };
        let Body::Entry { kind, key, effective_at, entry } = body else { panic!("not an entry") };
        let entry = entry.as_deref().cloned();
        (*kind, customer.to_string(), key.to_string(), effective_at.to_string(), entry)
    };
    outcome.statements.iter().map(one).collect()
}

fn codes(outcome: &Outcome) -> Vec<(&str, u64, Option<&str>)> {
    outcome.problems.iter().map(|p| (p.code, p.line, p.column.as_deref())).collect()
}

#[test]
fn an_invoice_has_one_line_or_several_that_add_up() {
    let outcome = Desk::new().read(
        "invoice,customer,date,total,tax,period_start,period_end,lines\n\
         i1,acme,2026-01-01,119,19,2026-01-01,2026-02-01,\n\
         i2,acme,2026-01-05,100,,,,\"[{\"\"amount\"\":60,\"\"period_start\"\":\"\"2026-01-05\"\"},{\"\"amount\"\":\"\"40\"\",\"\"kind\"\":\"\"one_time\"\"}]\"\n\
         i3,acme,2026-01-05,100,,,,\"[{\"\"amount\"\":60}]\"\n\
         i4,acme,2026-01-05,100,,2026-02-01,2026-01-01,\n",
    );
    assert_eq!(outcome.opened.kind, Kind::Entries(EntryKind::Invoice));
    let rows = told(&outcome);
    let Some(Entry::Invoice(first)) = &rows[0].4 else { panic!("an invoice") };
    assert_eq!(first.lines[0].amount.to_string(), "100");
    assert_eq!(first.lines[0].period_end.unwrap().to_string(), "2026-02-01T00:00:00Z");
    let Some(Entry::Invoice(second)) = &rows[1].4 else { panic!("an invoice") };
    assert_eq!(second.lines.len(), 2);
    assert_eq!(second.lines[0].period_start.unwrap().to_string(), "2026-01-05T00:00:00Z");
    assert_eq!(codes(&outcome), [("bad_lines", 4, Some("lines")), ("bad_period", 5, Some("period_end"))]);
}

#[test]
fn rows_without_ids_keep_their_keys_when_the_file_comes_again() {
    let file = "customer,date,amount,transaction,result\n\
                acme,2026-01-01,10,,declined\nacme,2026-01-01,10,,\nbeta,2026-01-02,7,t9,pending\n";
    let (one, two) = (told(&Desk::new().read(file).sound()), told(&Desk::new().read(file).sound()));
    assert_eq!(one, two);
    let keys: Vec<&str> = one.iter().map(|row| row.2.as_str()).collect();
    assert_eq!(keys, ["2026-01-01T00:00:00Z|acme|||", "2026-01-01T00:00:00Z|acme||||2", "t9"]);
    let results: Vec<String> = one
        .iter()
        .map(|row| match &row.4 {
            Some(Entry::Payment(p)) => p.result.as_str().to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(results, ["failed", "succeeded", "pending"]);
}

#[test]
fn the_business_has_expenses_spend_and_deals() {
    let expenses = Desk::new().read("date,category,vendor,amount\n2026-01-31,Hosting,Cloud,$120\n").sound();
    let rows = told(&expenses);
    assert_eq!((rows[0].0, rows[0].1.as_str()), (EntryKind::Expense, ""));
    assert!(matches!(&rows[0].4, Some(Entry::Expense(e)) if e.class == ExpenseClass::CostOfRevenue));
    let spend = Desk::new().read("Month,Channel,Spend\n2026-01,ads,500\n").sound();
    assert!(matches!(&told(&spend)[0].4, Some(Entry::Spend(s)) if s.channel.as_deref() == Some("ads")));
    let deals = Desk::new().read(
        "deal,stage,mrr,probability,close_date\nd1,Closed Won,500,100%,2026-02-01\nd2,Demo,300,25,\nd3,Demo,300,250,\n",
    );
    let rows = told(&deals);
    let Some(Entry::Opportunity(won)) = &rows[0].4 else { panic!("a deal") };
    assert_eq!((won.stage, won.weight.unwrap().to_string().as_str()), (Stage::Won, "1"));
    let Some(Entry::Opportunity(open)) = &rows[1].4 else { panic!("a deal") };
    assert_eq!((open.stage, open.weight.unwrap().to_string().as_str()), (Stage::Open, "0.25"));
    assert_eq!(codes(&deals), [("bad_weight", 4, Some("probability"))]);
}

#[test]
fn events_keep_what_else_the_file_says_and_usage_its_decimals() {
    let events =
        Desk::new().read("customer,event,timestamp,Plan Tier\nacme,invite sent,2026-01-01T10:00:00Z,pro\n");
    let rows = told(&events.sound());
    let Some(Entry::Event(event)) = &rows[0].4 else { panic!("an event") };
    assert_eq!((&*event.name, event.properties["plan_tier"].as_str()), ("invite sent", "pro"));
    let usage = Desk::new().read("customer,date,metric,quantity\nacme,2026-01-01,gb,0.000000125\n").sound();
    let rows = told(&usage);
    assert!(matches!(&rows[0].4, Some(Entry::Usage(u)) if u.quantity.to_string() == "0.000000125"));
}

#[test]
fn stripes_payments_tell_of_refunds_and_disputes() {
    let outcome = Desk::new().read(
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Decline Reason,Status,Customer ID,Invoice ID,Refunded date (UTC),Disputed Amount,Dispute Status\n\
         ch_1,2026-01-01 10:00,100.00,25.00,usd,true,,Paid,cus_1,in_1,2026-01-09 08:00,,\n\
         ch_2,2026-01-02 10:00,50.00,0.00,usd,false,insufficient_funds,Failed,cus_1,in_2,,,\n\
         ch_3,2026-01-03 10:00,80.00,0.00,usd,true,,Paid,,,,80.00,lost\n",
    );
    let rows = told(&outcome.sound());
    let kinds: Vec<(EntryKind, &str, &str)> =
        rows.iter().map(|row| (row.0, row.1.as_str(), row.2.as_str())).collect();
    assert_eq!(
        kinds,
        [
            (EntryKind::Payment, "cus_1", "ch_1"),
            (EntryKind::Refund, "cus_1", "ch_1/refund"),
            (EntryKind::Payment, "cus_1", "ch_2"),
            (EntryKind::Payment, "", "ch_3"),
            (EntryKind::Dispute, "", "ch_3/dispute"),
        ]
    );
    assert_eq!(rows[1].3, "2026-01-09T08:00:00Z");
}

#[test]
fn what_is_exported_is_read_back_as_it_was() {
    let files = [
        "invoice,customer,date,total,tax,period_start,period_end,subscription,plan,proration\ni1,acme,2026-01-01T01:02:03.5Z,119,19,2026-01-01,2026-02-01,s,Pro,yes\n",
        "payment,customer,date,amount,result,failure,attempt,fee,method\np1,acme,2026-01-01,10.0050,failed,card,2,0.3,card\n",
        "refund,customer,date,amount,payment\nr1,acme,2026-01-01,10,p1\n",
        "credit_note,customer,date,amount,tax,invoice,void\nc1,acme,2026-01-01,10,1,i1,true\n",
        "dispute,customer,date,amount,status,closed_at\nd1,acme,2026-01-01,10,won,2026-03-01\n",
        "customer,date,metric,quantity,amount\nacme,2026-01-01,gb,-0.5,3\n",
        "customer,event,timestamp,tier\nacme,x,2026-01-01,pro\n",
        "date,category,vendor,amount,class\n2026-01-31,Rent,L,-120,general\n",
        "date,channel,spend,until\n2026-01-01,ads,500,2026-02-01\n",
        "deal,stage,mrr,probability,close_date,starts_at,company\nd1,Closed Won,500,0.4,2026-02-01,2026-03-01,acme\n",
    ];
    for file in files {
        let outcome = Desk::new().read(file).sound();
        let before = told(&outcome);
        let kind = before[0].0;
        let StatementBody::Customer { customer, body } = outcome.statements[0].body.clone() else { panic!() };
        let mut fact = Fact {
            source: "files".into(),
            customer,
            body,
            recorded_at: Instant::from_micros(5),
            version: None,
            booked_seq: 1,
            payload: PayloadRef::default(),
        };
        let write = |fact: &Fact| {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(entry_columns(kind)).unwrap();
            writer.write_record(entry_row(fact).unwrap()).unwrap();
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            told(&Desk::new().kind(Kind::Entries(kind)).read(text).sound())
        };
        assert_eq!(write(&fact), before, "{kind}");
        assert_eq!(Desk::new().read(file).opened.kind, Kind::Entries(kind));
        if let Body::Entry { entry, .. } = &mut fact.body {
            *entry = None;
        }
        assert_eq!(write(&fact)[0].4, None, "{kind} withdrawn");
        assert_eq!(write(&fact)[0].2, before[0].2);
    }
}
