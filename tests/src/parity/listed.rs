//! The list of accepted differences: the table of `docs/parity.md`, read by the suite, so that the document
//! cannot say what is not so.

use anyhow::{Context as _, Result, ensure};

/// The most entries that the list may have.
const MOST: usize = 25;

/// One accepted difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The full name of a case.
    pub(crate) case: String,
    /// A field, or a message with all of its fields.
    pub(crate) field: String,
    pub(crate) reason: String,
}

impl Entry {
    /// Whether it is about a field of a case.
    pub(crate) fn covers(&self, case: &str, field: &str) -> bool {
        let rest = field.strip_prefix(&self.field);
        self.case == case && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// The entries of the document: rows of three cells whose first two are code.
pub(crate) fn read(document: &str) -> Result<Vec<Entry>> {
    let rows = document.lines().filter(|line| line.starts_with("| `"));
    let entries: Vec<Entry> = rows
        .map(|row| entry(row).with_context(|| format!("not a row of three cells: {row}")))
        .collect::<Result<_>>()?;
    ensure!(
        entries.len() <= MOST,
        "{} listed differences, and {MOST} are allowed",
        entries.len()
    );
    for (index, entry) in entries.iter().enumerate() {
        let is_double = entries[..index]
            .iter()
            .any(|other| other.case == entry.case && other.field == entry.field);
        ensure!(!is_double, "{} {} is listed twice", entry.case, entry.field);
    }
    Ok(entries)
}

fn entry(row: &str) -> Option<Entry> {
    let row = row.strip_prefix('|')?.strip_suffix('|')?;
    let cells: Vec<_> = row.splitn(3, '|').map(str::trim).collect();
    let code = |cell: &str| Some(cell.strip_prefix('`')?.strip_suffix('`')?.to_owned());
    match cells[..] {
        [case, field, reason] if !reason.is_empty() => Some(Entry {
            case: code(case)?,
            field: code(field)?,
            reason: reason.to_owned(),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
