//! Setting up, inviting, roles, passwords.

use crate::{Desk, PASSWORD, code, day, password, second};
use netnew_access::{Access, Role, Secret, SetupProof, Who};

const HERE: &str = "127.0.0.1";

#[test]
fn the_owner_is_set_up_once() {
    let desk = Desk::new();
    assert!(desk.access.is_new().unwrap());
    let token = desk.access.setup_token(day(0)).unwrap().unwrap();
    assert!(!desk.stores(token.reveal()));
    let set_up = |proof, email: &str, word: &str, at| {
        desk.access.set_up(proof, email, &Secret::new(word), "203.0.113.9", at)
    };
    let wrong = format!("nl_{}", "0".repeat(49));
    assert_eq!(code(set_up(SetupProof::Token(&wrong), "ada@x.example", PASSWORD, day(0))), "bad_link");
    assert_eq!(code(set_up(SetupProof::Token(""), "ada@x.example", PASSWORD, day(0))), "bad_link");
    let good = SetupProof::Token(token.reveal());
    assert_eq!(code(set_up(good, "ada", PASSWORD, day(0))), "bad_email");
    assert_eq!(code(set_up(good, "ada@x.example", "ada@x.example", day(0))), "weak_password");
    let ada = set_up(good, " Ada@X.example ", PASSWORD, day(0)).unwrap();
    assert_eq!((ada.email.as_str(), ada.role), ("ada@x.example", Role::Owner));
    assert_eq!(code(set_up(good, "eve@x.example", PASSWORD, day(0))), "already_set_up");
    assert_eq!(code(set_up(SetupProof::Loopback, "eve@x.example", PASSWORD, day(0))), "already_set_up");
    assert_eq!(desk.access.setup_token(day(1)).unwrap(), None);
    assert!(!desk.stores(PASSWORD));
}

#[test]
fn a_setup_token_ends_with_the_next_and_after_a_day() {
    let desk = Desk::new();
    let first = desk.access.setup_token(day(0)).unwrap().unwrap();
    let second_token = desk.access.setup_token(day(0)).unwrap().unwrap();
    let try_it = |token: &Secret, at| {
        desk.access.set_up(SetupProof::Token(token.reveal()), "ada@x.example", &password(), HERE, at)
    };
    assert_eq!(code(try_it(&first, day(0))), "bad_link");
    assert_eq!(code(try_it(&second_token, day(1))), "bad_link");
    assert_eq!(code(try_it(&second_token, day(0))), "bad_link", "the clock was set back");
}

#[test]
fn an_invitation_works_once() {
    let (desk, ada) = Desk::owned();
    let by = Who::user(&ada, HERE);
    let first = desk.access.invite(&by, "bob@engines.example", Role::Member, day(0)).unwrap();
    let link = desk.access.invite(&by, "bob@engines.example", Role::Viewer, day(0)).unwrap();
    assert_eq!(desk.access.invitation(first.reveal(), day(0)).unwrap(), None, "the later one holds");
    assert_eq!(desk.access.invitation(link.reveal(), day(1)).unwrap().unwrap().email, "bob@engines.example");
    assert_eq!(code(desk.access.accept(link.reveal(), &Secret::new("bob"), HERE, day(1))), "weak_password");
    let bob = desk.access.accept(link.reveal(), &password(), HERE, day(1)).unwrap();
    assert_eq!(bob.role, Role::Viewer);
    assert_eq!(code(desk.access.accept(link.reveal(), &password(), HERE, day(1))), "bad_link");
    assert_eq!(code(desk.access.invite(&by, "BOB@engines.example", Role::Owner, day(1))), "email_taken");
    let reset = desk.access.password_link(&by, bob.id, day(1)).unwrap();
    assert_eq!(
        code(desk.access.accept(reset.reveal(), &password(), HERE, day(1))),
        "bad_link",
        "another purpose"
    );
    let who = Who::user(&bob, HERE);
    assert_eq!(code(desk.access.invite(&who, "eve@engines.example", Role::Owner, day(1))), "forbidden");
    assert_eq!(code(desk.access.change_role(&who, bob.id, Role::Owner, day(1))), "forbidden");
}

