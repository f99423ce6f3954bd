//! The list as text: a line a connection, every number to the digit.

use std::fmt::{self, Display, Formatter};

use super::row::Row;

/// Some connections under a heading.
pub(super) struct Table<'a>(pub(super) &'a [Row]);

const HEADING: [&str; 12] = [
    "WORKLOAD", "WAY", "LOCAL", "REMOTE", "VERDICT", "REASON", "USER", "AGE ms", "SENT",
    "RECEIVED", "RTT us", "RESENT",
];
/// From here on columns are numbers, and stand to the right.
const FIRST_NUMBER: usize = 6;

impl Display for Table<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let lines: Vec<[String; 12]> = std::iter::once(HEADING.map(str::to_owned))
            .chain(self.0.iter().map(cells))
            .collect();
        let mut widths = [0; 12];
        for line in &lines {
            for (width, cell) in widths.iter_mut().zip(line) {
                *width = cell.len().max(*width);
            }
        }
        for line in &lines {
            writeln!(f, "{}", joined(line, widths))?;
        }
        Ok(())
    }
}

/// The widths of a table whose lines come one by one.
const USUAL: [usize; 12] = [16, 7, 21, 21, 10, 17, 6, 9, 12, 12, 8, 6];

/// The heading above [`line()`]s.
pub(super) fn heading() -> String {
    joined(&HEADING.map(str::to_owned), USUAL)
}

/// One connection, for a table whose lines come one by one.
pub(super) fn line(row: &Row) -> String {
    joined(&cells(row), USUAL)
}

fn joined(line: &[String; 12], widths: [usize; 12]) -> String {
    let cells = line.iter().zip(widths).enumerate();
    let cells = cells.map(|(column, (cell, width))| {
        if column < FIRST_NUMBER {
            format!("{cell:<width$}")
        } else {
            format!("{cell:>width$}")
        }
    });
    let text = cells.collect::<Vec<_>>().join("  ");
    text.trim_end().to_owned()
}

fn cells(row: &Row) -> [String; 12] {
    [
        row.workload.clone(),
        row.direction.clone(),
        row.local.to_string(),
        row.remote.to_string(),
        row.verdict.clone(),
        row.reason.clone(),
        or_dash(row.uid),
        or_dash(row.age_ms),
        or_dash(row.bytes_sent),
        or_dash(row.bytes_received),
        or_dash(row.rtt_us),
        or_dash(row.retransmits),
    ]
}

fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
