//! Loads, attaches, pins and feeds the eBPF programs.
//!
//! Everything of an instance lives in its pins under `/sys/fs/bpf/ferromesh/NAME/`, so it outlives
//! the daemon: [`Instance`] is the daemon's hold on it, [`inspect`](inspect::inspect) reads it
//! without a daemon, [`uninstall`](uninstall::uninstall) removes it.

mod address;
pub mod adopt;
pub mod cgroup;
mod connection;
mod counter;
pub mod diag;
mod error;
pub mod explain;
pub mod inspect;
mod instance;
mod links;
pub mod live;
pub mod local;
mod maps;
mod netlink;
mod netns;
mod object;
mod origins;
mod pins;
pub mod preflight;
mod settings;
pub mod silence;
pub mod survey;
pub mod switch;
mod sys;
mod tcp_info;
pub mod trace;
pub mod uninstall;
pub mod unredirected;

pub use connection::{
    ClosedConnection, ClosedConnections, ConnectionRecord, Direction, Verdict, reasons,
};
pub use counter::{Counter, LiveCount};
pub use error::BpfError;
pub use instance::Instance;
pub use origins::Origins;
pub use settings::{InstanceSettings, Limits, ProxyKind, WorkloadSpec};
