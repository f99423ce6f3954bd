//! Sets of ports that cost the same to ask however many ports they hold.

use crate::assert_layout;

const WORDS: usize = 1 << 10;

/// A set of ports: one bit for each of the 65,536.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PortSet([u64; WORDS]);
assert_layout!(PortSet, size 8192, align 8);

impl PortSet {
    /// No port.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Whether it holds a port.
    #[inline(always)]
    pub const fn contains(&self, port: u16) -> bool {
        self.0[(port >> 6) as usize] >> (port & 63) & 1 == 1
    }

    /// Adds a port.
    pub const fn insert(&mut self, port: u16) {
        self.0[(port >> 6) as usize] |= 1 << (port & 63);
    }

    /// Its ports, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        (0..=u16::MAX).filter(|&port| self.contains(port))
    }
}

impl Extend<u16> for PortSet {
    fn extend<I: IntoIterator<Item = u16>>(&mut self, ports: I) {
        for port in ports {
            self.insert(port);
        }
    }
}

impl FromIterator<u16> for PortSet {
    fn from_iter<I: IntoIterator<Item = u16>>(ports: I) -> Self {
        let mut set = Self::EMPTY;
        set.extend(ports);
        set
    }
}

impl core::fmt::Debug for PortSet {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
