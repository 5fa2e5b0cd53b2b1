//! Files in, statements and problems out: one test binary.

mod customers;
mod dialects;
mod documentation;
mod entries;
mod json;
mod parquet_files;
mod periods;
mod rates;
mod sheets;
mod states;
mod stripe;
mod support;
mod text_files;
