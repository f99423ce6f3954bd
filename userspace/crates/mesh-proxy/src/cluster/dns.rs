//! Asks the workload's own resolver: its `hosts` file, then the servers of its `resolv.conf`.

use std::{
    collections::HashSet,
    io::ErrorKind,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use hickory_resolver::{
    Hosts, Resolver, TokioResolver,
    config::{
        NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts, ServerOrderingStrategy,
    },
    lookup::Lookup,
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::{
        op::Query,
        rr::{Name, RecordType},
    },
    system_conf,
};
use mesh_model::snapshot::IpPreference;
use thiserror::Error;

use crate::files::Files;

/// Why a name has no address.
#[derive(Debug, Error)]
pub(crate) enum DnsError {
    #[error("{name} has no address that the IP preference allows")]
    NoAddress { name: String },
    #[error("asking DNS for {name} failed")]
    Query { name: String, source: NetError },
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
    read: [Option<FileMark>; 2],
    resolver: Arc<TokioResolver>,
    /// What is put behind a name that is not absolute.
    search: Arc<[Name]>,
    hosts: Arc<Hosts>,
}

/// What tells one content of a file from another without reading it: time, length, inode.
type FileMark = (SystemTime, u64, u64);

impl Dns {
    pub(crate) fn new(files: Files, resolv_conf: &Path, hosts: &Path) -> Self {
        Self {
            files,
            resolv_conf: resolv_conf.to_owned(),
            hosts: hosts.to_owned(),
            current: Mutex::default(),
        }
    }

    /// The addresses of a name, in the order of the answer, of the families that the preference
    /// picks. `held` is what is in use: while the preferred family's question fails (as opposed to
    /// being answered with nothing) addresses of that family are not given up for the other's.
    pub(crate) async fn addresses(
        &self,
        name: &str,
        preference: IpPreference,
        held: &[IpAddr],
    ) -> Result<Vec<IpAddr>, DnsError> {
        let (resolver, _, hosts) = self.resolver();
        // A trailing dot keeps the search domains out of it, as App Mesh did.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        if let Some(addresses) = listed(&hosts, &absolute, preference) {
            return Ok(addresses);
        }
        let v4 = || lookup(&resolver, &absolute, RecordType::A);
        let v6 = || lookup(&resolver, &absolute, RecordType::AAAA);
        let (v4, v6) = match preference {
            IpPreference::V4Only => (v4().await, Ok(Vec::new())),
            IpPreference::V6Only => (Ok(Vec::new()), v6().await),
            IpPreference::Unset | IpPreference::V4Preferred | IpPreference::V6Preferred => {
                tokio::join!(v4(), v6())
            }
        };
        let addresses = settle(preference, v4, v6, held).map_err(|source| DnsError::Query {
            name: name.to_owned(),
            source,
        })?;
        if addresses.is_empty() {
            return Err(DnsError::NoAddress {
                name: name.to_owned(),
            });
        }
        Ok(addresses)
    }

    /// All that an application may dial for a name: the addresses of both families as getaddrinfo(3)
    /// finds them, in the hosts file, else under the first name of the search list that has any; none
    /// if none has. Where the question for one family fails, what is `held` of that family stays.
    pub(crate) async fn all_addresses(
        &self,
        name: &str,
        held: &[IpAddr],
    ) -> Result<Vec<IpAddr>, DnsError> {
        let (resolver, search, hosts) = self.resolver();
        let failed = |source| DnsError::Query {
            name: name.to_owned(),
            source,
        };
        let relative = Name::from_utf8(name).map_err(|error| failed(error.into()))?;
        let listed = listed_all(&hosts, &relative);
        if !listed.is_empty() {
            return Ok(listed);
        }
        for candidate in candidates(&relative, &search, resolver.options().ndots) {
            let absolute = candidate.to_utf8();
            let (v4, v6) = tokio::join!(
                lookup(&resolver, &absolute, RecordType::A),
                lookup(&resolver, &absolute, RecordType::AAAA),
            );
            let found = unite(v4, v6, held).map_err(failed)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn resolver(&self) -> (Arc<TokioResolver>, Arc<[Name]>, Arc<Hosts>) {
        let marks = [&self.resolv_conf, &self.hosts].map(|path| mark(&self.files, path));
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let current = match &mut *current {
            Some(current) if current.read == marks => current,
            outdated => {
                let (resolver, search) = read_resolv_conf(&self.files, &self.resolv_conf);
                outdated.insert(Current {
                    read: marks,
                    resolver: Arc::new(resolver),
                    search: search.into(),
                    hosts: Arc::new(read_hosts(&self.files, &self.hosts)),
                })
            }
        };
        (
            Arc::clone(&current.resolver),
            Arc::clone(&current.search),
            Arc::clone(&current.hosts),
        )
    }
}

fn mark(files: &Files, path: &Path) -> Option<FileMark> {
    let metadata = files.open(path).and_then(|file| file.metadata()).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

/// The resolver that a file describes, and its search list.
fn read_resolv_conf(files: &Files, path: &Path) -> (TokioResolver, Vec<Name>) {
    let (config, mut options) = files
        .read(path)
        .map_err(NetError::from)
        .and_then(system_conf::parse_resolv_conf)
        .unwrap_or_else(|error| {
            tracing::warn!(
                path = %path.display(),
                %error,
                "no name server to be had from the resolver's file; asking 127.0.0.1 as resolv.conf(5) says"
            );
            let local = NameServerConfig::udp_and_tcp(IpAddr::V4(Ipv4Addr::LOCALHOST));
            let config = ResolverConfig::from_parts(None, Vec::new(), vec![local]);
            (config, ResolverOpts::default())
        });
    // Discovery decides when to ask again; an answer kept here would hide changes.
    options.cache_size = 0;
    options.num_concurrent_reqs = 1;
    options.server_ordering_strategy = ServerOrderingStrategy::UserProvidedOrder;
    options.use_hosts_file = ResolveHosts::Never;
    // Nothing here reads what EDNS adds, and some name servers drop questions that have it.
    options.edns0 = false;
    let search = config.search().to_vec();
    let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
        .expect("a resolver without TLS needs nothing that can fail");
    (resolver, search)
}

fn read_hosts(files: &Files, path: &Path) -> Hosts {
    let mut hosts = Hosts::default();
    match files.read(path).map(|bytes| hosts.read_hosts_conf(&*bytes)) {
        Ok(Ok(())) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Ok(Err(error)) => {
            tracing::warn!(path = %path.display(), %error, "the hosts file was read in part only");
        }
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "the hosts file was not read");
        }
    }
    hosts
}

/// The addresses that the hosts file has for a name. One that it lists is not asked of DNS, not for
/// the other family either, as getaddrinfo(3) has it.
fn listed(hosts: &Hosts, name: &str, preference: IpPreference) -> Option<Vec<IpAddr>> {
    let name = Name::from_utf8(name).ok()?;
    let of = |kind| {
        let found = hosts.lookup_static_host(&Query::query(name.clone(), kind));
        found.map_or_else(Vec::new, |found| addresses_of(&found))
    };
    let (v4, v6) = match preference {
        IpPreference::V4Only => (of(RecordType::A), Vec::new()),
        IpPreference::V6Only => (Vec::new(), of(RecordType::AAAA)),
        IpPreference::Unset | IpPreference::V4Preferred | IpPreference::V6Preferred => {
            (of(RecordType::A), of(RecordType::AAAA))
        }
    };
    let found = in_order(preference, v4, v6);
    found.into_iter().find(|addresses| !addresses.is_empty())
}

/// All addresses that the hosts file has for a name as it is written.
fn listed_all(hosts: &Hosts, name: &Name) -> Vec<IpAddr> {
    let mut name = name.clone();
    name.set_fqdn(true);
    let of = |kind| hosts.lookup_static_host(&Query::query(name.clone(), kind));
    let found = [RecordType::A, RecordType::AAAA].into_iter().filter_map(of);
    found.flat_map(|found| addresses_of(&found)).collect()
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

/// The addresses of both families. While the question for one fails, what is held of it stays, if the
/// other has an answer; else it cannot be told whether this is the name.
fn unite<E>(
    v4: Result<Vec<IpAddr>, E>,
    v6: Result<Vec<IpAddr>, E>,
    held: &[IpAddr],
) -> Result<Vec<IpAddr>, E> {
    let (mut found, kept): (Vec<IpAddr>, fn(&IpAddr) -> bool) = match (v4, v6) {
        (Ok(mut v4), Ok(v6)) => {
            v4.extend(v6);
            return Ok(v4);
        }
        (Ok(v4), Err(_)) if !v4.is_empty() => (v4, IpAddr::is_ipv6),
        (Err(_), Ok(v6)) if !v6.is_empty() => (v6, IpAddr::is_ipv4),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    found.extend(held.iter().copied().filter(kept));
    Ok(found)
}

/// The answers of both families, the preferred one first.
fn in_order<T>(preference: IpPreference, v4: T, v6: T) -> [T; 2] {
    match preference {
        IpPreference::V4Only | IpPreference::V4Preferred => [v4, v6],
        IpPreference::Unset | IpPreference::V6Only | IpPreference::V6Preferred => [v6, v4],
    }
}

/// Picks the family: the preferred one if it has addresses, else the other. While the preferred
/// one's question fails, addresses of it that are in use (`held`) are not given up for the other's.
fn settle<E>(
    preference: IpPreference,
    v4: Result<Vec<IpAddr>, E>,
    v6: Result<Vec<IpAddr>, E>,
    held: &[IpAddr],
) -> Result<Vec<IpAddr>, E> {
    let [holds_preferred, _] = in_order(
        preference,
        held.iter().any(IpAddr::is_ipv4),
        held.iter().any(IpAddr::is_ipv6),
    );
    match in_order(preference, v4, v6) {
        [Ok(preferred), _] if !preferred.is_empty() => Ok(preferred),
        [Err(error), _] if holds_preferred => Err(error),
        [_, Ok(other)] if !other.is_empty() => Ok(other),
        [Err(error), _] | [_, Err(error)] => Err(error),
        [Ok(_), Ok(_)] => Ok(Vec::new()),
    }
}

async fn lookup(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
) -> Result<Vec<IpAddr>, NetError> {
    match resolver.lookup(name, kind).await {
        Ok(answer) => Ok(addresses_of(&answer)),
        Err(error) if error.is_no_records_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The addresses of an answer in its order, each once.
fn addresses_of(answer: &Lookup) -> Vec<IpAddr> {
    let mut seen = HashSet::new();
    answer
        .answers()
        .iter()
        .filter_map(|record| record.data.ip_addr())
        .filter(|address| seen.insert(*address))
        .collect()
}

#[cfg(test)]
mod tests;
