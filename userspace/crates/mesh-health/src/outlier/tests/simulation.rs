//! The detector beside a naive one, which keeps a diary and reads it from the beginning for every
//! question.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::*;

const WORKERS: usize = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Answers {
        host: usize,
        is_failure: bool,
        count: u64,
    },
    /// The count of failures in a row began anew.
    Anew(usize),
    Ejected(usize, Duration),
    Returned(usize, Duration),
    Swept(Duration),
    Gone(usize),
}

impl Entry {
    fn is_about(&self, host: usize) -> bool {
        match *self {
            Self::Answers { host: whose, .. }
            | Self::Anew(whose)
            | Self::Ejected(whose, _)
            | Self::Returned(whose, _)
            | Self::Gone(whose) => whose == host,
            Self::Swept(_) => true,
        }
    }
}

struct Naive {
    policy: OutlierDetection,
    hosts: BTreeSet<usize>,
    diary: Vec<Entry>,
}

impl Naive {
    /// What the diary says of an endpoint since it is there.
    fn of(&self, host: usize) -> Vec<Entry> {
        let about: Vec<_> = self
            .diary
            .iter()
            .filter(|entry| entry.is_about(host))
            .copied()
            .collect();
        let gone = about.iter().rposition(|entry| *entry == Entry::Gone(host));
        about[gone.map_or(0, |at| at + 1)..].to_vec()
    }

    fn streak(&self, host: usize) -> u64 {
        let mut streak = 0;
        for entry in self.of(host) {
            match entry {
                Entry::Answers {
                    is_failure: true,
                    count,
                    ..
                } => streak += count,
                Entry::Answers { .. } | Entry::Anew(_) | Entry::Returned(..) => streak = 0,
                _ => {}
            }
        }
        streak
    }

    fn out_since(&self, host: usize) -> Option<Duration> {
        self.of(host)
            .iter()
            .rev()
            .find_map(|entry| match entry {
                Entry::Ejected(_, at) => Some(Some(*at)),
                Entry::Returned(..) => Some(None),
                _ => None,
            })
            .flatten()
    }

    fn lasts(&self, host: usize) -> Duration {
        let base = self.policy.base_ejection_time;
        let most = Duration::from_mins(5).max(base);
        let (mut times, mut out, mut back) = (0, false, None);
        for entry in self.of(host) {
            match entry {
                Entry::Ejected(..) => {
                    out = true;
                    times += u32::from(base * times < most + base);
                }
                Entry::Returned(_, at) => (out, back) = (false, Some(at)),
                Entry::Swept(at) if !out && times > 0 => {
                    times -= u32::from(back.is_some_and(|back| at >= back + self.policy.interval));
                }
                _ => {}
            }
        }
        (base * times).min(most)
    }

    fn eject(&mut self, host: usize, now: Duration) -> Verdict {
        if !self.hosts.contains(&host) || self.out_since(host).is_some() {
            return Verdict::Ignored;
        }
        let out = self
            .hosts
            .iter()
            .filter(|host| self.out_since(**host).is_some());
        let out = out.count();
        let percent = 100.0 * (float(out) + 1.0) / float(self.hosts.len());
        if out > 0 && percent > f64::from(self.policy.max_ejection_percent) {
            return Verdict::Overflow;
        }
        self.diary.push(Entry::Ejected(host, now));
        Verdict::Ejected(self.lasts(host))
    }

    fn answers(&mut self, host: usize, is_failure: bool, now: Duration) -> Option<Verdict> {
        let before = self.streak(host);
        self.diary.push(Entry::Answers {
            host,
            is_failure,
            count: 1,
        });
        if !is_failure || before + 1 != self.policy.consecutive_5xx {
            return None;
        }
        let verdict = self.eject(host, now);
        if matches!(verdict, Verdict::Ejected(_)) {
            self.diary.push(Entry::Anew(host));
        }
        Some(verdict)
    }

    fn sweep(&mut self, now: Duration) -> Sweep<usize> {
        let hosts: Vec<usize> = self.hosts.iter().copied().collect();
        let due = |host: &usize| {
            let since = self.out_since(*host);
            since.is_some_and(|since| now >= since + self.lasts(*host))
        };
        let returned: Vec<usize> = hosts.iter().copied().filter(due).collect();
        for host in &returned {
            self.diary.push(Entry::Returned(*host, now));
        }
        let rates: Vec<(usize, f64)> = hosts
            .iter()
            .filter(|host| self.out_since(**host).is_none())
            .filter_map(|host| Some((*host, self.rate(*host)?)))
            .collect();
        let mut outliers = Vec::new();
        if rates.len() >= 5 {
            let count = float(rates.len());
            let mean = rates.iter().map(|(_, rate)| rate).sum::<f64>() / count;
            let squares = rates.iter().map(|(_, rate)| (rate - mean).powi(2));
            let deviation = (squares.sum::<f64>() / count).sqrt();
            for (host, rate) in rates {
                if rate < mean - 1.9 * deviation {
                    outliers.push((host, self.eject(host, now)));
                }
            }
        }
        for host in hosts {
            let is_long = self.streak(host) >= self.policy.consecutive_5xx;
            if is_long && self.out_since(host).is_none() {
                self.diary.push(Entry::Anew(host));
            }
        }
        self.diary.push(Entry::Swept(now));
        Sweep { returned, outliers }
    }

