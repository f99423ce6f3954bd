use std::{fs, path::PathBuf};

use super::{executable, is_static};

#[test]
fn this_program_asks_for_a_loader_and_a_cut_one_is_no_program() {
    let own = fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(is_static(&own), cfg!(target_feature = "crt-static"));
    assert!(!is_static(&own[..48]));
    assert!(!is_static(b"#!/bin/sh\n"));
}

#[test]
fn the_executable_is_found_among_the_messages() {
    let messages = r#"
        {"reason":"compiler-artifact","target":{"name":"tests"},"executable":null}
        {"reason":"compiler-artifact","target":{"name":"hooks_sockets"},"executable":"/deps/h-1"}
        {"reason":"build-finished","success":true}
    "#;
    let found = executable(messages, "hooks_sockets");
    assert_eq!(found, Some(PathBuf::from("/deps/h-1")));
    assert_eq!(executable(messages, "tests"), None);
}
