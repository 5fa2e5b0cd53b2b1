//! Tests of the image and the pass; one binary, because every one links half the workspace.

mod equal;
mod everything;
