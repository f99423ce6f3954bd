//! One file, read whole: bounded, and again when it changed meanwhile.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use rustix::{
    buffer::spare_capacity,
    fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat},
    io::{Errno, pread},
};

use super::super::{
    SourceFile,
    limits::{MAX_FILE, MAX_SET},
};
use crate::problem::{Place, Problem, Rule};

/// How a ZIP archive begins (APPNOTE.TXT 4.3.7).
const ZIP: &[u8] = b"PK\x03\x04";
/// How often a file is read that changes under the reader's hands.
const ATTEMPTS: usize = 3;
/// A file that changed less than this before it was read may change again within the same tick of
/// the file system's clock, and look the same. Ticks last 10 ms at most.
const TICKS: Duration = Duration::from_millis(50);

/// What tells, without reading, that a file was written or replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, u64),
    changed: (i64, u64),
}

impl From<&Stat> for Stamp {
    #[expect(
        clippy::cast_sign_loss,
        clippy::useless_conversion,
        reason = "sizes are not negative; field types differ between architectures"
    )]
    fn from(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev.into(),
            inode: stat.st_ino.into(),
            size: stat.st_size as u64,
            modified: (stat.st_mtime.into(), stat.st_mtime_nsec.into()),
            changed: (stat.st_ctime.into(), stat.st_ctime_nsec.into()),
        }
    }
}

impl Stamp {
    /// Whether a later change must show in the stamp.
    fn is_settled(&self, now: SystemTime) -> bool {
        let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanoseconds) = self.changed;
        u64::try_from(seconds).is_ok_and(|seconds| {
            since_epoch > Duration::new(seconds, 0) + Duration::from_nanos(nanoseconds) + TICKS
        })
    }
}

/// A file as it was read last.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// None where the file is known to have changed since, or may have without a trace.
    stamp: Option<Stamp>,
    pub(super) content: Content,
    /// It is new, and was still being written as far as one can see from outside: it changed while
    /// it was read, or its writer has not begun.
    pub(super) is_unsettled: bool,
}

/// What reading a file gave.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Text(Arc<SourceFile>),
    Refused(Problem),
}

/// What a set may still take up, in bytes of text.
#[derive(Debug)]
pub(super) struct Budget(AtomicU64);

impl Budget {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(MAX_SET))
    }

    /// Takes bytes off; without enough of them nothing is left for anyone.
    pub(super) fn take(&self, bytes: u64) -> bool {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(bytes))
            })
            .is_ok_and(|left| left >= bytes)
    }
}

/// The budget is used up: the set as a whole is refused.
#[derive(Debug)]
pub(super) struct OverBudget;

/// Reads files one after the other, with one buffer.
pub(super) struct FileReader<'a> {
    pub(super) budget: &'a Budget,
    pub(super) now: SystemTime,
    buffer: Vec<u8>,
}

impl<'a> FileReader<'a> {
    pub(super) fn new(budget: &'a Budget) -> Self {
        Self {
            budget,
            now: SystemTime::now(),
            buffer: Vec::new(),
        }
    }

    /// What a file is known to hold, if its stamp has not changed. Nothing where it has to be read.
    pub(super) fn unchanged(
        &self,
        directory: BorrowedFd<'_>,
        file_name: &str,
        known: &Seen,
    ) -> Result<Option<Seen>, OverBudget> {
        let Some(stamp) = known.stamp else {
            return Ok(None);
        };
        let is_same = statat(directory, file_name, AtFlags::empty())
            .is_ok_and(|stat| Stamp::from(&stat) == stamp);
        if !is_same {
            return Ok(None);
        }
        if let Content::Text(file) = &known.content
            && !self.budget.take(file.text.len() as u64)
        {
            return Err(OverBudget);
        }
        Ok(Some(Seen {
            is_unsettled: false,
            ..known.clone()
        }))
    }

