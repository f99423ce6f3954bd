//! Terraform states and plans.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::file("a.tfstate", text));