    /// Percent of the answers since the last sweep that were good, if there were enough.
    fn rate(&self, host: usize) -> Option<f64> {
        let of = self.of(host);
        let swept = of
            .iter()
            .rposition(|entry| matches!(entry, Entry::Swept(_)));
        let (mut good, mut all) = (0, 0);
        for entry in &of[swept.map_or(0, |at| at + 1)..] {
            if let Entry::Answers {
                is_failure, count, ..
            } = entry
            {
                all += count;
                good += if *is_failure { 0 } else { *count };
            }
        }
        (all >= 100).then(|| float(good) * 100.0 / float(all))
    }
}

fn float<N: TryInto<u32, Error: std::fmt::Debug>>(number: N) -> f64 {
    f64::from(number.try_into().unwrap())
}

fn tally(policy: OutlierDetection) -> Arc<Tally> {
    Arc::new(Tally::new(policy.consecutive_5xx, WORKERS))
}

/// Both detectors, told the same.
struct Pair {
    detector: Detector<usize>,
    tallies: Vec<Arc<Tally>>,
    naive: Naive,
    now: Duration,
}

impl Pair {
    fn new(random: &mut Rng) -> Self {
        let policy = OutlierDetection {
            consecutive_5xx: random.u64(1..=6),
            interval: seconds(random.u64(1..=30)),
            base_ejection_time: seconds(random.u64(1..=400)),
            max_ejection_percent: random.u32(0..=100),
        };
        let hosts = random.usize(1..=9);
        let tallies: Vec<_> = (0..hosts).map(|_| tally(policy)).collect();
        let mut detector = Detector::new(policy);
        detector.keep(tallies.iter().cloned().enumerate());
        let naive = Naive {
            policy,
            hosts: (0..hosts).collect(),
            diary: Vec::new(),
        };
        Self {
            detector,
            tallies,
            naive,
            now: Duration::ZERO,
        }
    }

    fn fail(&mut self, host: usize, random: &mut Rng) {
        let status = random.choice([500, 501, 503, 504, 599]).unwrap();
        let found = self.tallies[host].count(random.usize(..WORKERS), status);
        let verdict = found.then(|| self.detector.eject(&host, self.now));
        assert_eq!(verdict, self.naive.answers(host, true, self.now));
    }

    fn succeed(&mut self, host: usize, count: u64, random: &mut Rng) {
        for _ in 0..count {
            let status = random.choice([100, 200, 302, 404, 499, 600]).unwrap();
            assert!(!self.tallies[host].count(random.usize(..WORKERS), status));
        }
        self.naive.diary.push(Entry::Answers {
            host,
            is_failure: false,
            count,
        });
    }

    fn leave_or_join(&mut self, host: usize, random: &mut Rng) {
        let hosts = &mut self.naive.hosts;
        if !hosts.remove(&host) {
            self.tallies[host] = tally(self.naive.policy);
            // What was answered before it was watched says nothing.
            for _ in 0..random.u64(..200) {
                self.tallies[host].count(0, 200);
            }
            self.naive.diary.push(Entry::Gone(host));
            hosts.insert(host);
        }
        let keep = hosts
            .iter()
            .map(|host| (*host, Arc::clone(&self.tallies[*host])));
        self.detector.keep(keep);
    }

    fn step(&mut self, random: &mut Rng) {
        let host = random.usize(..self.tallies.len());
        match random.u8(..20) {
            0..6 => {
                for _ in 0..random.u64(1..=7) {
                    self.fail(host, random);
                }
            }
            6..9 => {
                let count = random.u64(1..=20);
                self.succeed(host, count, random);
            }
            // Enough for everyone to be judged by his share.
            9..11 => {
                for host in 0..self.tallies.len() {
                    self.succeed(host, 100, random);
                }
            }
            11 => self.leave_or_join(host, random),
            12 => {
                let forgiven = self.detector.forgive(&host, self.now);
                let was_out =
                    self.naive.hosts.contains(&host) && self.naive.out_since(host).is_some();
                assert_eq!(forgiven, was_out);
                if was_out {
                    self.naive.diary.push(Entry::Returned(host, self.now));
                }
            }
            13..16 => self.now += Duration::from_millis(random.u64(..100_000)),
            _ => {
                self.now += self.naive.policy.interval;
                assert_eq!(self.detector.sweep(self.now), self.naive.sweep(self.now));
            }
        }
        if self.naive.hosts.contains(&host) {
            let since = self.naive.out_since(host);
            assert_eq!(self.detector.ejected_since(&host), since);
        }
    }
}

#[test]
fn ten_thousand_courses_agree_with_a_naive_reading_of_them() {
    for seed in 0..10_000 {
        let mut random = Rng::with_seed(seed);
        let mut pair = Pair::new(&mut random);
        for _ in 0..30 {
            pair.step(&mut random);
        }
    }
}
