//! The eBPF object that was embedded when the daemon was built.

/// Bytes at an address that an ELF reader may take for that of a header: it casts in place.
#[repr(C, align(16))]
struct Aligned<Bytes: ?Sized>(Bytes);

/// The object file; empty in a daemon that was built without one (see `build.rs`).
pub(crate) static OBJECT: &[u8] = {
    static EMBEDDED: &Aligned<[u8]> =
        &Aligned(*include_bytes!(concat!(env!("OUT_DIR"), "/ferromesh-ebpf")));
    &EMBEDDED.0
};
