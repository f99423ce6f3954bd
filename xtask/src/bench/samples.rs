//! What two sides met in turns, and how sure the ratio of the two is.

#[cfg(test)]
mod tests;

/// How many times the turns are drawn anew for the bounds of a ratio.
const DRAWS: usize = 400;
/// The draws are the same in every run: only what was measured makes a difference.
const SEED: u64 = 1;

/// What both sides met in a turn, in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    /// Of the side that is measured.
    pub(super) measured: Vec<u32>,
    /// Of the side that it is measured by.
    pub(super) reference: Vec<u32>,
}

/// All turns of a kind.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Turn>);

impl Samples {
    pub(super) fn add(&mut self, turn: Turn) {
        self.0.push(turn);
    }

    /// That percentile of one side's times of all turns; 0 without any.
    pub(super) fn percentile(&self, side: fn(&Turn) -> &[u32], percent: usize) -> u32 {
        percentile(self.0.iter(), side, percent)
    }

    /// The measured side's percentile of the other's, between the bounds that leave out 5 % of the
    /// draws below and above: each draw takes as many turns as there are, some often, some never.
    pub(super) fn ratio(&self, percent: usize) -> [f64; 3] {
        let of = |turns: &[&Turn]| {
            let side = |side: fn(&Turn) -> &[u32]| {
                f64::from(percentile(turns.iter().copied(), side, percent))
            };
            side(|turn| &turn.measured) / side(|turn| &turn.reference)
        };
        let mut random = fastrand::Rng::with_seed(SEED);
        let mut draws: Vec<f64> = (0..DRAWS)
            .map(|_| {
                let turns: Vec<&Turn> = (0..self.0.len())
                    .map(|_| &self.0[random.usize(..self.0.len())])
                    .collect();
                of(&turns)
            })
            .collect();
        draws.sort_by(f64::total_cmp);
        let all: Vec<&Turn> = self.0.iter().collect();
        [draws[DRAWS / 20], of(&all), draws[DRAWS - 1 - DRAWS / 20]]
    }
}

impl Samples {
    /// The columns under [`Samples::heading`]: both sides' times at two percentiles, the ratios, and
    /// whether the one at the 99th is at most `bound`.
    pub(super) fn row(&self, bound: f64) -> String {
        let side = |of: fn(&Turn) -> &[u32]| {
            let at = |percent| self.percentile(of, percent);
            format!("{}, {}", at(50), at(99))
        };
        let [low, p99, high] = self.ratio(99);
        let verdict = if low > bound {
            "above the bound"
        } else if high > bound {
            "this run cannot tell"
        } else {
            "within the bound"
        };
        format!(
            "{:>26}{:>26}{:>8.2}{p99:>8.2} [{low:.2}, {high:.2}]  {verdict}",
            side(|turn| &turn.measured),
            side(|turn| &turn.reference),
            self.ratio(50)[1],
        )
    }

    /// What stands above the rows, with what the two sides are.
    pub(super) fn heading(measured: &str, reference: &str) -> String {
        let percentiles = [measured, reference].map(|side| format!("{side}: p50, p99"));
        let [measured, reference] = percentiles;
        format!("{measured:>26}{reference:>26}{:>8}{:>8}", "p50", "p99")
    }
}

fn percentile<'a>(
    turns: impl Iterator<Item = &'a Turn>,
    side: fn(&Turn) -> &[u32],
    percent: usize,
) -> u32 {
    let mut times: Vec<u32> = turns.flat_map(|turn| side(turn).iter().copied()).collect();
    if times.is_empty() {
        return 0;
    }
    let at = (times.len() * percent / 100).min(times.len() - 1);
    *times.select_nth_unstable(at).1
}
