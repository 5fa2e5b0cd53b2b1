//! Files and payloads in, facts and problems out.
