//! The numbers of names: each is of one name until the kernel has let it go.

use std::{collections::BTreeSet, path::PathBuf};

use super::{Begun, Set, Site};
use crate::daemon::namespace::NamespaceId;

/// What a name has of the kernel, from when it is given a number until the kernel has let that go:
/// whether anything runs under it or not, nobody else is given the number meanwhile.
#[derive(Clone, Debug)]
pub(super) struct Holding {
    id: u32,
    pub(super) cgroup: PathBuf,
    netns: Option<PathBuf>,
    /// None where only the pins are known.
    pub(super) namespace: Option<NamespaceId>,
    /// Programs are or may be attached, whether a proxy runs or not.
    pub(super) is_attached: bool,
}

impl<W> Set<W> {
    /// Takes note of what an earlier daemon left.
    pub(crate) fn remember(
        &mut self,
        name: String,
        id: u32,
        cgroup: PathBuf,
        netns: Option<PathBuf>,
    ) {
        let holding = Holding {
            id,
            cgroup,
            netns,
            namespace: None,
            is_attached: true,
        };
        self.held.insert(name, holding);
    }

    /// The number that a name has.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.held.get(name).map(|holding| holding.id)
    }

    /// Gives a name a number, unless it has one: that of a workload that has gone from the same place,
    /// whose programs are replaced with no gap; else the lowest that nobody holds.
    pub(super) fn hold(&mut self, name: &str, site: &Site, is_armed: bool) -> Begun {
        let before = self.held.remove(name).or_else(|| self.predecessor(site));
        let (id, is_attached) = match before {
            Some(holding) => (holding.id, holding.is_attached),
            None => (self.free_number(), false),
        };
        let is_armed = is_armed || is_attached;
        let holding = Holding {
            id,
            cgroup: site.cgroup.clone(),
            netns: site.namespace.path().map(ToOwned::to_owned),
            namespace: Some(site.namespace.id()),
            is_attached: is_armed,
        };
        self.held.insert(name.to_owned(), holding);
        Begun { id, is_armed }
    }

    fn predecessor(&mut self, site: &Site) -> Option<Holding> {
        let (name, _) = self.held.iter().find(|(name, holding)| {
            !self.wanted.contains_key(*name)
                && !self.is_present(name)
                && holding.cgroup == site.cgroup
                && holding.netns.as_deref() == site.namespace.path()
        })?;
        let name = name.clone();
        self.held.remove(&name)
    }

    fn free_number(&self) -> u32 {
        let held: BTreeSet<u32> = self.held.values().map(|holding| holding.id).collect();
        (0..=u32::MAX)
            .find(|id| !held.contains(id))
            .unwrap_or(u32::MAX)
    }

    /// Lets go what a name holds under which nothing runs; `release` is the kernel's part of it.
    ///
    /// # Errors
    /// Those of `release`: it is still held then.
    pub(crate) fn let_go<E>(
        &mut self,
        name: &str,
        release: impl FnOnce(u32) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.is_present(name)
            && let Some(holding) = self.held.get(name)
        {
            release(holding.id)?;
            self.held.remove(name);
        }
        Ok(())
    }

    /// The names that hold a number and have nothing to do with it: nobody wants them, nothing runs,
    /// and no other name is to follow them in their place.
    pub(crate) fn unwanted(&self) -> Vec<String> {
        let has_successor = |holding: &Holding| {
            self.wanted.iter().any(|(name, wanted)| {
                wanted.settings.cgroup == holding.cgroup && !self.held.contains_key(name)
            })
        };
        let is_unwanted = |name: &String, holding: &Holding| {
            !self.wanted.contains_key(name) && !self.is_present(name) && !has_successor(holding)
        };
        let mut unwanted = Vec::new();
        for (name, holding) in &self.held {
            if is_unwanted(name, holding) {
                unwanted.push(name.clone());
            }
        }
        unwanted
    }
}
