//! The store from outside: what is booked stays booked, once, whatever happens.

mod crash;
mod damage;
mod entries;
mod helpers;
mod kill;
mod rules;
mod two;
