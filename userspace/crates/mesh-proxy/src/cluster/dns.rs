//! Asks the workload's own resolver: its `hosts` file, then the servers of its `resolv.conf`.

use std::{
    collections::HashSet,
    fs,
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
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::RecordType,
    system_conf,
};
use mesh_model::snapshot::IpPreference;
use thiserror::Error;

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
    resolv_conf: PathBuf,
    hosts: PathBuf,
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
struct Current {
    read: [Option<FileMark>; 2],
    resolver: Arc<TokioResolver>,
}

/// What tells one content of a file from another without reading it: time, length, inode.
type FileMark = (SystemTime, u64, u64);

impl Dns {
    pub(crate) fn new(resolv_conf: &Path, hosts: &Path) -> Self {
        Self {
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
        let resolver = self.resolver();
        // A trailing dot keeps the search domains out of it, as App Mesh did.
        let absolute = format!("{}.", name.trim_end_matches('.'));
        let v4 = || lookup(&resolver, &absolute, RecordType::A);
        let v6 = || lookup(&resolver, &absolute, RecordType::AAAA);
        let (first, second) = match preference {
            IpPreference::V4Only => (v4().await, Ok(Vec::new())),
            IpPreference::V6Only => (v6().await, Ok(Vec::new())),
            IpPreference::V4Preferred => tokio::join!(v4(), v6()),
            IpPreference::Unset | IpPreference::V6Preferred => tokio::join!(v6(), v4()),
        };
        let preferred_is_held = held.first().is_some_and(|address| {
            address.is_ipv4()
                == matches!(preference, IpPreference::V4Only | IpPreference::V4Preferred)
        });
        let failed = |source| DnsError::Query {
            name: name.to_owned(),
            source,
        };
        match (first, second) {
            (Err(error), _) if preferred_is_held => Err(failed(error)),
            (Ok(addresses), _) | (_, Ok(addresses)) if !addresses.is_empty() => Ok(addresses),
            (Err(error), _) | (_, Err(error)) => Err(failed(error)),
            (Ok(_), Ok(_)) => Err(DnsError::NoAddress {
                name: name.to_owned(),
            }),
        }
    }

    fn resolver(&self) -> Arc<TokioResolver> {
        let marks = [mark(&self.resolv_conf), mark(&self.hosts)];
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some(current) if current.read == marks => Arc::clone(&current.resolver),
            _ => {
                let resolver = Arc::new(build(&self.resolv_conf, &self.hosts));
                *current = Some(Current {
                    read: marks,
                    resolver: Arc::clone(&resolver),
                });
                resolver
            }
        }
    }
}

fn mark(path: &Path) -> Option<FileMark> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

fn build(resolv_conf: &Path, hosts: &Path) -> TokioResolver {
    let (config, mut options) = fs::read(resolv_conf)
        .map_err(NetError::from)
        .and_then(system_conf::parse_resolv_conf)
        .unwrap_or_else(|error| {
            tracing::warn!(
                path = %resolv_conf.display(),
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
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
        .with_options(options);
    // Answers are relayed as they are; nothing downstream reads EDNS.
    builder.options_mut().edns0 = false;
    let mut resolver = builder
        .build()
        .expect("a resolver without TLS needs nothing that can fail");
    let mut entries = Hosts::default();
    if let Ok(file) = fs::File::open(hosts)
        && let Err(error) = entries.read_hosts_conf(file)
    {
        tracing::warn!(path = %hosts.display(), %error, "the hosts file was read in part only");
    }
    resolver.set_hosts(Arc::new(entries));
    resolver
}

async fn lookup(
    resolver: &TokioResolver,
    name: &str,
    kind: RecordType,
) -> Result<Vec<IpAddr>, NetError> {
    let answer = match resolver.lookup(name, kind).await {
        Ok(answer) => answer,
        Err(error) if error.is_no_records_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut seen = HashSet::new();
    Ok(answer
        .answers()
        .iter()
        .filter_map(|record| record.data.ip_addr())
        .filter(|address| seen.insert(*address))
        .collect())
}
