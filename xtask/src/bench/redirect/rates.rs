//! Rates of one way and load, one for each round.

/// They are kept sorted.
#[derive(Debug, Default)]
pub(super) struct Rates(Vec<f64>);

impl Rates {
    pub(super) fn add(&mut self, rate: f64) {
        let place = self.0.partition_point(|other| *other < rate);
        self.0.insert(place, rate);
    }

    /// The middle one, the upper of two; 0 without any.
    pub(super) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(0.0)
    }

    /// The lowest and the highest.
    pub(super) fn spread(&self) -> String {
        match (self.0.first(), self.0.last()) {
            (Some(low), Some(high)) => format!("[{low:.0}, {high:.0}]"),
            _ => "[]".to_owned(),
        }
    }
}
