//! AWS CLI documents: JSON with and without variables.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::file("a.json", text));
