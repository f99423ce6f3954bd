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
        let (resolver, hosts) = self.resolver();
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

    fn resolver(&self) -> (Arc<TokioResolver>, Arc<Hosts>) {
        let marks = [&self.resolv_conf, &self.hosts].map(|path| mark(&self.files, path));
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let current = match &mut *current {
            Some(current) if current.read == marks => current,
            outdated => outdated.insert(Current {
                read: marks,
                resolver: Arc::new(read_resolv_conf(&self.files, &self.resolv_conf)),
                hosts: Arc::new(read_hosts(&self.files, &self.hosts)),
            }),
        };
        (Arc::clone(&current.resolver), Arc::clone(&current.hosts))
    }
}

fn mark(files: &Files, path: &Path) -> Option<FileMark> {
    let metadata = files.open(path).and_then(|file| file.metadata()).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

fn read_resolv_conf(files: &Files, path: &Path) -> TokioResolver {
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
    Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options)
        .build()
        .expect("a resolver without TLS needs nothing that can fail")
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
