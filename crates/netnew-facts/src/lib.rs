//! Facts with two clocks: what was stated, when it is true, when it was learned, and which statement wins.
