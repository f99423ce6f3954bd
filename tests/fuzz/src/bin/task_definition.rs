//! ECS task definitions.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::file("task.json", text));
