//! Asks the workload's own resolver: its `hosts` file, then the servers of its `resolv.conf`.

mod family;
mod hosts;
mod servers;

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use family::{families, settle, unite};
use hickory_resolver::{
    Hosts,
    proto::rr::{Name, RecordType},
};
use mesh_model::snapshot::IpPreference;
use servers::{Found, NameServers, Unanswered};
use thiserror::Error;

use crate::files::{Files, Mark};

/// Why a name has no address.
#[derive(Debug, Error)]
pub(crate) enum DnsError {
    #[error("the name servers know no {name} (NXDOMAIN)")]
    Unknown { name: String },
    #[error("{name} has no address that the IP preference allows")]
    NoAddress { name: String },
    #[error("no name server has an answer for {name}")]
    Query { name: String, source: Unanswered },
    #[error("{name} is no DNS name")]
    NoName { name: String },
}

/// What is known of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Of one family, in the order of the answer, each once; not empty.
    pub(crate) addresses: Vec<IpAddr>,
    /// How long name servers let it be kept; none where no name server says it.
    pub(crate) ttl: Option<Duration>,
}

impl Answer {
    fn lasting(addresses: Vec<IpAddr>) -> Self {
        Self {
            addresses,
            ttl: None,
        }
    }
}

/// A resolver that follows its files: each question is asked with what they say at that moment.
#[derive(Debug)]
pub(crate) struct Dns {
    files: Files,
    resolv_conf: PathBuf,
    hosts: PathBuf,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    read: [Option<Mark>; 2],
    servers: Arc<NameServers>,
    hosts: Arc<Hosts>,
}

impl Dns {
    pub(crate) fn new(files: Files, resolv_conf: &Path, hosts: &Path) -> Self {
        Self {
            files,
            resolv_conf: resolv_conf.to_owned(),
            hosts: hosts.to_owned(),
            current: Mutex::default(),
        }
    }

    /// The addresses of a name, of the family that the preference picks. `held` is what is in use:
    /// while the preferred family's question fails (as opposed to being answered with nothing)
    /// addresses of that family are not given up for the other's.
    pub(crate) async fn addresses(
        &self,
        name: &str,
        preference: IpPreference,
        held: &[IpAddr],
    ) -> Result<Answer, DnsError> {
        if let Ok(literal) = name.parse::<IpAddr>() {
            // Envoy takes an address for what it is, an IPv4 address under `IPv6_ONLY` too.
            if literal.is_ipv6() && preference == IpPreference::V4Only {
                let name = name.to_owned();
                return Err(DnsError::NoAddress { name });
            }
            return Ok(Answer::lasting(vec![literal]));
        }
        let (servers, hosts) = self.current();
        // A trailing dot keeps the search domains out of it, as App Mesh did.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        if let Some(addresses) = hosts::listed(&hosts, &absolute, preference) {
            return Ok(Answer::lasting(addresses));
        }
        let (wanted, _) = families(preference);
        let is_wanted_in_use = held.iter().any(|address| wanted.has(address));
        let (of_wanted, of_other) = ask_both(&servers, &absolute, preference).await;
        let found = settle(of_wanted, of_other, is_wanted_in_use);
        let name = name.to_owned();
        match found {
            Err(source) => Err(DnsError::Query { name, source }),
            Ok(found) if found.is_unknown => Err(DnsError::Unknown { name }),
            Ok(found) if found.addresses.is_empty() => Err(DnsError::NoAddress { name }),
            Ok(Found { addresses, ttl, .. }) => Ok(Answer { addresses, ttl }),
        }
    }

    /// All that an application may dial for a name: the addresses of both families as getaddrinfo(3)
    /// finds them, in the hosts file, else under the first name of the search list that has any; none
    /// if none has. Where the question for one family fails, what is `held` of that family stays.
    pub(crate) async fn all_addresses(
        &self,
        name: &str,
        held: &[IpAddr],
    ) -> Result<Vec<IpAddr>, DnsError> {
        let (servers, hosts) = self.current();
        let owned = || name.to_owned();
        let relative = Name::from_utf8(name).map_err(|_| DnsError::NoName { name: owned() })?;
        let listed = hosts::listed_all(&hosts, &relative);
        if !listed.is_empty() {
            return Ok(listed);
        }
        for candidate in candidates(&relative, &servers.search, servers.ndots) {
            let absolute = candidate.to_utf8();
            let (v4, v6) = tokio::join!(
                servers.lookup(&absolute, RecordType::A),
                servers.lookup(&absolute, RecordType::AAAA),
            );
            let found = unite(v4, v6, held).map_err(|source| DnsError::Query {
                name: owned(),
                source,
            })?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// The name servers and the hosts file as the files say at this moment.
    fn current(&self) -> (Arc<NameServers>, Arc<Hosts>) {
        let marks = [&self.resolv_conf, &self.hosts].map(|path| self.files.mark(path));
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let current = match &mut *current {
            Some(current) if current.read == marks => current,
            outdated => outdated.insert(Current {
                read: marks,
                servers: Arc::new(NameServers::read(&self.files, &self.resolv_conf)),
                hosts: Arc::new(hosts::read(&self.files, &self.hosts)),
            }),
        };
        (Arc::clone(&current.servers), Arc::clone(&current.hosts))
    }
}

type Said = Result<Found, Unanswered>;

/// Asks for the family that is wanted and, at the same time, for the one that will do. Nobody waits for
/// the latter where the former has addresses.
async fn ask_both(
    servers: &NameServers,
    name: &str,
    preference: IpPreference,
) -> (Said, Option<Said>) {
    let (wanted, other) = families(preference);
    let mut wanted = pin!(servers.lookup(name, wanted.record()));
    let Some(other) = other else {
        return (wanted.await, None);
    };
    let mut other = pin!(servers.lookup(name, other.record()));
    tokio::select! {
        of_wanted = &mut wanted => match of_wanted {
            Ok(found) if !found.addresses.is_empty() => (Ok(found), None),
            nothing => (nothing, Some(other.await)),
        },
        of_other = &mut other => (wanted.await, Some(of_other)),
    }
}

/// The absolute names that a name may stand for, in the order in which they are asked (resolv.conf(5),
/// `search` and `ndots`).
fn candidates(name: &Name, search: &[Name], ndots: usize) -> Vec<Name> {
    let absolute = |mut name: Name| {
        name.set_fqdn(true);
        name
    };
    let itself = absolute(name.clone());
    if name.is_fqdn() {
        return vec![itself];
    }
    let searched = search
        .iter()
        .filter_map(|domain| name.clone().append_domain(domain).ok())
        .map(absolute);
    let dots = usize::from(name.num_labels()).saturating_sub(1);
    if dots >= ndots {
        std::iter::once(itself).chain(searched).collect()
    } else {
        searched.chain(std::iter::once(itself)).collect()
    }
}

#[cfg(test)]
mod tests;
