//! The context of the getsockopt hook, which runs after the kernel's own answer.

use aya_ebpf::bindings::bpf_sockopt;

use super::{read, write};
use crate::helpers::Sock;

/// A question for a socket option.
#[derive(Clone, Copy)]
pub(crate) struct SocketOption(*mut bpf_sockopt);

impl SocketOption {
    #[inline(always)]
    pub(crate) fn new(context: *mut bpf_sockopt) -> Self {
        Self(context)
    }

    #[inline(always)]
    pub(crate) fn level(self) -> i32 {
        read!(self.0, level)
    }

    #[inline(always)]
    pub(crate) fn name(self) -> i32 {
        read!(self.0, optname)
    }

    #[inline(always)]
    pub(crate) fn sock(self) -> Option<Sock> {
        Sock::new(read!(self.0, __bindgen_anon_1.sk))
    }

    /// Answers instead of the kernel; nothing is touched where the caller's buffer is too short.
    #[inline(always)]
    pub(crate) fn answer<T: Copy>(self, value: &T) {
        let size = size_of::<T>();
        let start = read!(self.0, __bindgen_anon_2.optval).cast::<u8>();
        let end = read!(self.0, __bindgen_anon_3.optval_end).cast::<u8>();
        // The verifier takes this comparison of pointers as the proof, and no other form.
        // SAFETY: stays within the packet pointer's arithmetic that the verifier checks.
        if unsafe { start.add(size) } > end {
            return;
        }
        // SAFETY: the buffer holds `size` bytes, as just compared; it has no alignment.
        unsafe { start.cast::<T>().write_unaligned(*value) };
        write!(size as i32 => self.0, optlen);
        write!(0 => self.0, retval);
    }
}
