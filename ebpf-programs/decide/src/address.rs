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

/// Whether an address is all zeros, which stands for none. The v4-mapped form of 0.0.0.0 is not.
#[inline(always)]
pub const fn is_unspecified(address: &Address) -> bool {
    address[0] | address[1] | address[2] | address[3] == 0
}

/// Whether an address is of one link alone, and says nothing without its interface (`fe80::/10`).
#[inline(always)]
pub const fn is_link_local(address: &Address) -> bool {
    u32::from_be(address[0]) >> 22 == 0xfe80 >> 6
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

/// The address of a /64 that an IPv6 destination is redirected to: the same for equal destinations,
/// as good as never the same for others. Its lowest bit is set, so that it is not the anycast
/// address of routers (RFC 4291, section 2.6.1).
#[inline(always)]
pub const fn target_in(prefix: [u32; 2], destination: &Address, port: u16) -> Address {
    let high = (destination[0] as u64) << 32 | destination[1] as u64;
    let low = (destination[2] as u64) << 32 | destination[3] as u64;
    let hash = mix(mix(high ^ (port as u64) << 16) ^ low) | 1;
    let hash = hash.to_be_bytes();
    [
        prefix[0],
        prefix[1],
        u32::from_ne_bytes([hash[0], hash[1], hash[2], hash[3]]),
        u32::from_ne_bytes([hash[4], hash[5], hash[6], hash[7]]),
    ]
}

/// The finalizer of `MurmurHash3` for 64 bits, begun with an odd constant, so that zero moves too.
#[inline(always)]
const fn mix(word: u64) -> u64 {
    let mut hash = word ^ 0x9e37_79b9_7f4a_7c15;
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests;
