//! Which virtual host answers a Host.

use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

use mesh_model::snapshot::VirtualHost;

/// How closely a domain answers a Host: the closest goes first, whatever the order of the virtual
/// hosts (Envoy's `VirtualHost.domains`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Closeness {
    /// `*`: every Host.
    Any,
    /// `*` and an ending of so many bytes, with which a longer Host ends.
    Ending(usize),
    /// It is the Host.
    Whole,
}

/// The domains of every virtual host, indexed.
#[derive(Debug, Default)]
pub(crate) struct HostIndex {
    whole: HashMap<Box<str>, usize>,
    /// By length, the longest first.
    endings: BTreeMap<Reverse<usize>, HashMap<Box<str>, usize>>,
    any: Option<usize>,
}

impl HostIndex {
    /// Indexes virtual hosts by their place. Of two that claim one domain the first has it.
    pub(crate) fn new(virtual_hosts: &[VirtualHost]) -> Self {
        let mut index = Self::default();
        for (place, virtual_host) in virtual_hosts.iter().enumerate() {
            for domain in &virtual_host.domains {
                index.add(&domain.to_ascii_lowercase(), place);
            }
        }
        index
    }

    fn add(&mut self, domain: &str, place: usize) {
        match domain.strip_prefix('*') {
            None => {
                self.whole.entry(domain.into()).or_insert(place);
            }
            Some("") => {
                self.any.get_or_insert(place);
            }
            Some(ending) => {
                let of_length = self.endings.entry(Reverse(ending.len())).or_default();
                of_length.entry(ending.into()).or_insert(place);
            }
        }
    }

    /// The virtual host that answers a Host.
    pub(crate) fn find(&self, host: &str) -> Option<usize> {
        let host = lower_case(host);
        let by_ending = || {
            self.endings.iter().find_map(|(Reverse(length), endings)| {
                let start = host.len().checked_sub(*length).filter(|start| *start > 0)?;
                endings.get(host.get(start..)?).copied()
            })
        };
        let whole = self.whole.get(host.as_ref()).copied();
        whole.or_else(by_ending).or(self.any)
    }
}

/// The domain by which a virtual host answers a Host in lower case, and how closely it does.
pub(crate) fn closest<'a>(
    virtual_host: &'a VirtualHost,
    host: &str,
) -> Option<(Closeness, &'a str)> {
    let answering = virtual_host.domains.iter().filter_map(|domain| {
        let closeness = closeness(&lower_case(domain), host)?;
        Some((closeness, domain.as_str()))
    });
    answering.max_by_key(|(closeness, _)| *closeness)
}

fn closeness(domain: &str, host: &str) -> Option<Closeness> {
    match domain.strip_prefix('*') {
        None => (domain == host).then_some(Closeness::Whole),
        Some("") => Some(Closeness::Any),
        Some(ending) => {
            let answers = host.len() > ending.len() && host.ends_with(ending);
            answers.then_some(Closeness::Ending(ending.len()))
        }
    }
}

/// Hosts are compared without letter case (RFC 9110, section 4.2.3); most come in lower case and
/// cost nothing.
pub(crate) fn lower_case(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}
