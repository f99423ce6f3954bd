//! What is read out of the answers of compilers.

use super::*;

#[test]
fn the_llvm_of_a_compiler_is_read_from_its_version() {
    let version = "rustc 1.96.0 (ac68faa20 2026-05-25)\nbinary: rustc\nLLVM version: 22.1.8\n";
    assert_eq!(llvm_major(version), Some(22));
    assert_eq!(llvm_major("rustc 1.96.0\n"), None);
}

#[test]
fn a_target_without_a_compiled_core_is_not_ready() {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    assert!(!has_core(directory.path()));
    std::fs::write(directory.path().join("libcore-26cf.rmeta"), "").expect("it is writable");
    assert!(!has_core(directory.path()));
    std::fs::write(directory.path().join("libcore-26cf.rlib"), "").expect("it is writable");
    assert!(has_core(directory.path()));
    assert!(!has_core(&directory.path().join("none")));
}
