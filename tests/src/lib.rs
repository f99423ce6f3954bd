//! Hosts, processes and peers for the tests, the demo and the benchmarks.
//!
//! Everything is real: hosts are network namespaces joined by a bridge, names come from dnsmasq,
//! applications are nginx and unmodified curl, and the daemon is the binary that users run.
//! Everything that is made here is a guard that removes it when dropped, also while panicking, and
//! carries the name of its run, so that what a killed run left is recognised by the next one.
//!
//! From the ground up:
//! - [`wait`], [`process`], [`usage`], [`capability`]: conditions, children, what they cost, rights
//! - [`cgroup`], [`links`], [`netns`], [`network`], [`host`]: where things run
//! - [`syscall`]: what no crate has a safe form of
//! - [`agent`]: what opens sockets as a test tells it
//! - [`remote`]: the same on a host
//! - [`dns`], [`web`], [`envoy`], [`outside`]: real peers
//! - [`name_server`], [`cloud_map`]: those that answer as they are told, also wrongly
//! - [`documents`], [`daemon`], [`client`]: Ferromesh and the application that talks through it
//! - [`probe`]: an application that says when its connections change
//! - [`node`]: a daemon that serves the workloads of several hosts
//! - [`faults`]: services that fail, hosts that come and go, and the load that meets them
//! - [`kernel`]: what an instance holds in the kernel
//! - [`edge`]: which tests stand for which edge case of redirection
//! - [`parity`]: what clients and services see, with Envoy and with Ferromesh between them
//! - [`scenario`]: the guide's getting-started mesh, from all of these

pub mod agent;
pub mod capability;
pub mod cgroup;
pub mod client;
pub mod cloud_map;
pub mod daemon;
pub mod dns;
pub mod documents;
pub mod edge;
pub mod envoy;
pub mod faults;
pub mod host;
pub mod kernel;
pub mod links;
pub mod name_server;
pub mod netns;
pub mod network;
pub mod node;
pub mod outside;
pub mod parity;
pub mod probe;
pub mod process;
pub mod remote;
pub mod scenario;
pub mod stream;
pub mod syscall;
pub mod terminal;
pub mod usage;
pub mod wait;
pub mod web;
