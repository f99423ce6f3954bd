//! The tasks of the repository: set up, build, test, check, demo, bench.
fn main() {}
