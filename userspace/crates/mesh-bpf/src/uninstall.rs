//! Removal of an instance: every pin, and with the pins every link, program and map.

use std::{
    collections::BTreeSet,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use serde::Serialize;

use crate::{
    BpfError, links,
    local::targets,
    maps::{
        self, name as map_name,
        workloads::{Enrolled, enrolled},
    },
    netns,
    object::{Place, WORKLOAD_HOOKS},
    pins::{self, Pins},
    sys,
};

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
/// not there is no error: nothing is removed. New connections go direct from the first link on.
pub fn uninstall(bpffs: &Path, name: &str) -> Result<Removed, BpfError> {
    let mut removed = Removed::default();
    if !pins::is_instance_name(name) {
        return Err(BpfError::InstanceName {
            name: name.to_owned(),
        });
    }
    let instance = pins::instance_directory(bpffs, name);
    remove_targets(&Pins::new(bpffs, name), name);
    for version in pins::names(&instance)? {
        remove_version(&Pins::at(instance.join(version)), &mut removed)?;
    }
    remove_directory(&instance, &mut removed)?;
    removed.directories += usize::from(pins::remove_all_instances(bpffs)?);
    Ok(removed)
}

/// Takes the route to the IPv6 targets out of the namespaces of all workloads.
fn remove_targets(pins: &Pins, instance: &str) {
    if !pins.map(map_name::WORKLOADS).exists() {
        return;
    }
    let workloads = maps::open(pins, map_name::WORKLOADS).and_then(|map| enrolled(&map));
    let workloads = workloads.unwrap_or_else(|error| {
        tracing::warn!("routes of instance {instance} may remain: {error}");
        Vec::new()
    });
    let namespaces = workloads.iter().filter_map(|one| namespace(pins, one));
    for netns in namespaces.collect::<BTreeSet<_>>() {
        targets::remove_from(Some(&netns), targets::of_instance(instance));
    }
}

/// The namespace of a workload: the one that its programs are attached to, because what its daemon
/// called its own need not be the caller's. None if it has gone.
fn namespace(pins: &Pins, workload: &Enrolled) -> Option<PathBuf> {
    let hook = WORKLOAD_HOOKS
        .iter()
        .find(|hook| hook.place == Place::Netns)?;
    let pin = pins.workload_links(workload.id).join(hook.link);
    match sys::open_pin(&pin).and_then(|link| sys::link_info(link.as_fd())) {
        Ok(link) => netns::by_inode(link.target),
        // It was never attached, so what it was given is all that is known.
        Err(_) => workload.netns.clone(),
    }
}

fn remove_version(pins: &Pins, removed: &mut Removed) -> Result<(), BpfError> {
    // What redirects goes before what hands over, and workloads before the proxy: their directories
    // are numbers, which sort before it.
    let mut order = WORKLOAD_HOOKS;
    order.reverse();
    let links = pins.links();
    for owner in pins::names(&links)? {
        let directory = links.join(owner);
        removed.links += links::detach_all(&directory, &order)?;
        remove_directory(&directory, removed)?;
    }
    remove_directory(&links, removed)?;
    let maps = pins.maps();
    for map in pins::names(&maps)? {
        pins::remove(&maps.join(map))?;
        removed.maps += 1;
    }
    remove_directory(&maps, removed)?;
    remove_directory(pins.root(), removed)
}

fn remove_directory(directory: &Path, removed: &mut Removed) -> Result<(), BpfError> {
    removed.directories += usize::from(pins::remove_directory(directory)?);
    Ok(())
}
