//! IP addresses of both families in one form.

/// An IPv6 address, or an IPv4 address in v4-mapped form (RFC 4291, 2.5.5.2): four words that hold
/// the sixteen bytes in network order, as the kernel's context fields do.
pub type Address = [u32; 4];

/// The third word of a v4-mapped address.
pub const V4_MAPPED_WORD: u32 = 0xffff_u32.to_be();

/// `::`
pub const UNSPECIFIED: Address = [0; 4];

/// `::1`
pub const LOOPBACK_V6: Address = [0, 0, 0, 1_u32.to_be()];
