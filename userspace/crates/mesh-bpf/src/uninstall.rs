//! Removal of an instance: every pin, and with the pins every link, program and map.

use std::path::Path;

use serde::Serialize;

use crate::BpfError;

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// Links, detached.
    pub links: usize,
    /// Maps.
    pub maps: usize,
    /// Directories of pins.
    pub directories: usize,
}

/// Removes every link, map and directory of an instance, of whatever version. An instance that is
/// not there is no error: nothing is removed.
pub fn uninstall(bpffs: &Path, name: &str) -> Result<Removed, BpfError> {
    unimplemented!()
}