    /// Reads a file. Nothing when it is not there, or is a directory. A text that is the known one
    /// stays the known one.
    pub(super) fn read(
        &mut self,
        directory: BorrowedFd<'_>,
        file_name: &str,
        name: &str,
        known: Option<&Seen>,
    ) -> Result<Option<Seen>, OverBudget> {
        let refused = |reason: Refusal| {
            Ok(Some(Seen {
                stamp: None,
                content: Content::Refused(reason.problem(name)),
                is_unsettled: false,
            }))
        };
        let file = match open(directory, file_name) {
            Ok(Some(file)) => file,
            Ok(None) => return Ok(None),
            Err(reason) => return refused(reason),
        };
        let (stamp, is_whole) = match self.fill(&file) {
            Ok(Some(filled)) => filled,
            Ok(None) => return Ok(None),
            Err(reason) => return refused(reason),
        };
        if !self.budget.take(self.buffer.len() as u64) {
            return Err(OverBudget);
        }
        let bytes = self
            .buffer
            .strip_prefix("\u{feff}".as_bytes())
            .unwrap_or(&self.buffer);
        let Ok(text) = std::str::from_utf8(bytes) else {
            let is_archive = bytes.starts_with(ZIP);
            return refused(if is_archive {
                Refusal::Archive
            } else {
                Refusal::NoText
            });
        };
        let (content, is_known) = match known {
            Some(Seen {
                content: content @ Content::Text(known),
                ..
            }) if *known.text == *text => (content.clone(), true),
            _ => (Content::Text(SourceFile::new(name, text)), false),
        };
        Ok(Some(Seen {
            stamp: Some(stamp).filter(|stamp| is_whole && stamp.is_settled(self.now)),
            is_unsettled: !is_known && (!is_whole || text.is_empty()),
            content,
        }))
    }

    /// Fills the buffer. Returns the file's stamp, and whether it was the same before and after;
    /// nothing for a directory.
    fn fill(&mut self, file: &OwnedFd) -> Result<Option<(Stamp, bool)>, Refusal> {
        let mut before = fstat(file).map_err(Refusal::Unreadable)?;
        match FileType::from_raw_mode(before.st_mode) {
            FileType::RegularFile => {}
            FileType::Directory => return Ok(None),
            _ => return Err(Refusal::NoFile),
        }
        for _ in 0..ATTEMPTS {
            self.fill_once(file, Stamp::from(&before).size)?;
            let after = fstat(file).map_err(Refusal::Unreadable)?;
            let (stamp, size) = (Stamp::from(&after), self.buffer.len() as u64);
            if stamp == Stamp::from(&before) && stamp.size == size {
                return Ok(Some((stamp, true)));
            }
            before = after;
        }
        Ok(Some((Stamp::from(&before), false)))
    }

    fn fill_once(&mut self, file: &OwnedFd, size: u64) -> Result<(), Refusal> {
        self.buffer.clear();
        if size > MAX_FILE {
            return Err(Refusal::TooLarge);
        }
        // One byte more, to see an end that has moved.
        self.buffer
            .reserve(usize::try_from(size).unwrap_or_default() + 1);
        loop {
            let offset = self.buffer.len() as u64;
            let read = pread(file.as_fd(), spare_capacity(&mut self.buffer), offset)
                .map_err(Refusal::Unreadable)?;
            let held = self.buffer.len() as u64;
            if held > MAX_FILE {
                return Err(Refusal::TooLarge);
            }
            // Where the size is as told, the look at the file afterwards tells what another read
            // would.
            if read == 0 || held == size {
                return Ok(());
            }
            self.buffer.reserve(1);
        }
    }
}

/// Opens a file to be read. Nothing when it is not there.
fn open(directory: BorrowedFd<'_>, file_name: &str) -> Result<Option<OwnedFd>, Refusal> {
    // A FIFO must not hold the reader up.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(directory, file_name, flags, Mode::empty()) {
        Ok(file) => Ok(Some(file)),
        Err(Errno::NOENT | Errno::NOTDIR) => {
            // One that went away while the directory was listed was never part of the set.
            match statat(directory, file_name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => Err(Refusal::LeadsNowhere),
                Err(_) => Ok(None),
            }
        }
        // A socket, or a device that is not there.
        Err(Errno::NXIO | Errno::NODEV) => Err(Refusal::NoFile),
        Err(error) => Err(Refusal::Unreadable(error)),
    }
}

/// Why a file is not read.
enum Refusal {
    Unreadable(Errno),
    LeadsNowhere,
    NoFile,
    TooLarge,
    NoText,
    Archive,
}

impl Refusal {
    fn problem(self, name: &str) -> Problem {
        let reason = match &self {
            Self::Unreadable(error) => std::io::Error::from(*error).to_string(),
            Self::LeadsNowhere => "it is a link that leads nowhere".to_owned(),
            Self::NoFile => "it is no regular file".to_owned(),
            Self::TooLarge => format!("it is larger than {} MiB", MAX_FILE >> 20),
            Self::NoText => "it is no UTF-8 text".to_owned(),
            Self::Archive => "it is a ZIP archive, as a plan file of Terraform is".to_owned(),
        };
        let mend = match self {
            Self::Archive => {
                "of a plan, give what `terraform show -json PLAN` prints; other archives are to be \
                 unpacked"
            }
            _ => "make it a readable file of UTF-8 text, or take it out of the directory",
        };
        Problem {
            place: Place::file(name),
            rule: Rule::Syntax,
            value: None,
            message: format!("the file cannot be read: {reason}"),
            mend: mend.to_owned(),
        }
    }
}
