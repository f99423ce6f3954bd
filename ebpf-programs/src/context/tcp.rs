//! The context of the `sock_ops` hook: a TCP socket and what happens to it.

use core::ptr;

use aya_ebpf::{
    bindings::bpf_sock_ops,
    helpers::generated::{bpf_get_netns_cookie, bpf_get_socket_cookie, bpf_sock_ops_cb_flags_set},
};
use ebpf_abi::Address;
use ebpf_decide::bytes::Sequence;

use super::{either, read, read_v6};
use crate::{helpers::Sock, maps};

/// The shortest header of TCP, in bytes (RFC 9293, 3.1).
const TCP_HEADER: usize = 20;

/// A TCP socket and what happens to it.
#[derive(Clone, Copy)]
pub(crate) struct Tcp(*mut bpf_sock_ops);

impl Tcp {
    #[inline(always)]
    pub(crate) fn new(context: *mut bpf_sock_ops) -> Self {
        Self(context)
    }

    /// What happens, one of `BPF_SOCK_OPS_…`.
    #[inline(always)]
    pub(crate) fn event(self) -> u32 {
        read!(self.0, op)
    }

    /// The states of a `BPF_SOCK_OPS_STATE_CB`: from, to.
    #[inline(always)]
    pub(crate) fn change(self) -> (u32, u32) {
        (
            read!(self.0, __bindgen_anon_1.args[0]),
            read!(self.0, __bindgen_anon_1.args[1]),
        )
    }

    #[inline(always)]
    pub(crate) fn sock(self) -> Option<Sock> {
        Sock::new(read!(self.0, __bindgen_anon_2.sk))
    }

    #[inline(always)]
    pub(crate) fn local(self) -> Address {
        either(
            read!(self.0, family),
            read!(self.0, local_ip4),
            read_v6!(self.0, local_ip6),
        )
    }

    #[inline(always)]
    pub(crate) fn remote(self) -> Address {
        either(
            read!(self.0, family),
            read!(self.0, remote_ip4),
            read_v6!(self.0, remote_ip6),
        )
    }

    #[inline(always)]
    pub(crate) fn local_port(self) -> u16 {
        read!(self.0, local_port) as u16
    }

    #[inline(always)]
    pub(crate) fn remote_port(self) -> u16 {
        // The kernel keeps this one in network order, in the upper half of the word.
        u32::from_be(read!(self.0, remote_port)) as u16
    }

    #[inline(always)]
    pub(crate) fn bytes_acked(self) -> u64 {
        read!(self.0, bytes_acked)
    }

    #[inline(always)]
    pub(crate) fn bytes_received(self) -> u64 {
        read!(self.0, bytes_received)
    }

    /// The smoothed round-trip time, in microseconds.
    #[inline(always)]
    pub(crate) fn rtt_us(self) -> u32 {
        // The kernel keeps it times eight (RFC 6298, with fixed-point arithmetic).
        read!(self.0, srtt_us) >> 3
    }

    #[inline(always)]
    pub(crate) fn retransmits(self) -> u32 {
        read!(self.0, total_retrans)
    }

    /// Where the connection stands in its sequence numbers; `peer_fin` goes in as it is.
    #[inline(always)]
    pub(crate) fn sequence(self, peer_fin: u32) -> Sequence {
        Sequence {
            snd_una: read!(self.0, snd_una),
            snd_nxt: read!(self.0, snd_nxt),
            rcv_nxt: read!(self.0, rcv_nxt),
            peer_fin,
        }
    }

    /// The flags of the segment that `BPF_SOCK_OPS_PARSE_HDR_OPT_CB` or `…_HDR_OPT_LEN_CB` is about;
    /// none where the latter is about no segment.
    #[inline(always)]
    pub(crate) fn segment_flags(self) -> u32 {
        read!(self.0, skb_tcp_flags)
    }

    /// The sequence number behind the segment with FIN that `BPF_SOCK_OPS_PARSE_HDR_OPT_CB` is about.
    #[inline(always)]
    pub(crate) fn segment_end(self) -> Option<u32> {
        let header = read!(self.0, __bindgen_anon_3.skb_data).cast::<u8>();
        let end = read!(self.0, __bindgen_anon_4.skb_data_end).cast::<u8>();
        if header.wrapping_add(TCP_HEADER) > end {
            return None;
        }
        // SAFETY: as many bytes as were compared with the end are there.
        let (sequence, words) = unsafe {
            (
                ptr::read_unaligned(header.add(4).cast::<u32>()),
                *header.add(12) >> 4,
            )
        };
        let payload = read!(self.0, skb_len).wrapping_sub(u32::from(words) * 4);
        Some(u32::from_be(sequence).wrapping_add(payload).wrapping_add(1))
    }

    #[inline(always)]
    pub(crate) fn cookie(self) -> u64 {
        // SAFETY: the context is of this program.
        unsafe { bpf_get_socket_cookie(self.0.cast()) }
    }

    /// The cookie of the socket's network namespace; 0 where the kernel does not tell.
    #[inline(always)]
    pub(crate) fn netns_cookie(self) -> u64 {
        if maps::has_netns_cookies() {
            // SAFETY: the context is of this program.
            unsafe { bpf_get_netns_cookie(self.0.cast()) }
        } else {
            0
        }
    }

    /// Asks for more events of this socket, beside those that other programs asked for.
    #[inline(always)]
    pub(crate) fn also_tell(self, events: u32) {
        let asked = read!(self.0, bpf_sock_ops_cb_flags);
        // SAFETY: the context is of this program. It fails for sockets that are none any more,
        // which have nothing to tell.
        unsafe { bpf_sock_ops_cb_flags_set(self.0, (asked | events) as i32) };
    }
}
