//! What the eBPF programs decide, as pure functions: facts in, verdict and reason out.
//!
//! The programs gather facts and carry decisions out; the rules are here, where they run on the
//! host against a naive model of themselves. Facts that cost a map lookup are asked for through a
//! trait, in the order of the rules, so nothing is looked up that no longer matters.
#![no_std]
#![expect(
    clippy::inline_always,
    reason = "a program is one function where it can be: calls cost stack, which is 512 bytes"
)]

pub mod address;
pub mod bytes;
pub mod egress;
pub mod ingress;
pub mod ruling;
mod switch;
pub mod target;

/// A verdict and why, as in [`ebpf_abi::verdict`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the connection.
    pub verdict: u32,
    /// Why.
    pub reason: u32,
}

impl Decision {
    /// Left as it is.
    #[inline(always)]
    pub const fn direct(reason: u32) -> Self {
        Self {
            verdict: ebpf_abi::verdict::DIRECT,
            reason,
        }
    }

    /// Sent to the proxy.
    #[inline(always)]
    pub const fn redirected() -> Self {
        Self {
            verdict: ebpf_abi::verdict::REDIRECTED,
            reason: ebpf_abi::verdict::MATCHED,
        }
    }

    /// Refused.
    #[inline(always)]
    pub const fn refused(reason: u32) -> Self {
        Self {
            verdict: ebpf_abi::verdict::REFUSED,
            reason,
        }
    }
}
