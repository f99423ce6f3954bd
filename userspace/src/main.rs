//! The Ferromesh daemon and command line.
fn main() {}
