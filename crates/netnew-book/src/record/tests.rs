use super::*;
use netnew_facts::CancelReason;
use proptest::prelude::*;

fn filed() -> Filed {
    let mut state = ItemState::monthly(
        Decimal::parse("-12345678901234567890.123").unwrap(),
        Currency::parse("EUR").unwrap(),
    );
    state.plan = Some("Pro".into());
    state.cancel_at = Some(Instant::from_micros(-5));
    state.reason = Some(CancelReason::Involuntary);
    state.reason_text = Some("card".into());
    Filed::own(Fact {
        source: "files".into(),
        customer: "acme".into(),
        body: Body::State {
            subscription: "s".into(),
            item: "i".into(),
            effective_at: Instant::from_micros(-7),
            seq: -1,
            state: Some(Box::new(state)),
        },
        recorded_at: Instant::from_micros(9),
        version: Some(i64::MAX),
        booked_seq: 11,
        payload: PayloadRef { payload: 2, row: 5 },
    })
}

fn there_and_back(by: SortedBy, filed: &Filed) -> Option<Filed> {
    let mut codec = Codec::new(by, Instant::from_micros(1_000));
    let (mut key, mut value) = (Vec::new(), Vec::new());
    codec.key(filed, &mut key);
    codec.value(filed, &mut value);
    assert_eq!(codec.read(&key, &value[..value.len() - 1]), None, "cut short");
    codec.read(&key, &value)
}

#[test]
fn a_fact_comes_back_as_it_was() {
    let mut shadow = filed();
    shadow.under = "else\u{0}where\u{1}".into();
    shadow.confirms = true;
    let mut attributes = filed();
    attributes.fact.body = Body::Attributes {
        effective_at: None,
        values: Some([("country".to_string(), None), ("name".to_string(), Some("x".to_string()))].into()),
    };
    let mut withdrawn = filed();
    withdrawn.fact.version = None;
    if let Body::State { state, .. } = &mut withdrawn.fact.body {
        *state = None;
    }
    for one in [filed(), shadow.clone(), attributes, withdrawn] {
        assert_eq!(there_and_back(SortedBy::Customer, &one), Some(one.clone()));
    }
    assert_eq!(there_and_back(SortedBy::Subscription, &shadow), Some(shadow.clone()));
}

fn key(filed: &Filed) -> Vec<u8> {
    let mut bytes = Vec::new();
    Codec::new(SortedBy::Customer, Instant::from_micros(0)).key(filed, &mut bytes);
    bytes
}

prop_compose! {
    fn any_filed()(
        ids in prop::array::uniform3("[a-b\u{0}\u{1}]{0,2}"),
        at in -2i64..3,
        seq in -2i64..3,
        booked_seq in 0u64..3,
        is_state in any::<bool>(),
    ) -> Filed {
        let mut one = filed();
        let item = if ids[2].is_empty() { ids[1].clone() } else { ids[2].clone() };
        one.under = "c".into();
        one.fact.source = ids[0].clone().into();
        one.fact.booked_seq = booked_seq;
        let effective_at = Instant::from_micros(at);
        one.fact.body = match is_state {
            true => Body::State { subscription: ids[1].clone().into(), item: item.into(), effective_at, seq, state: None },
            false => Body::Attributes { effective_at: (at > -2).then_some(effective_at), values: None },
        };
        one
    }
}

proptest! {
    #[test]
    fn bytes_order_like_facts(a in any_filed(), b in any_filed()) {
        prop_assert_eq!(key(&a).cmp(&key(&b)), filed_order(&a, &b));
        prop_assert_eq!(key_order(&a.fact, &b.fact).is_eq(), a.fact.same_key(&b.fact));
    }
}
