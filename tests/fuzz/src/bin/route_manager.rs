//! The environment of the App Mesh route manager.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::file("a.env", text));
