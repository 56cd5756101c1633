//! Whatever a log holds, its messages do no harm. `cargo fuzz run message`; with a stable compiler `RUSTC_BOOTSTRAP=1`
//! before it.
#![no_main]

#[path = "../body.rs"]
mod body;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| body::check(bytes));
