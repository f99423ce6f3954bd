//! What the kernel hands to each kind of program, field by field.
//!
//! Every field is read and written alone and volatile: the compiler would join neighbours into one
//! wider access, which the verifier refuses.

pub(crate) mod connect;
pub(crate) mod lookup;
pub(crate) mod socket_option;
pub(crate) mod tcp;

use ebpf_abi::Address;
use ebpf_decide::address::mapped;

/// Reads one field of a context.
macro_rules! read {
    ($context:expr, $($field:tt)+) => {
        // SAFETY: a context is valid while its program runs, and the verifier checks the access.
        unsafe { core::ptr::read_volatile(&raw const (*$context).$($field)+) }
    };
}
pub(crate) use read;

/// Writes one field of a context.
macro_rules! write {
    ($value:expr => $context:expr, $($field:tt)+) => {
        // SAFETY: as for reading; a program has its context for itself.
        unsafe { core::ptr::write_volatile(&raw mut (*$context).$($field)+, $value) }
    };
}
pub(crate) use write;

/// Reads the four words of an IPv6 address.
macro_rules! read_v6 {
    ($context:expr, $field:ident) => {
        [
            $crate::context::read!($context, $field[0]),
            $crate::context::read!($context, $field[1]),
            $crate::context::read!($context, $field[2]),
            $crate::context::read!($context, $field[3]),
        ]
    };
}
pub(crate) use read_v6;

/// The address of a context's family, from the fields of both: reading one of them under a
/// condition would let the compiler join the two reads into one at a computed place, which the
/// verifier refuses.
#[inline(always)]
pub(crate) fn either(family: u32, v4: u32, v6: Address) -> Address {
    if family == AF_INET { mapped(v4) } else { v6 }
}

/// The address family of IPv4 in contexts.
pub(crate) const AF_INET: u32 = 2;
/// The address family of IPv6 in contexts.
pub(crate) const AF_INET6: u32 = 10;
/// TCP as protocol number.
pub(crate) const IPPROTO_TCP: u32 = 6;
