//! The eBPF programs in the real kernel, through real sockets: one workload in a child cgroup, a
//! proxy that the test plays itself, in a network namespace of their own.

mod stage;

mod bytes;
mod capabilities;
mod down;
mod egress;
mod explain;
mod half_done;
mod hostile;
mod ingress;
mod inside;
mod lifetime;
mod limits;
mod made_outside;
mod many_rules;
mod names;
mod namespaces;
mod nested;
mod original_destination;
mod ports;
mod refused;
mod released;
mod requirements;
mod silence;
mod skip_rules;
mod switch;
mod switching;
mod targets;
mod trace;
mod ways;
