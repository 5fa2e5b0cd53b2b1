//! Data sources, plans and groups of plans.

use super::{Request, refuse};
use crate::mogul::store::New;
use crate::mogul::{Object, Refusal, Store};
use netnew_mogul::Wrong;
use netnew_mogul::checks::{Fields, unit};
use netnew_mogul::ids;
use netnew_mogul::shapes::{DataSource, Plan, PlanGroup};

/// Makes a data source. `taken` says whether the book has a source of a name from elsewhere.
///
/// # Errors
/// A name that is missing or taken.
pub fn add_data_source(
    store: &Store,
    request: &Request,
    taken: impl Fn(&str) -> bool,
) -> Result<DataSource, Refusal> {
    let mut fields = Fields::of(&request.body);
    let name = fields.required("name", "A name is required for each data source.");
    let name = name.trim().to_string();
    refuse(fields.wrong)?;
    let uuid = ids::id("ds", &[&name]);
    if store.get("data_source", &uuid)?.is_some() || taken(&name) {
        return Err(Refusal::Wrong(Wrong::one("name", "The name of this data source is already taken.")));
    }
    let source = DataSource {
        uuid,
        name: name.clone(),
        system: "Import API".into(),
        created_at: request.now,
        status: "idle".into(),
    };
    let new = New {
        id: &source.uuid,
        kind: "data_source",
        source: &source.uuid,
        external: Some(&name),
        ..New::default()
    };
    store.insert(new, &source)?;
    Ok(source)
}

/// Takes a data source away, and all that came by it.
///
/// # Errors
/// That it is not there.
pub fn remove_data_source(store: &Store, request: &Request, uuid: &str) -> Result<(), Refusal> {
    store.need("data_source", uuid, "Data source")?;
    let arrival = store.arrive(uuid, request.now.micros(), &request.record)?;
    for kind in ["invoice", "event", "subscription", "plan"] {
        for object in store.all(kind)?.into_iter().filter(|o| o.source == uuid) {
            if kind == "invoice" {
                store.remove_parts(&object.id)?;
            }
            store.remove(&object.id)?;
        }
    }
    for object in store.all("customer")?.into_iter().filter(|o| o.source == uuid) {
        super::customers::bury(store, &object, arrival)?;
    }
    // Kept under another kind until its facts are withdrawn.
    store.db().execute(
        "UPDATE mogul_objects SET kind = 'gone_source', external = NULL, id = 'gone ' || n || ' ' || id WHERE id = ?1",
        [uuid],
    )?;
    Ok(())
}

/// Makes a plan.
///
/// # Errors
/// What is wrong with it.
pub fn add_plan(store: &Store, request: &Request) -> Result<Plan, Refusal> {
    let mut fields = Fields::of(&request.body);
    let source = fields.required("data_source_uuid", "can't be blank");
    let name = fields.required("name", "can't be blank");
    let external = fields.text("external_id");
    let (count, unit) = interval(&mut fields);
    refuse(fields.wrong)?;
    store.need("data_source", &source, "Data source")?;
    let external = match external {
        Some(external) => external,
        None => {
            let made =
                store.db().query_row("SELECT coalesce(max(n), 0) FROM mogul_objects", [], |row| row.get(0));
            ids::id("", &[&source, &name, &i64::to_string(&made?)])
        }
    };
    if store.by_external("plan", &source, &external)?.is_some() {
        return Err(Refusal::Wrong(Wrong::one(
            "external_id",
            "A plan with this identifier already exists in our system.",
        )));
    }
    let plan = Plan {
        uuid: ids::id("pl", &[&source, &external]),
        external_id: external,
        name,
        interval_count: count.unwrap_or(1),
        interval_unit: unit.unwrap_or_default(),
        data_source_uuid: source,
    };
    let new = New {
        id: &plan.uuid,
        kind: "plan",
        source: &plan.data_source_uuid,
        external: Some(&plan.external_id),
        ..New::default()
    };
    store.insert(new, &plan)?;
    Ok(plan)
}

fn interval(fields: &mut Fields<'_>) -> (Option<u32>, Option<String>) {
    let required = !fields.has("uuid");
    let count = fields.number("interval_count");
    if required && count.is_none() && !fields.has("interval_count") {
        fields.wrong.add("interval_count", "can't be blank");
    }
    let count = count.and_then(|count| {
        let good = u32::try_from(count).ok().filter(|c| (1..=10_000).contains(c));
        if good.is_none() {
            fields.wrong.add("interval_count", "must be greater than 0");
        }
        good
    });
    let word = fields.text("interval_unit");
    if required && word.is_none() {
        fields.wrong.add("interval_unit", "can't be blank");
    }
    if word.as_deref().is_some_and(|word| unit(word).is_none()) {
        fields.wrong.add("interval_unit", "must be one of day, month, year");
    }
    (count, word)
}

