//! Share links and page settings.

use crate::{Desk, code, day, second};
use netnew_access::{Role, Scope, SetupProof, Who};
use serde_json::json;

#[test]
fn a_link_shows_its_page_and_no_other() {
    let desk = Desk::new();
    let page = ("/board", "period=2026-10&currency=EUR");
    let (secret, share) =
        desk.access.create_share(&Who::console(), page, "Board in October", day(30), day(0)).unwrap();
    assert!(!desk.stores(secret.reveal()));
    let shown = |path: &str, query: &str| {
        desk.access.verify_share(secret.reveal(), path, query, day(1)).unwrap().map(|s| s.id)
    };
    assert_eq!(shown(page.0, page.1), Some(share.id));
    assert_eq!(shown("/board", "currency=EUR&period=2026-10"), Some(share.id), "in any order");
    for (path, query) in [
        ("/board", ""),
        ("/board", "period=2026-11&currency=EUR"),
        ("/board", "period=2026-10&currency=EUR&customer=acme"),
        ("/board", "period=2026-10&currency=EUR&currency=USD"),
        ("/board", "period=2026%2d10&currency=EUR"),
        ("/board/", page.1),
        ("//board", page.1),
        ("/x/../board", page.1),
        ("/BOARD", page.1),
        ("/customers", page.1),
        ("/", ""),
    ] {
        assert_eq!(shown(path, query), None, "{path}?{query}");
    }
    let wrong = format!("{}x", &secret.reveal()[..secret.reveal().len() - 1]);
    assert_eq!(desk.access.verify_share(&wrong, page.0, page.1, day(1)).unwrap(), None);
    assert_eq!(desk.access.verify_key(secret.reveal(), day(1)).unwrap(), None, "it is no key");
    assert_eq!(desk.access.session(secret.reveal(), day(1)).unwrap(), None, "and no session");
}

#[test]
fn links_end() {
    let desk = Desk::new();
    let by = Who::console();
    let page = ("/buyer", "");
    let good = |secret: &netnew_access::Secret, at| {
        desk.access.verify_share(secret.reveal(), page.0, page.1, at).unwrap().is_some()
    };
    let (timed, _) = desk.access.create_share(&by, page, "a", day(2), day(0)).unwrap();
    assert!(good(&timed, second(2 * 86_400 - 1)));
    assert!(!good(&timed, day(2)));
    assert!(!good(&timed, day(1)), "once too old, always too old");
    let (revoked, share) = desk.access.create_share(&by, page, "b", day(2), day(0)).unwrap();
    desk.access.revoke_share(&by, share.id, day(1)).unwrap();
    desk.access.revoke_share(&by, share.id, day(1)).unwrap();
    assert!(!good(&revoked, day(1)) && !good(&revoked, day(0)));
    assert_eq!(code(desk.access.revoke_share(&by, 99, day(1))), "unknown_share");
    let (ahead, _) = desk.access.create_share(&by, page, "c", day(500), day(400)).unwrap();
    assert!(!good(&ahead, day(0)), "made by a clock that was ahead");
    let all = desk.access.shares(&by).unwrap();
    let ended: Vec<bool> = all.iter().map(|s| s.revoked_at.is_some()).collect();
    assert_eq!(ended, [false, true, true]);
    assert_eq!(all[2].last_used_at, Some(second(2 * 86_400 - 1)));
}

#[test]
fn odd_links_are_not_made() {
    let desk = Desk::new();
    let by = Who::console();
    let make = |path: &str, query: &str, label: &str, until| {
        desk.access.create_share(&by, (path, query), label, until, day(0))
    };
    assert_eq!(code(make("board", "", "a", day(1))), "bad_page");
    assert_eq!(code(make("/a/../b", "", "a", day(1))), "bad_page");
    assert_eq!(code(make("/a", "x=1#y", "a", day(1))), "bad_page");
    assert_eq!(code(make("/a", "", "<script>", day(1))), "bad_name");
    assert_eq!(code(make("/a", "", "a", day(0))), "bad_expiry");
    assert_eq!(code(make("/a", "", "a", day(367))), "bad_expiry");
    let key = desk.access.create_key(&by, "w", Scope::Write, day(0)).unwrap();
    let key = desk.access.verify_key(key.reveal(), day(0)).unwrap().unwrap();
    let who = Who::key(&key, "");
    assert_eq!(code(desk.access.create_share(&who, ("/a", ""), "a", day(1), day(0))), "forbidden");
}

#[test]
fn settings_of_pages_are_kept_and_changed_in_one_piece() {
    let (desk, ada) = Desk::owned();
    let by = Who::user(&ada, "127.0.0.1");
    assert_eq!(desk.access.document("goals").unwrap(), None);
    desk.access.set_document(&by, "goals", &json!({"mrr": "100000"}), day(0)).unwrap();
    for text in ["raised prices", "launched"] {
        desk.access
            .update_document(&by, "annotations", day(1), |old| {
                let mut list = old.and_then(|v| v.as_array().cloned()).unwrap_or_default();
                list.push(json!(text));
                Some(json!(list))
            })
            .unwrap();
    }
    assert_eq!(desk.access.document("annotations").unwrap(), Some(json!(["raised prices", "launched"])));
    let names: Vec<String> = desk.access.documents("").unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(names, ["annotations", "goals"]);
    assert_eq!(desk.access.documents("go").unwrap().len(), 1);
    assert_eq!(desk.access.documents("%").unwrap().len(), 0);
    desk.access.update_document(&by, "goals", day(2), |_| None).unwrap();
    assert_eq!(desk.access.document("goals").unwrap(), None);
    let viewer = desk.access.change_role(&Who::console(), ada.id, Role::Owner, day(0)).unwrap();
    let mut viewer = Who::user(&viewer, "");
    viewer.grant = netnew_access::Grant::Role(Role::Viewer);
    assert_eq!(code(desk.access.set_document(&viewer, "goals", &json!(1), day(0))), "forbidden");
    assert_eq!(
        code(desk.access.set_up(SetupProof::Loopback, "b@x.example", &crate::password(), "", day(0))),
        "already_set_up"
    );
}
