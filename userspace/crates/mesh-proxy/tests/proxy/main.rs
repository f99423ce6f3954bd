//! The proxy as a whole, in process: real sockets on loopback, a pretended kernel that says where
//! connections were going.

mod access_log;
mod agreement;
mod aws;
mod balancing;
mod cloud_map;
mod discovery;
mod drain;
mod exchange;
mod failover;
mod failure;
mod generation;
mod health;
mod hostile;
mod http;
mod http1;
mod leave;
mod limits;
mod listener_change;
mod pool;
mod pulse;
mod reason;
mod removal;
mod retry;
mod slow;
mod split;
mod support;
mod tap;
mod tcp;
mod tcp_by_address;
mod upgrade;
mod upkeep;
