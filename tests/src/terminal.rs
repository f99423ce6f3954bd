//! A terminal for a command that wants one: its size, what is typed and what is shown.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{Child, Command, ExitStatus},
};

use anyhow::{Context as _, Result};
use rustix::{
    fs::{OFlags, fcntl_setfl},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

use crate::wait;

/// A terminal with a command on it. Dropping it hangs up and kills the command.
#[derive(Debug)]
pub struct Terminal {
    master: File,
    child: Child,
    shown: Vec<u8>,
}

impl Terminal {
    /// Runs a command on a terminal of its own, of so many columns and rows.
    pub fn run(command: &Command, columns: u16, rows: u16) -> Result<Self> {
        let master: OwnedFd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let path = ptsname(&master, Vec::new())?;
        let path = path.to_str().context("a terminal's path is text")?;
        let end = || OpenOptions::new().read(true).write(true).open(path);
        fcntl_setfl(&master, OFlags::NONBLOCK)?;
        tcsetwinsize(&master, size(columns, rows))?;
        let mut child = Command::new("setsid");
        child
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .env("TERM", "xterm-256color");
        let child = child.stdin(end()?).stdout(end()?).stderr(end()?).spawn();
        Ok(Self {
            master: master.into(),
            child: child.context("cannot start setsid")?,
            shown: Vec::new(),
        })
    }

    /// Makes it larger or smaller.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        Ok(tcsetwinsize(&self.master, size(columns, rows))?)
    }

    /// Types something.
    pub fn write(&mut self, text: &str) -> Result<()> {
        Ok(self.master.write_all(text.as_bytes())?)
    }

    /// Waits until this text has been shown, and forgets all that was shown until now.
    pub fn wait_for(&mut self, text: &str) -> Result<()> {
        let mut shown = Vec::new();
        let seen = wait::until_true(format!("`{text}` on the terminal"), || {
            self.read();
            shown.clone_from(&self.shown);
            Ok(contains(&self.shown, text))
        });
        self.shown.clear();
        seen.with_context(|| String::from_utf8_lossy(&shown).into_owned())
    }

    /// Waits until the command ends.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        wait::until("the command on the terminal to end", || {
            self.read();
            Ok(self.child.try_wait()?)
        })
    }

    /// The process of the command.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether this text has been shown since the last [`Self::wait_for`].
    pub fn has_shown(&mut self, text: &str) -> bool {
        self.read();
        contains(&self.shown, text)
    }

    fn read(&mut self) {
        let mut chunk = [0; 4096];
        // What is not there yet is an error, as the end is.
        while let Ok(more @ 1..) = self.master.read(&mut chunk) {
            self.shown.extend_from_slice(&chunk[..more]);
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn contains(shown: &[u8], text: &str) -> bool {
    shown
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize {
        ws_col: columns,
        ws_row: rows,
        ws_xpixel: 0,
        ws_ypixel: 0,
    }
}
