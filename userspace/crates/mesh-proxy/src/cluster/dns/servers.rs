//! The name servers that a resolv.conf(5) lists, asked one after another: one that is gone, slow or
//! refuses to answer gives way to the next.

use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use hickory_resolver::{
    Resolver, TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts},
    lookup::Lookup,
    net::{NetError, runtime::TokioRuntimeProvider},
    proto::rr::{Name, RecordType},
    system_conf,
};
use thiserror::Error;

use crate::files::Files;

/// Over one TCP connection: all clusters of a workload ask at the same time.
const QUESTIONS_AT_ONCE: usize = 1024;

/// Name servers, and how they are asked.
#[derive(Debug)]
pub(super) struct NameServers {
    /// Each with a resolver of its own: one for all spends the time of a question on the first server
    /// that is silent, and takes SERVFAIL of one for the word of all.
    servers: Vec<Server>,
    /// How often each is asked (resolv.conf(5), `attempts`).
    attempts: usize,
    /// Which of them had the last answer. It is asked first, so that one that is gone costs its time
    /// once and not with each question.
    first: AtomicUsize,
    /// What is put behind a name that is not absolute.
    pub(super) search: Vec<Name>,
    /// So many dots make a name likely to be absolute.
    pub(super) ndots: usize,
}

#[derive(Debug)]
struct Server {
    address: IpAddr,
    resolver: TokioResolver,
}

/// What a name server says of a name and one address family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// In the order of the answer, each once.
    pub(super) addresses: Vec<IpAddr>,
    /// The shortest time to live of its records; none where there are none.
    pub(super) ttl: Option<Duration>,
    /// There is no such name (NXDOMAIN).
    pub(super) is_unknown: bool,
}

/// No name server has an answer.
#[derive(Debug, Error)]
#[error("the last one asked is {server}")]
pub(crate) struct Unanswered {
    server: IpAddr,
    source: NetError,
}

impl NameServers {
    /// Those of a file; without one, or with one that names none, 127.0.0.1.
    pub(super) fn read(files: &Files, path: &Path) -> Self {
        let (config, options) = files
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
        let servers = config.name_servers().iter();
        Self {
            servers: servers
                .map(|server| Server::new(server.clone(), &options))
                .collect(),
            attempts: options.attempts.max(1),
            first: AtomicUsize::new(0),
            search: config.search().to_vec(),
            ndots: options.ndots,
        }
    }

    /// Asks for the addresses of an absolute name in one family.
    pub(super) async fn lookup(&self, name: &str, kind: RecordType) -> Result<Found, Unanswered> {
        let mut failure = Unanswered {
            server: IpAddr::V4(Ipv4Addr::LOCALHOST),
            source: NetError::NoConnections,
        };
        let first = self.first.load(Ordering::Relaxed);
        for _ in 0..self.attempts {
            for turn in 0..self.servers.len() {
                let index = (first + turn) % self.servers.len();
                let Server { address, resolver } = &self.servers[index];
                match ask(resolver, name, kind).await {
                    Ok(found) => {
                        self.first.store(index, Ordering::Relaxed);
                        return Ok(found);
                    }
                    Err(source) => {
                        failure = Unanswered {
                            server: *address,
                            source,
                        };
                    }
                }
            }
        }
        Err(failure)
    }
}

impl Server {
    fn new(server: NameServerConfig, options: &ResolverOpts) -> Self {
        let address = server.ip;
        let mut options = options.clone();
        // A server is tried again when the others have been.
        options.attempts = 0;
        options.timeout = options.timeout.max(Duration::from_secs(1));
        options.max_active_requests = QUESTIONS_AT_ONCE;
        // Discovery decides when to ask again; an answer kept here would hide changes.
        options.cache_size = 0;
        options.use_hosts_file = ResolveHosts::Never;
        // Nothing here reads what EDNS adds, and some name servers drop questions that have it.
        options.edns0 = false;
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let resolver = Resolver::builder_with_config(config, TokioRuntimeProvider::default())
            .with_options(options)
            .build()
            .expect("a resolver without TLS needs nothing that can fail");
        Self { address, resolver }
    }
}

async fn ask(resolver: &TokioResolver, name: &str, kind: RecordType) -> Result<Found, NetError> {
    match resolver.lookup(name, kind).await {
        Ok(answer) => Ok(found(&answer)),
        Err(error) if error.is_no_records_found() => Ok(Found {
            is_unknown: error.is_nx_domain(),
            ..Found::default()
        }),
        Err(error) => Err(error),
    }
}

fn found(answer: &Lookup) -> Found {
    let records = answer.answers();
    let ttl = records.iter().map(|record| record.ttl).min();
    Found {
        addresses: addresses_of(answer),
        ttl: ttl.map(|seconds| Duration::from_secs(seconds.into())),
        is_unknown: false,
    }
}

/// The addresses of an answer in its order, each once.
pub(super) fn addresses_of(answer: &Lookup) -> Vec<IpAddr> {
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
