//! Signing in and what can be done with a session, rightly and wrongly.

use crate::{Desk, PASSWORD, code, day, password, second};
use netnew_access::{Access, AccessError, Role, Secret, Who, csrf_token, csrf_verify};

const HERE: (&str, &str) = ("203.0.113.9", "a browser");
const ADA: &str = "ada@engines.example";

fn wait(result: Result<(Secret, netnew_access::SignedIn), AccessError>) -> u64 {
    match result {
        Err(AccessError::TooMany { wait_seconds }) => wait_seconds,
        Err(AccessError::BadLogin) => 0,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_lasts_while_it_is_used_and_thirty_days_at_most() {
    let (desk, ada) = Desk::owned();
    let (secret, signed_in) = desk.access.log_in(" ADA@engines.example", &password(), HERE, day(0)).unwrap();
    assert_eq!(signed_in.user, ada);
    assert!(!desk.stores(secret.reveal()));
    let alive = |at| desk.access.session(secret.reveal(), at).unwrap().is_some();
    for days in [6, 12, 18, 24, 29] {
        assert!(alive(day(days)), "{days}");
    }
    assert!(!alive(day(30)));
    assert!(!alive(day(29)), "once too old, always too old");

    let (secret, _) = desk.access.log_in(ADA, &password(), HERE, day(0)).unwrap();
    assert!(desk.access.session(secret.reveal(), day(7)).unwrap().is_none(), "not used for seven days");
    assert!(desk.access.session(secret.reveal(), day(1)).unwrap().is_none());
}

#[test]
fn a_clock_that_was_far_ahead_leaves_no_session_behind() {
    let (desk, _) = Desk::owned();
    let (ahead, _) = desk.access.log_in(ADA, &password(), HERE, day(400)).unwrap();
    assert!(desk.access.session(ahead.reveal(), day(0)).unwrap().is_none());
    let (near, _) = desk.access.log_in(ADA, &password(), HERE, second(240)).unwrap();
    assert!(desk.access.session(near.reveal(), second(0)).unwrap().is_some(), "a few minutes are nothing");
}

#[test]
fn log_out_ends_one_or_all() {
    let (desk, ada) = Desk::owned();
    let who = Who::user(&ada, HERE.0);
    let secrets: Vec<Secret> =
        (0..4).map(|n| desk.access.log_in(ADA, &password(), HERE, second(n)).unwrap().0).collect();
    let alive = |at: usize| desk.access.session(secrets[at].reveal(), second(9)).unwrap();
    desk.access.log_out(secrets[0].reveal(), HERE.0, second(9)).unwrap();
    desk.access.log_out(secrets[0].reveal(), HERE.0, second(9)).unwrap();
    assert!(alive(0).is_none() && alive(1).is_some());
    let list = desk.access.sessions(&who, second(9)).unwrap();
    assert_eq!(list.len(), 3);
    assert_eq!(list[0].agent.as_deref(), Some("a browser"));
    desk.access.end_session(&who, alive(1).unwrap().session, second(9)).unwrap();
    assert!(alive(1).is_none() && alive(2).is_some());
    let this = alive(3).unwrap().session;
    assert_eq!(desk.access.log_out_everywhere(&who, Some(this), second(9)).unwrap(), 1);
    assert!(alive(2).is_none() && alive(3).is_some());
    assert_eq!(desk.access.log_out_everywhere(&who, None, second(9)).unwrap(), 1);
    assert!(alive(3).is_none());
}

#[test]
fn sessions_of_others_are_out_of_reach() {
    let (desk, ada) = Desk::owned();
    let (secret, signed_in) = desk.access.log_in(ADA, &password(), HERE, day(0)).unwrap();
    let link = desk.access.invite(&Who::user(&ada, HERE.0), "bob@x.example", Role::Viewer, day(0)).unwrap();
    let bob = desk.access.accept(link.reveal(), &password(), HERE.0, day(0)).unwrap();
    for who in [Who::user(&bob, HERE.0), Who::nobody(HERE.0), Who::console()] {
        desk.access.end_session(&who, signed_in.session, day(0)).unwrap();
        assert_eq!(desk.access.log_out_everywhere(&who, None, day(0)).unwrap(), 0);
        assert!(desk.access.sessions(&who, day(0)).unwrap().is_empty());
    }
    assert!(desk.access.session(secret.reveal(), day(0)).unwrap().is_some());
}

#[test]
fn somebody_disabled_is_out_at_once() {
    let (desk, ada) = Desk::owned();
    let by = Who::user(&ada, HERE.0);
    let link = desk.access.invite(&by, "bob@x.example", Role::Member, day(0)).unwrap();
    let bob = desk.access.accept(link.reveal(), &password(), HERE.0, day(0)).unwrap();
    let sign_in = |at| desk.access.log_in("bob@x.example", &password(), HERE, at);
    let (secret, _) = sign_in(day(0)).unwrap();
    desk.access.change_role(&by, bob.id, Role::Viewer, day(0)).unwrap();
    assert_eq!(desk.access.session(secret.reveal(), day(0)).unwrap().unwrap().user.role, Role::Viewer);
    let reset = desk.access.password_link(&by, bob.id, day(0)).unwrap();
    desk.access.disable(&by, bob.id, day(0)).unwrap();
    assert_eq!(desk.access.session(secret.reveal(), day(0)).unwrap(), None);
    assert_eq!(sign_in(day(0)).unwrap_err().to_string(), "wrong e-mail or password");
    assert_eq!(code(desk.access.reset_password(reset.reveal(), &password(), HERE.0, day(0))), "bad_link");
    desk.access.enable(&by, bob.id, day(1)).unwrap();
    assert_eq!(desk.access.session(secret.reveal(), day(1)).unwrap(), None, "the old session stays ended");
    sign_in(day(1)).unwrap();
}

#[test]
fn guesses_are_slowed_for_known_and_unknown_alike_and_across_restarts() {
    let (desk, _) = Desk::owned();
    let waits = |email: &str| -> Vec<u64> {
        let mut out = Vec::new();
        let mut at = 0;
        for n in 0..9 {
            // Each from another address, so that only the account counts; every second one after a restart.
            let fresh = Access::open(&desk.book).unwrap();
            let access = if n % 2 == 0 { &fresh } else { &desk.access };
            let address = format!("198.51.100.{n}");
            let guess = |at| access.log_in(email, &Secret::new("wrong password"), (&address, ""), second(at));
            let mut waited = 0;
            let mut answer = wait(guess(at));
            while answer > 0 {
                waited += answer;
                at += answer as i64;
                answer = wait(guess(at));
            }
            out.push(waited);
        }
        out
    };
    assert_eq!(waits(ADA), [0, 0, 0, 0, 0, 0, 2, 4, 8]);
    assert_eq!(waits("nobody@engines.example"), [0, 0, 0, 0, 0, 0, 2, 4, 8]);
    let right = desk.access.log_in(ADA, &password(), HERE, second(15));
    assert!(wait(right) > 0, "not even the right password is looked at");
    desk.access.log_in(ADA, &password(), HERE, second(100)).unwrap();
    let after = desk.access.log_in(ADA, &Secret::new("wrong password"), HERE, second(100));
    assert_eq!(wait(after), 0, "the right one forgives the account");
}

#[test]
fn one_address_cannot_try_many_accounts() {
    let desk = Desk::new();
    let guess = |n: i64, at| {
        let email = format!("user{n}@engines.example");
        // One network of IPv6 is one address.
        let address = format!("2001:db8:0:1::{n:x}");
        wait(desk.access.log_in(&email, &Secret::new("wrong password"), (&address, ""), second(at)))
    };
    for n in 0..21 {
        assert_eq!(guess(n, 0), 0);
    }
    assert_eq!(guess(21, 0), 2);
    assert_eq!(guess(22, -9_999_999), 2, "a clock set back makes nobody wait longer");
    assert_eq!(guess(23, 3), 0);
    assert_eq!(guess(24, 3 + 86_400), 0, "forgotten after a day");
}

#[test]
fn what_nobody_is_called_is_not_written_down() {
    let (desk, _) = Desk::owned();
    assert_eq!(code(desk.access.log_in(PASSWORD, &Secret::new("x"), HERE, day(0))), "bad_login");
    assert_eq!(code(desk.access.log_in(ADA, &Secret::new("x"), HERE, day(0))), "bad_login");
    assert!(!desk.stores(PASSWORD));
    let trail = desk.trail();
    assert_eq!(trail[..2], ["nobody log_in_failed ada@engines.example", "nobody log_in_failed unknown"]);
    assert_eq!(code(desk.access.log_in(ADA, &Secret::new("x".repeat(1 << 20)), HERE, day(0))), "bad_login");
}

#[test]
fn a_forms_token_is_its_sessions() {
    let (desk, _) = Desk::owned();
    let (one, _) = desk.access.log_in(ADA, &password(), HERE, day(0)).unwrap();
    let (two, _) = desk.access.log_in(ADA, &password(), HERE, day(0)).unwrap();
    let token = csrf_token(one.reveal());
    assert!(csrf_verify(one.reveal(), &token));
    assert!(!csrf_verify(two.reveal(), &token));
    assert!(!csrf_verify("", &csrf_token("")), "no session, no token");
    for wrong in ["", &token[1..], &token.to_uppercase(), &format!("{token}0")] {
        assert!(!csrf_verify(one.reveal(), wrong), "{wrong}");
    }
    assert!(!token.contains(&one.reveal()[3..12]));
}

#[test]
fn sweeping_takes_only_what_is_too_old() {
    let (desk, ada) = Desk::owned();
    let (old, _) = desk.access.log_in(ADA, &password(), HERE, day(0)).unwrap();
    let (new, _) = desk.access.log_in(ADA, &password(), HERE, day(5)).unwrap();
    desk.access.sweep(day(8)).unwrap();
    assert!(desk.access.session(old.reveal(), day(6)).unwrap().is_none());
    assert!(desk.access.session(new.reveal(), day(8)).unwrap().is_some());
    assert_eq!(desk.access.sessions(&Who::user(&ada, ""), day(8)).unwrap().len(), 1);
}
