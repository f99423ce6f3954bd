//! Kinds of address, and where redirected connections are sent.

use ebpf_abi::{Address, LOOPBACK_V6, UNSPECIFIED, V4_MAPPED_WORD};

/// An IPv4 address, given as the kernel's context fields hold it, in v4-mapped form.
#[inline(always)]
pub const fn mapped(v4: u32) -> Address {
    [0, 0, V4_MAPPED_WORD, v4]
}

/// Whether an address is IPv4, plain or v4-mapped.
#[inline(always)]
pub const fn is_v4(address: &Address) -> bool {
    address[0] == 0 && address[1] == 0 && address[2] == V4_MAPPED_WORD
}

/// Whether an address is local to every namespace: 127.0.0.0/8, `::1`, and the unspecified
/// addresses, which connect to the host itself.
#[inline(always)]
pub const fn is_always_local(address: &Address) -> bool {
    if is_v4(address) {
        let v4 = u32::from_be(address[3]);
        return v4 >> 24 == 127 || v4 == 0;
    }
    let high_words = address[0] | address[1] | address[2];
    high_words == 0 && (address[3] == LOOPBACK_V6[3] || address[3] == UNSPECIFIED[3])
}

/// The loopback address that an IPv4 destination is redirected to: the same for equal destinations,
/// spread over 127.0.0.0/8 otherwise, so that a host keeps the space of source ports that it had:
/// one for each destination. The last octet is 1 to 254, because .0 and .255 confuse people and
/// tools.
#[inline(always)]
pub const fn loopback_for(destination: &Address, port: u16) -> Address {
    // The finalizer of MurmurHash3: every bit of the input moves every bit of the output. The port
    // comes in by an odd multiple, so that neighbouring ports are not neighbouring addresses.
    let mut hash = destination[3] ^ (port as u32).wrapping_mul(0x9e37_79b1);
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^= hash >> 16;
    let last = hash % 254 + 1;
    let v4 = 127_u32 << 24 | (hash & 0x00ff_ff00) | last;
    mapped(v4.to_be())
}

#[cfg(test)]
mod tests;
