//! Single shapes of Stripe's objects.
