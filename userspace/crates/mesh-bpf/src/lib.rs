//! Loads, attaches, pins and feeds the eBPF programs.
