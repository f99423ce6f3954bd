//! Prints the demonstration, runs its commands as a reader would type them, and keeps score.

use std::{
    fmt::{Debug, Display},
    io::{IsTerminal as _, stdout},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use anyhow::{Context as _, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use tests::process;

use crate::layout;

/// Lines of a command's output that are shown; more are counted.
const SHOWN_LINES: usize = 40;

/// Says something.
pub(super) fn say(text: impl Display) {
    for line in text.to_string().lines() {
        println!("   {line}");
    }
}

/// Where the demonstration plays.
#[derive(Debug)]
pub(super) struct Stage {
    started: Instant,
    lab: PathBuf,
    acts: usize,
    met: usize,
    failed: Vec<String>,
    interrupted: Arc<AtomicBool>,
    colour: bool,
}

impl Stage {
    /// Takes Ctrl-C and the signals that end a process from here on, so that guards can clean up.
    pub(super) fn new(lab: &Path) -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))
                .context("cannot take signals")?;
        }
        Ok(Self {
            started: Instant::now(),
            lab: lab.to_owned(),
            acts: 0,
            met: 0,
            failed: Vec::new(),
            interrupted,
            colour: stdout().is_terminal(),
        })
    }

    /// Begins an act: its title, and what it is about.
    pub(super) fn act(&mut self, title: &str, about: &str) -> Result<()> {
        self.go_on()?;
        self.acts += 1;
        let heading = format!("{}. {title}", self.acts);
        println!("\n{}", self.paint("1", &heading));
        for line in about.lines() {
            println!("   {}", line.trim());
        }
        Ok(())
    }

    /// Shows a command line, runs it in a shell, shows what it printed and gives it back.
    ///
    /// `$LAB` in the line is the directory of the demonstration.
    pub(super) fn shell(&self, line: &str) -> Result<String> {
        self.go_on()?;
        println!("   {}", self.paint("36", &format!("# {line}")));
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .current_dir(layout::root())
            .env("LAB", &self.lab);
        let output = process::output(&mut shell)?;
        self.show(&output.stdout);
        self.show(&output.stderr);
        self.go_on()?;
        Ok(output.stdout)
    }

    /// Shows a command that runs on beside the demonstration.
    pub(super) fn announce(&self, command: &Command) {
        let line = process::describe(command)
            .replace(&self.lab.display().to_string(), "$LAB")
            .replace(&format!("{}/", layout::root().display()), "");
        println!("   {}", self.paint("36", &format!("# {line} &")));
    }

    fn show(&self, output: &str) {
        for line in output.lines().take(SHOWN_LINES) {
            println!("   {}", self.paint("2", &format!("| {line}")));
        }
        let more = output.lines().count().saturating_sub(SHOWN_LINES);
        if more > 0 {
            println!("   {}", self.paint("2", &format!("| … {more} more lines")));
        }
    }

    /// Judges: a claim that has to hold.
    pub(super) fn expect(&mut self, holds: bool, claim: impl Display) {
        if holds {
            self.met += 1;
            println!("   {} {claim}", self.paint("32", "ok"));
        } else {
            println!("   {} {claim}", self.paint("31;1", "NOT SO:"));
            self.failed.push(claim.to_string());
        }
    }

    /// [`Stage::expect`] for things that must not be there; those that are, are shown.
    pub(super) fn expect_none<T: Debug>(&mut self, there: &[T], claim: impl Display) {
        self.expect(there.is_empty(), claim);
        for thing in there {
            say(format!("       {thing:?}"));
        }
    }

    /// The end: the score, and an error if a claim did not hold.
    pub(super) fn finish(self) -> Result<()> {
        let seconds = self.started.elapsed().as_secs_f32();
        println!();
        if !self.failed.is_empty() {
            for claim in &self.failed {
                println!("NOT SO: {claim}");
            }
            let claims = self.failed.len() + self.met;
            bail!("{} of {claims} claims did not hold", self.failed.len());
        }
        println!("demo: every claim held ({}), in {seconds:.0} s", self.met);
        Ok(())
    }

    fn go_on(&self) -> Result<()> {
        if self.interrupted.load(Ordering::Relaxed) {
            bail!("interrupted; everything is being removed");
        }
        Ok(())
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