#[test]
fn invitations_end() {
    let (desk, ada) = Desk::owned();
    let by = Who::user(&ada, HERE);
    let old = desk.access.invite(&by, "old@engines.example", Role::Member, day(0)).unwrap();
    assert_eq!(code(desk.access.accept(old.reveal(), &password(), HERE, day(7))), "bad_link");
    assert_eq!(
        code(desk.access.accept(old.reveal(), &password(), HERE, day(6))),
        "bad_link",
        "clock set back"
    );
    let withdrawn = desk.access.invite(&by, "bob@engines.example", Role::Member, day(0)).unwrap();
    desk.access.withdraw_invitation(&by, "bob@engines.example", day(0)).unwrap();
    assert_eq!(code(desk.access.accept(withdrawn.reveal(), &password(), HERE, day(0))), "bad_link");
    let link = desk.access.invite(&by, "cy@engines.example", Role::Owner, day(0)).unwrap();
    let cy = desk.access.accept(link.reveal(), &password(), HERE, day(0)).unwrap();
    let by_ada = desk.access.invite(&by, "dan@engines.example", Role::Owner, day(0)).unwrap();
    desk.access.disable(&Who::user(&cy, HERE), ada.id, day(0)).unwrap();
    let waiting = desk.access.invitations(&Who::user(&cy, HERE), day(0)).unwrap();
    assert!(waiting.is_empty(), "those of somebody disabled end");
    assert_eq!(code(desk.access.accept(by_ada.reveal(), &password(), HERE, day(0))), "bad_link");
}

#[test]
fn there_is_always_an_owner() {
    let (desk, ada) = Desk::owned();
    let by = Who::user(&ada, HERE);
    assert_eq!(code(desk.access.change_role(&by, ada.id, Role::Member, day(0))), "last_owner");
    assert_eq!(code(desk.access.disable(&by, ada.id, day(0))), "last_owner");
    let link = desk.access.invite(&by, "bob@engines.example", Role::Owner, day(0)).unwrap();
    let bob = desk.access.accept(link.reveal(), &password(), HERE, day(0)).unwrap();
    desk.access.disable(&by, bob.id, day(0)).unwrap();
    assert_eq!(
        code(desk.access.disable(&by, ada.id, day(0))),
        "last_owner",
        "one who is shut out does not count"
    );
    desk.access.enable(&by, bob.id, day(0)).unwrap();
    assert_eq!(desk.access.change_role(&by, ada.id, Role::Viewer, day(0)).unwrap().role, Role::Viewer);
    assert_eq!(code(desk.access.disable(&Who::console(), bob.id, day(0))), "last_owner");
    assert_eq!(code(desk.access.disable(&Who::console(), 99, day(0))), "unknown_user");
}

#[test]
fn a_new_password_ends_the_sessions() {
    let (desk, ada) = Desk::owned();
    let by = Who::user(&ada, HERE);
    let sign_in = |word: &str, at| desk.access.log_in(&ada.email, &Secret::new(word), (HERE, ""), at);
    let (session, _) = sign_in(PASSWORD, day(0)).unwrap();
    let new = Secret::new("a lamp and four looms");
    assert_eq!(
        code(desk.access.change_password(&by, &Secret::new("wrong password"), &new, day(0))),
        "bad_login"
    );
    assert!(desk.access.session(session.reveal(), day(0)).unwrap().is_some());
    desk.access.change_password(&by, &password(), &new, day(0)).unwrap();
    assert_eq!(desk.access.session(session.reveal(), day(0)).unwrap(), None);
    assert_eq!(code(sign_in(PASSWORD, day(0))), "bad_login");
    let (session, _) = sign_in(new.reveal(), day(0)).unwrap();

    let link = desk.access.password_link(&Who::console(), ada.id, day(1)).unwrap();
    assert_eq!(
        code(desk.access.reset_password(link.reveal(), &Secret::new("ada"), HERE, day(1))),
        "weak_password"
    );
    desk.access.reset_password(link.reveal(), &password(), HERE, day(1)).unwrap();
    assert_eq!(desk.access.session(session.reveal(), day(1)).unwrap(), None);
    assert_eq!(code(desk.access.reset_password(link.reveal(), &new, HERE, day(1))), "bad_link");
    sign_in(PASSWORD, day(1)).unwrap();
    assert_eq!(desk.trail()[0], "user ada@engines.example log_in ada@engines.example");
}

#[test]
fn guessing_the_old_password_from_a_stolen_session_is_slowed_too() {
    let (desk, ada) = Desk::owned();
    let by = Who::user(&ada, HERE);
    let guess = || desk.access.change_password(&by, &Secret::new("wrong password"), &password(), second(0));
    for _ in 0..6 {
        assert_eq!(code(guess()), "bad_login");
    }
    assert_eq!(code(guess()), "too_many_attempts");
}

#[test]
fn a_role_from_nowhere_is_an_error() {
    let (desk, ada) = Desk::owned();
    let (session, _) = desk.access.log_in(&ada.email, &password(), (HERE, ""), day(0)).unwrap();
    desk.book.connect().unwrap().execute("UPDATE users SET role = 'god'", []).unwrap();
    assert_eq!(code(desk.access.session(session.reveal(), day(0))), "damaged_catalog");
    assert_eq!(code(Access::open(&desk.book).unwrap().users(&Who::console())), "damaged_catalog");
}
