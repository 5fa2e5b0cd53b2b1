//! Billing systems over HTTP.
