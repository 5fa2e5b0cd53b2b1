//! What Stripe's objects tell, against lives whose ledger is known, and story by story.

mod ledger;
mod life;
mod lives;
mod shapes;
