//! Places on a ring, as shares of 2^64 of its length.

/// From one place to the next: the golden section of the ring. However many places were taken, the next
/// one lies in one of the widest gaps between them, and so it does if only every second of them counts,
/// or every tenth: a regular pattern in what is asked for meets none in what is picked.
pub(crate) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// From the start of one worker to that of the next: the broken part of the square root of 2, which has
/// no small multiple in common with [`STEP`]. By that, one worker would begin where another goes on,
/// and what they are off would add up.
const BETWEEN_WORKERS: u64 = 0x6a09_e667_f3bc_c908;

/// Where a worker begins, as a share of 2^64 of a ring: workers that have the same seed begin far from
/// each other, however many there are.
pub fn start_of(seed: u64, worker: usize) -> u64 {
    seed.wrapping_add((worker as u64).wrapping_mul(BETWEEN_WORKERS))
}

/// The number below `count` that a place on a ring of `count` equal parts has.
pub(crate) fn scale(place: u64, count: u64) -> u64 {
    // The high half of place × count is uniform below count, to within count / 2^64.
    let wide = u128::from(place) * u128::from(count);
    u64::try_from(wide >> 64).expect("a product shifted by 64 bits fits")
}