/// Changes a plan; every customer of its data source is told anew where that changes levels.
///
/// # Errors
/// What is wrong with it.
pub fn change_plan(store: &Store, request: &Request, uuid: &str) -> Result<Plan, Refusal> {
    let object = store.need("plan", uuid, "Plan")?;
    let before: Plan = object.read()?;
    let mut body = request.body.clone();
    body.insert("uuid".into(), uuid.into());
    let mut fields = Fields::of(&body);
    let (count, unit) = interval(&mut fields);
    let (name, external) = (fields.text("name"), fields.text("external_id"));
    refuse(fields.wrong)?;
    let plan = Plan {
        name: name.unwrap_or_else(|| before.name.clone()),
        external_id: external.unwrap_or_else(|| before.external_id.clone()),
        interval_count: count.unwrap_or(before.interval_count),
        interval_unit: unit.unwrap_or_else(|| before.interval_unit.clone()),
        ..before.clone()
    };
    let other = store.by_external("plan", &plan.data_source_uuid, &plan.external_id)?;
    if other.is_some_and(|other| other.id != uuid) {
        return Err(Refusal::Wrong(Wrong::one(
            "external_id",
            "A plan with this identifier already exists in our system.",
        )));
    }
    if plan == before {
        return Ok(plan);
    }
    let new = New { id: uuid, external: Some(&plan.external_id), ..New::default() };
    store.update(new, &plan)?;
    retell_source(store, request, &plan.data_source_uuid)?;
    Ok(plan)
}

fn retell_source(store: &Store, request: &Request, source: &str) -> Result<(), Refusal> {
    let arrival = store.arrive(source, request.now.micros(), &request.record)?;
    let sql = "INSERT INTO mogul_open SELECT DISTINCT about, ?2 FROM mogul_objects \
               WHERE source = ?1 AND about <> '' AND kind IN ('invoice', 'event') \
               ON CONFLICT (about) DO UPDATE SET arrival = excluded.arrival";
    store.db().execute(sql, rusqlite::params![source, arrival])?;
    Ok(())
}

/// Takes a plan away; one that invoices name stays.
///
/// # Errors
/// That it is not there, or in use.
pub fn remove_plan(store: &Store, uuid: &str) -> Result<(), Refusal> {
    let object = store.need("plan", uuid, "Plan")?;
    let used: bool = store.db().query_row(
        "SELECT EXISTS (SELECT 1 FROM mogul_objects WHERE kind = 'invoice' AND source = ?1 AND instr(body, ?2))",
        [&object.source, uuid],
        |row| row.get(0),
    )?;
    if used {
        return Err(Refusal::Wrong(Wrong::one(
            "plan",
            "This plan is used by invoices and cannot be deleted.",
        )));
    }
    store.remove(uuid)
}

fn group_plans(store: &Store, fields: &mut Fields<'_>) -> Result<Option<Vec<String>>, Refusal> {
    if !fields.has("plans") {
        return Ok(None);
    }
    let plans = fields.texts("plans");
    for plan in &plans {
        if store.get("plan", plan)?.is_none() {
            fields.wrong.add("plans", "Some plans were not found");
        }
    }
    Ok(Some(plans))
}

/// Makes a group of plans.
///
/// # Errors
/// What is wrong with it, in the shape that this path has.
pub fn add_plan_group(store: &Store, request: &Request) -> Result<PlanGroup, Refusal> {
    let mut fields = Fields::of(&request.body);
    let name = fields.required("name", "Name can't be blank");
    let plans = group_plans(store, &mut fields)?.unwrap_or_default();
    if plans.is_empty() {
        fields.wrong.add("plan_ids", "Plan ids can't be blank");
    }
    group_refuse(fields.wrong)?;
    let uuid = ids::id("plg", &[&name]);
    if store.get("plan_group", &uuid)?.is_some() {
        return group_refuse(Wrong::one("name", "Name has already been taken"))
            .and(Err(Refusal::NotFound("Plan group")));
    }
    let group = PlanGroup { name, uuid, plans };
    store.insert(New { id: &group.uuid, kind: "plan_group", ..New::default() }, &group)?;
    Ok(group)
}

fn group_refuse(wrong: Wrong) -> Result<(), Refusal> {
    if wrong.is_empty() {
        return Ok(());
    }
    let mut body = wrong.to_lists();
    if let Some(body) = body.as_object_mut() {
        body.insert("error_details".into(), wrong.details());
    }
    Err(Refusal::WrongBody(body))
}

/// Changes a group of plans.
///
/// # Errors
/// What is wrong with it.
pub fn change_plan_group(store: &Store, request: &Request, uuid: &str) -> Result<PlanGroup, Refusal> {
    let before: PlanGroup = store.need("plan_group", uuid, "Plan group")?.read()?;
    let mut fields = Fields::of(&request.body);
    let name = fields.text("name");
    let plans = group_plans(store, &mut fields)?;
    group_refuse(fields.wrong)?;
    let group = PlanGroup {
        name: name.unwrap_or_else(|| before.name.clone()),
        plans: plans.unwrap_or_else(|| before.plans.clone()),
        ..before
    };
    store.rewrite(uuid, &group, None)?;
    Ok(group)
}

/// The data source's name, by which facts know it.
pub(crate) fn source_name(object: &Object) -> Result<String, Refusal> {
    Ok(object.read::<DataSource>()?.name)
}

/// Keeps an object that facts do not follow from.
///
/// # Errors
/// A catalog that cannot be written.
pub fn keep(
    store: &Store,
    kind: &str,
    id: &str,
    about: &str,
    body: &impl serde::Serialize,
) -> Result<(), Refusal> {
    store.insert(New { id, kind, about, ..New::default() }, body).map(|_| ())
}

/// Writes such an object anew.
///
/// # Errors
/// A catalog that cannot be written.
pub fn rekeep(store: &Store, id: &str, body: &impl serde::Serialize) -> Result<(), Refusal> {
    store.rewrite(id, body, None)
}

/// Forgets such an object.
///
/// # Errors
/// A catalog that cannot be written.
pub fn forget(store: &Store, id: &str) -> Result<(), Refusal> {
    store.remove(id)
}
