//! Kubernetes manifests: YAML of several documents.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| fuzz::file("a.yaml", text));
