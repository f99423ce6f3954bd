//! Instances as their pins stand, whole or half removed, of whatever version.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{
    BpfError,
    inspect::{self, LinkReport},
    pins::{self, Pins},
};

/// What is pinned of one version of one instance.
#[derive(Clone, Debug, Serialize)]
pub struct PinnedInstance {
    /// The instance's name.
    pub name: String,
    /// The version of the layout of its maps.
    pub abi_version: u32,
    /// Its directory.
    pub directory: PathBuf,
    /// How many maps.
    pub maps: usize,
    /// The links, those of the proxy and of all workloads.
    pub links: Vec<LinkReport>,
}

/// The version of the layout that this build reads.
pub const OWN_VERSION: u32 = ebpf_abi::ABI_VERSION;

/// Every instance with pins, by name and version.
pub fn all(bpffs: &Path) -> Result<Vec<PinnedInstance>, BpfError> {
    let mut found = Vec::new();
    for name in inspect::list_instances(bpffs)? {
        for abi_version in pins::versions(bpffs, &name)? {
            let directory = pins::instance_directory(bpffs, &name).join(format!("v{abi_version}"));
            let pins = Pins::at(directory.clone());
            found.push(PinnedInstance {
                name: name.clone(),
                abi_version,
                directory,
                maps: pins::names(&pins.maps())?.len(),
                links: inspect::links(&pins)?,
            });
        }
    }
    Ok(found)
}
