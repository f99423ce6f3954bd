//! CloudFormation templates and their expressions.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::file("a.template", text));
