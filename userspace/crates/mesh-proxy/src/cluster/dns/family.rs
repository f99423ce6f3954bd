//! Address families: which one a name's addresses are of, and what becomes of it when a question fails.

use std::net::IpAddr;

use hickory_resolver::proto::rr::RecordType;
use mesh_model::snapshot::IpPreference;

use super::servers::Found;

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// Whether an address is of it.
    pub(super) fn has(self, address: &IpAddr) -> bool {
        match self {
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }

    /// The records that hold addresses of it.
    pub(super) fn record(self) -> RecordType {
        match self {
            Self::V4 => RecordType::A,
            Self::V6 => RecordType::AAAA,
        }
    }
}

/// The family that is wanted, and the one that will do in its place (the guide's table of `ipPreference`,
/// "Envoy's DNS resolver").
pub(super) fn families(preference: IpPreference) -> (Family, Option<Family>) {
    match preference {
        IpPreference::V4Only => (Family::V4, None),
        IpPreference::V6Only => (Family::V6, None),
        IpPreference::V4Preferred => (Family::V4, Some(Family::V6)),
        IpPreference::Unset | IpPreference::V6Preferred => (Family::V6, Some(Family::V4)),
    }
}

/// Picks the family: the wanted one if it has addresses, else the other. While the question for the
/// wanted one fails, addresses of it that are in use are not given up for the other's.
pub(super) fn settle<E>(
    wanted: Result<Found, E>,
    other: Option<Result<Found, E>>,
    is_wanted_in_use: bool,
) -> Result<Found, E> {
    match (wanted, other) {
        (Ok(wanted), _) if !wanted.addresses.is_empty() => Ok(wanted),
        (wanted, None) => wanted,
        (Err(error), _) if is_wanted_in_use => Err(error),
        (_, Some(Ok(other))) if !other.addresses.is_empty() => Ok(other),
        (Err(error), _) | (_, Some(Err(error))) => Err(error),
        (Ok(wanted), Some(Ok(_))) => Ok(wanted),
    }
}

/// The addresses of both families. While the question for one fails, what is held of it stays, if the
/// other has an answer; else it cannot be told whether this is the name.
pub(super) fn unite<E>(
    v4: Result<Found, E>,
    v6: Result<Found, E>,
    held: &[IpAddr],
) -> Result<Vec<IpAddr>, E> {
    let (found, kept) = match (v4, v6) {
        (Ok(v4), Ok(v6)) => return Ok([v4.addresses, v6.addresses].concat()),
        (Ok(v4), Err(_)) if !v4.addresses.is_empty() => (v4, Family::V6),
        (Err(_), Ok(v6)) if !v6.addresses.is_empty() => (v6, Family::V4),
        (Err(error), _) | (_, Err(error)) => return Err(error),
    };
    let kept = held.iter().copied().filter(|address| kept.has(address));
    Ok(found.addresses.into_iter().chain(kept).collect())
}
