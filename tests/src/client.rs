//! The application: unmodified curl, and what it was answered.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use anyhow::{Context as _, Result};

use crate::{
    host::{Host, Place},
    process,
};

/// curl's exit status for a connection that was refused or never came about.
pub const COULD_NOT_CONNECT: u8 = 7;

/// Stands between the body of an answer and what curl says about it.
const SEPARATOR: char = '\u{1e}';

/// What one request was answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Answer {
    /// curl's exit status, 0 if a whole answer came.
    pub exit: u8,
    /// The HTTP status, 0 if there was none.
    pub status: u16,
    /// The body, without the newline at its end.
    pub body: String,
}

impl Answer {
    /// Whether it is a whole answer with status 200.
    pub fn is_ok(&self) -> bool {
        self.exit == 0 && self.status == 200
    }
}

/// Answers, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    counts: BTreeMap<Answer, usize>,
}

impl Answers {
    /// How many there are.
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }

    /// How many were answered 200 with this body.
    pub fn from(&self, body: &str) -> usize {
        let matching = |answer: &Answer| answer.is_ok() && answer.body == body;
        self.counts
            .iter()
            .filter(|(answer, _)| matching(answer))
            .map(|(_, count)| count)
            .sum()
    }

    /// Every answer that is not a 200, with how often it came.
    pub fn failures(&self) -> Vec<(&Answer, usize)> {
        self.counts
            .iter()
            .filter(|(answer, _)| !answer.is_ok())
            .map(|(answer, count)| (answer, *count))
            .collect()
    }

    /// How many are not a 200.
    pub fn failed(&self) -> usize {
        self.failures().iter().map(|(_, count)| count).sum()
    }

    fn add(&mut self, answer: Answer) {
        *self.counts.entry(answer).or_default() += 1;
    }

    /// Adds other answers to these.
    pub fn extend(&mut self, other: Self) {
        for (answer, count) in other.counts {
            *self.counts.entry(answer).or_default() += count;
        }
    }
}

/// Runs a command a number of times, whatever its exit status: curl reports it.
const REPEAT: &str = r#"n=$1; shift; while [ "$n" -gt 0 ]; do "$@"; n=$((n - 1)); done; :"#;

/// How curl is called.
#[derive(Clone, Debug)]
pub struct Curl {
    host: Arc<Host>,
    place: Place,
    http2: bool,
    arguments: Vec<String>,
    identity: Option<(u32, u32)>,
}

impl Curl {
    /// curl as the workload of a host.
    pub fn new(host: &Arc<Host>) -> Self {
        Self {
            host: Arc::clone(host),
            place: Place::Workload,
            http2: false,
            arguments: Vec::new(),
            identity: None,
        }
    }

