//! Boots kernels in QEMU and loads the eBPF programs there.
fn main() {}
