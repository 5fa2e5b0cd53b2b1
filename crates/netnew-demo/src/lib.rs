//! A made-up subscription business with known answers.
