//! The `hosts` file: a name that it lists is not asked of DNS.

use std::{io::ErrorKind, net::IpAddr, path::Path};

use hickory_resolver::{
    Hosts,
    proto::{
        op::Query,
        rr::{Name, RecordType},
    },
};
use mesh_model::snapshot::IpPreference;

use super::{family::families, servers::addresses_of};
use crate::files::Files;

pub(super) fn read(files: &Files, path: &Path) -> Hosts {
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
pub(super) fn listed(hosts: &Hosts, name: &str, preference: IpPreference) -> Option<Vec<IpAddr>> {
    let name = Name::from_utf8(name).ok()?;
    let (wanted, other) = families(preference);
    [Some(wanted), other]
        .into_iter()
        .flatten()
        .map(|family| of(hosts, &name, family.record()))
        .find(|addresses| !addresses.is_empty())
}

/// All addresses that the hosts file has for a name as it is written.
pub(super) fn listed_all(hosts: &Hosts, name: &Name) -> Vec<IpAddr> {
    let mut name = name.clone();
    name.set_fqdn(true);
    let kinds = [RecordType::A, RecordType::AAAA].into_iter();
    kinds.flat_map(|kind| of(hosts, &name, kind)).collect()
}

fn of(hosts: &Hosts, name: &Name, kind: RecordType) -> Vec<IpAddr> {
    let found = hosts.lookup_static_host(&Query::query(name.clone(), kind));
    found.map_or_else(Vec::new, |found| addresses_of(&found))
}
