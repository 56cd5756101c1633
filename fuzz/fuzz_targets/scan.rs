//! What the scanner takes is what the plain loop takes, vectors or not. `cargo fuzz run scan`; with a stable compiler
//! `RUSTC_BOOTSTRAP=1` before it.
#![no_main]

#[path = "../scan_body.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::check(bytes));
