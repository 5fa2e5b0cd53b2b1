//! The one table of who may do what.

use std::fmt;

macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$of])* $variant),* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// Its name, as it is stored and printed.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),* }
            }

            /// By its name; `None` for anything else.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)* _ => None }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

named! {
    /// What a person is in a book, from least to most.
    Role {
        /// Looks.
        Viewer = "viewer",
        /// Works: imports, corrects, shares.
        Member = "member",
        /// Decides: policy, people, keys, secrets.
        Owner = "owner",
    }
}

named! {
    /// What an API key is for, from least to most.
    Scope {
        /// Reads.
        Read = "read",
        /// Reads and brings facts in.
        Write = "write",
        /// Everything but people.
        Admin = "admin",
    }
}

named! {
    /// What somebody may want to do.
    Action {
        /// See figures, customers, explanations.
        Read = "read",
        /// Import files, receive webhooks, correct, run a source.
        Import = "import",
        /// Change goals, annotations, saved views.
        Annotate = "annotate",
        /// Make and revoke links that show one page to whoever holds them.
        Share = "share",
        /// Change the policy, close periods, the book's settings.
        ChangePolicy = "change_policy",
        /// Set secrets: source keys, the mail server's password.
        ManageSecrets = "manage_secrets",
        /// Make, list and revoke API keys.
        ManageKeys = "manage_keys",
        /// Invite, disable and change people.
        ManageUsers = "manage_users",
        /// Read the trail.
        ReadAudit = "read_audit",
        /// Take the whole book away: export, backup.
        TakeAll = "take_all",
    }
}

/// What somebody holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grant {
    /// Nothing: not known.
    Nobody,
    /// A person with a session.
    Role(Role),
    /// A program with an API key.
    Scope(Scope),
    /// Whoever runs the command line on the book's files, and the program itself.
    Console,
}

impl Grant {
    /// Whether the holder may.
    ///
    /// A key never manages people: one that leaked could make itself an owner and outlive its own revocation.
    pub fn may(self, action: Action) -> bool {
        use Action::{
            Annotate, ChangePolicy, Import, ManageKeys, ManageSecrets, ManageUsers, Read, ReadAudit, Share,
            TakeAll,
        };
        match self {
            Grant::Nobody => false,
            Grant::Console | Grant::Role(Role::Owner) => true,
            Grant::Role(Role::Viewer) | Grant::Scope(Scope::Read) => matches!(action, Read),
            Grant::Role(Role::Member) => matches!(action, Read | Import | Annotate | Share | TakeAll),
            Grant::Scope(Scope::Write) => matches!(action, Read | Import | Annotate),
            Grant::Scope(Scope::Admin) => match action {
                Read | Import | Annotate | Share | ChangePolicy | ManageSecrets | ManageKeys | ReadAudit
                | TakeAll => true,
                ManageUsers => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written out by hand, so that a change of the table above has to be meant.
    const MATRIX: &str = "
                    nobody viewer member owner read write admin console
        read             -      x      x     x    x     x     x       x
        import           -      -      x     x    -     x     x       x
        annotate         -      -      x     x    -     x     x       x
        share            -      -      x     x    -     -     x       x
        change_policy    -      -      -     x    -     -     x       x
        manage_secrets   -      -      -     x    -     -     x       x
        manage_keys      -      -      -     x    -     -     x       x
        manage_users     -      -      -     x    -     -     -       x
        read_audit       -      -      -     x    -     -     x       x
        take_all         -      -      x     x    -     -     x       x";

    #[test]
    fn the_whole_matrix() {
        let holders = [
            Grant::Nobody,
            Grant::Role(Role::Viewer),
            Grant::Role(Role::Member),
            Grant::Role(Role::Owner),
            Grant::Scope(Scope::Read),
            Grant::Scope(Scope::Write),
            Grant::Scope(Scope::Admin),
            Grant::Console,
        ];
        let mut seen = Vec::new();
        for line in MATRIX.lines().skip(2) {
            let mut cells = line.split_whitespace();
            let action = cells.next().and_then(Action::parse).expect("an action");
            let cells: Vec<&str> = cells.collect();
            assert_eq!(cells.len(), holders.len(), "{action}");
            for (holder, cell) in holders.iter().zip(cells) {
                assert_eq!(holder.may(action), cell == "x", "{holder:?} {action}");
            }
            seen.push(action);
        }
        assert_eq!(seen, Action::ALL);
    }

    #[test]
    fn more_is_never_less() {
        for action in Action::ALL {
            for pair in Role::ALL.windows(2) {
                assert!(Grant::Role(pair[1]).may(*action) >= Grant::Role(pair[0]).may(*action));
            }
            for pair in Scope::ALL.windows(2) {
                assert!(Grant::Scope(pair[1]).may(*action) >= Grant::Scope(pair[0]).may(*action));
            }
        }
    }

    #[test]
    fn names_come_back() {
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(*role));
        }
        assert_eq!(Scope::parse("Admin"), None);
    }
}
