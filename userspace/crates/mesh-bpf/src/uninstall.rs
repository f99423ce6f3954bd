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
    object::{Place, WORKLOAD_HOOKS, detach_order},
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
    let namespaces = namespaces(&Pins::new(bpffs, name), name);
    let versions: Vec<Pins> = pins::names(&instance)?
        .into_iter()
        .map(|version| Pins::at(instance.join(version)))
        .collect();
    for pins in &versions {
        remove_links(pins, &mut removed)?;
    }
    // Only now: while a program is attached it sends connections there, and a daemon that finds its
    // workload's links puts the route back.
    for netns in &namespaces {
        targets::remove_from(Some(netns), targets::of_instance(name));
    }
    for pins in &versions {
        remove_maps(pins, &mut removed)?;
    }
    remove_directory(&instance, &mut removed)?;
    removed.directories += usize::from(pins::remove_all_instances(bpffs)?);
    Ok(removed)
}

/// The namespaces of all workloads, each once.
fn namespaces(pins: &Pins, instance: &str) -> BTreeSet<PathBuf> {
    if !pins.map(map_name::WORKLOADS).exists() {
        return BTreeSet::new();
    }
    let workloads = maps::open(pins, map_name::WORKLOADS).and_then(|map| enrolled(&map));
    let workloads = workloads.unwrap_or_else(|error| {
        tracing::warn!("routes of instance {instance} may remain: {error}");
        Vec::new()
    });
    let namespaces = workloads.iter().filter_map(|one| namespace(pins, one));
    namespaces.collect()
}

/// The namespace of a workload: the one that its programs are attached to, because what its daemon
/// called its own need not be the caller's. None if it has gone.
fn namespace(pins: &Pins, workload: &Enrolled) -> Option<PathBuf> {
    let hook = WORKLOAD_HOOKS
        .iter()
        .find(|hook| hook.place == Place::Netns)?;
    let pin = pins.workload_links(workload.id).join(hook.link);
    match sys::open_pin(&pin).and_then(|link| sys::link_info(link.as_fd())) {
        Ok(link) => {
            let given = workload.netns.clone();
            given
                .filter(|path| netns::is(path, link.target))
                .or_else(|| netns::by_inode(link.target))
        }
        // It was never attached, so what it was given is all that is known.
        Err(_) => workload.netns.clone(),
    }
}

fn remove_links(pins: &Pins, removed: &mut Removed) -> Result<(), BpfError> {
    // Workloads go before the proxy: their directories are numbers, which sort before it.
    let order = detach_order();
    let links = pins.links();
    for owner in pins::names(&links)? {
        let directory = links.join(owner);
        removed.links += links::detach_all(&directory, &order)?;
        remove_directory(&directory, removed)?;
    }
    remove_directory(&links, removed)
}

fn remove_maps(pins: &Pins, removed: &mut Removed) -> Result<(), BpfError> {
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
