//! Values of rounds: their median, and how sure it is.

/// One value for each round. They are kept sorted.
#[derive(Debug, Default)]
pub(super) struct Values(Vec<f64>);

impl Values {
    pub(super) fn add(&mut self, value: f64) {
        let place = self.0.partition_point(|other| *other < value);
        self.0.insert(place, value);
    }

    /// The middle one, between the middle two of an even number; 0 without any.
    pub(super) fn median(&self) -> f64 {
        let Some(last) = self.0.len().checked_sub(1) else {
            return 0.0;
        };
        f64::midpoint(self.0[last / 2], self.0[last.div_ceil(2)])
    }

    /// The narrowest pair of values, equally far from both ends, between which the median of the
    /// distribution lies with at least 95 %, whatever the distribution: the number of values below the
    /// median is binomial. The lowest and the highest where there are fewer than 6.
    pub(super) fn interval(&self) -> Option<(f64, f64)> {
        let count = self.0.len();
        let cut = cut(count);
        Some((*self.0.get(cut)?, *self.0.get(count.checked_sub(cut + 1)?)?))
    }

    /// The interval with so many decimals.
    pub(super) fn interval_text(&self, decimals: usize) -> String {
        self.interval().map_or_else(String::new, |(low, high)| {
            format!("[{low:.decimals$}, {high:.decimals$}]")
        })
    }
}

/// How many values may be left out at each end: the most for which as many or fewer fall on one side of
/// the median with at most 2.5 %.
fn cut(count: usize) -> usize {
    let mut tail = 0.0;
    let mut chance = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let mut cut = 0;
    for below in 0..count / 2 {
        tail += chance;
        if tail > 0.025 {
            break;
        }
        // The values at both ends are still in: `below` of them are out on each side.
        cut = below;
        #[expect(clippy::cast_precision_loss, reason = "a few rounds")]
        let next = (count - below) as f64 / (below + 1) as f64;
        chance *= next;
    }
    cut
}
