//! Addresses between the standard library and the maps.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ebpf_abi::Address;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// How many bits of a v4-mapped address come before those of IPv4.
const MAPPED_BITS: u8 = 96;

/// The form of the maps; IPv4 becomes v4-mapped.
pub(crate) fn to_words(address: IpAddr) -> Address {
    let octets = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    };
    std::array::from_fn(|word| {
        u32::from_ne_bytes(std::array::from_fn(|byte| octets[word * 4 + byte]))
    })
}

/// The form of the standard library; v4-mapped becomes IPv4.
pub(crate) fn from_words(address: Address) -> IpAddr {
    let mut octets = [0; 16];
    for (place, word) in octets.chunks_exact_mut(4).zip(address) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
}

/// An address with its port.
pub(crate) fn socket_address(address: Address, port: u16) -> SocketAddr {
    SocketAddr::new(from_words(address), port)
}

/// A network as address and prefix length of the maps' form.
pub(crate) fn network_to_words(network: IpNet) -> (Address, u8) {
    let length = match network {
        IpNet::V4(v4) => MAPPED_BITS + v4.prefix_len(),
        IpNet::V6(v6) => v6.prefix_len(),
    };
    (to_words(network.network()), length)
}

/// The network of an address and prefix length of the maps' form; none for a length above 128.
pub(crate) fn network_from_words(address: Address, length: u8) -> Option<IpNet> {
    match from_words(address) {
        IpAddr::V4(v4) if length >= MAPPED_BITS => {
            Ipv4Net::new(v4, length - MAPPED_BITS).ok().map(IpNet::V4)
        }
        IpAddr::V4(v4) => Ipv6Net::new(v4.to_ipv6_mapped(), length)
            .ok()
            .map(IpNet::V6),
        IpAddr::V6(v6) => Ipv6Net::new(v6, length).ok().map(IpNet::V6),
    }
}

#[cfg(test)]
mod tests;
