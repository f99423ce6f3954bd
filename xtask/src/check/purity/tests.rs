//! What is found in a tree.

use super::*;

#[test]
fn a_worldly_crate_is_found_at_any_depth() {
    let tree = "mesh-route v0.1.0 (/repository/userspace/crates/mesh-route)\nmesh-model v0.1.0\ntokio v1.54.1 (*)\n";
    assert_eq!(worldly(tree).collect::<Vec<_>>(), ["tokio"]);
}

#[test]
fn a_name_that_only_begins_alike_is_not_found() {
    assert_eq!(worldly("hyperfine v1.0.0\ntokio-like v1.0.0\n").count(), 0);
}
