//! Hosts, processes and peers for the tests, the demo and the benchmarks.