    /// The same in another place of the host.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = place;
        self
    }

    /// With more arguments.
    #[must_use]
    pub fn args<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.arguments.extend(arguments.map(str::to_owned));
        self
    }

    /// HTTP/2 without TLS, by prior knowledge.
    #[must_use]
    pub fn http2(mut self) -> Self {
        self.http2 = true;
        self.args(["--http2-prior-knowledge"])
    }

    /// As another user and group.
    #[must_use]
    pub fn identity(mut self, uid: u32, gid: u32) -> Self {
        self.identity = Some((uid, gid));
        self
    }

    /// One request.
    pub fn get(&self, url: &str) -> Result<Answer> {
        let answers = Self::reports(&mut self.command(url))?;
        let [answer]: [Answer; 1] = answers
            .try_into()
            .map_err(|answers| anyhow::anyhow!("not one answer: {answers:?}"))?;
        Ok(answer)
    }

    /// `count` requests one after the other: with HTTP/1.1 by one curl on as few connections as it
    /// makes of them, with HTTP/2 by a curl for each.
    pub fn many(&self, url: &str, count: usize) -> Result<Answers> {
        // curl 7.88, which Debian 12 has, fails the second request on a connection that it began
        // with prior knowledge of HTTP/2.
        let mut command = if self.http2 {
            let mut command = self.start("sh");
            command
                .args(["-c", REPEAT, "sh", &count.to_string(), "curl"])
                .args(self.options())
                .arg(url);
            command
        } else {
            self.command(&format!("{url}?n=[1-{count}]"))
        };
        let mut answers = Answers::default();
        for answer in Self::reports(&mut command)? {
            answers.add(answer);
        }
        anyhow::ensure!(
            answers.total() == count,
            "curl reported {} of {count} requests",
            answers.total()
        );
        Ok(answers)
    }

    /// The command line for one URL.
    pub fn command(&self, url: &str) -> Command {
        let mut command = self.start("curl");
        command.args(self.options()).arg(url);
        command
    }

    /// A program as this client.
    fn start(&self, program: &str) -> Command {
        match self.identity {
            None => self.host.command(self.place, program),
            Some((uid, gid)) => {
                let mut command = self.host.command(self.place, "setpriv");
                command
                    .args([format!("--reuid={uid}"), format!("--regid={gid}")])
                    .args(["--clear-groups", program]);
                command
            }
        }
    }

    fn options(&self) -> impl Iterator<Item = &str> {
        let always = [
            "--disable",
            "--silent",
            "--noproxy",
            "*",
            "--connect-timeout",
            "5",
        ];
        always
            .into_iter()
            .chain(["--max-time", "30"])
            .chain(self.arguments.iter().map(String::as_str))
    }

    /// Runs a command that ends in curl's arguments, and reads what curl reports.
    fn reports(command: &mut Command) -> Result<Vec<Answer>> {
        let format = format!("{SEPARATOR}%{{http_code}} %{{exitcode}}\\n");
        let output = process::output(command.args(["--write-out", &format]))?;
        parse(&output.stdout)
            .with_context(|| format!("curl said {:?} and {:?}", output.stdout, output.stderr))
    }

    /// `count` requests by nghttp on one HTTP/2 connection, as many at a time as the other side
    /// allows. It reports bodies and no statuses: a line that is the name of a service is an answer
    /// of that service, and what else comes is of no status.
    pub fn multiplexed(&self, url: &str, count: usize) -> Result<Answers> {
        let mut command = self.start("nghttp");
        command.args(["--multiply", &count.to_string(), url]);
        let mut answers = Answers::default();
        for line in process::run(&mut command)?.lines() {
            let is_name = line.starts_with("service") && !line.contains(' ');
            answers.add(Answer {
                exit: 0,
                status: if is_name { 200 } else { 0 },
                body: line.to_owned(),
            });
        }
        Ok(answers)
    }

    /// Begins to send requests, from several curls at once and in batches of new connections,
    /// until told to stop.
    pub fn load(&self, url: &str, curls: usize) -> Load {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..curls)
            .map(|_| {
                let (curl, url, stop) = (self.clone(), url.to_owned(), Arc::clone(&stop));
                std::thread::spawn(move || {
                    let mut answers = Answers::default();
                    while !stop.load(Ordering::Relaxed) {
                        answers.extend(curl.many(&url, BATCH)?);
                    }
                    Ok(answers)
                })
            })
            .collect();
        Load { stop, threads }
    }
}

/// Requests of one curl of a [`Load`].
const BATCH: usize = 100;

/// Requests that are being sent all the time.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Result<Answers>>>,
}

impl Load {
    /// Lets the requests that have begun end, and counts all.
    pub fn stop(mut self) -> Result<Answers> {
        self.stop.store(true, Ordering::Relaxed);
        let mut answers = Answers::default();
        for thread in self.threads.drain(..) {
            let result = thread.join().ok().context("a client panicked")?;
            answers.extend(result?);
        }
        Ok(answers)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // Only a failing test gets here, and its own failure is what matters.
            let _ = thread.join();
        }
    }
}

fn parse(output: &str) -> Result<Vec<Answer>> {
    let mut answers = Vec::new();
    let mut rest = output;
    while let Some((body, after)) = rest.split_once(SEPARATOR) {
        let (report, after) = after.split_once('\n').context("a report is cut short")?;
        let (status, exit) = report.split_once(' ').context("a report has two numbers")?;
        answers.push(Answer {
            exit: exit.parse().context("an exit status is a number")?,
            status: status.parse().context("an HTTP status is a number")?,
            body: body.trim_end_matches('\n').to_owned(),
        });
        rest = after;
    }
    anyhow::ensure!(rest.is_empty(), "{rest:?} has no report");
    Ok(answers)
}

/// How far from the expected number of `total` draws of probability `share` a count may be: five
/// standard deviations of the binomial distribution, which one in two million exceeds.
pub fn five_deviations(total: usize, share: f64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
    let total = total as f64;
    5.0 * (total * share * (1.0 - share)).sqrt()
}

/// Whether a count of `total` is within [`five_deviations`] of its share.
pub fn is_share(count: usize, total: usize, share: f64) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
    let (count, expected) = (count as f64, total as f64 * share);
    (count - expected).abs() <= five_deviations(total, share)
}

#[cfg(test)]
mod tests;
