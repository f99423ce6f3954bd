//! The columns of the view, and which of them fit.

use super::{
    super::format::{amount, round_trip, time},
    Key, Shown,
};

/// One column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) heading: &'static str,
    /// What sorts by it; none for rates.
    pub(super) key: Option<Key>,
    pub(super) is_number: bool,
    /// Those of the largest are the first to go where the screen is narrow.
    expendable: u8,
    pub(super) cell: fn(&Shown) -> String,
}

const fn text(
    heading: &'static str,
    key: Key,
    expendable: u8,
    cell: fn(&Shown) -> String,
) -> Column {
    Column {
        heading,
        key: Some(key),
        is_number: false,
        expendable,
        cell,
    }
}

const fn number(
    heading: &'static str,
    key: Option<Key>,
    expendable: u8,
    cell: fn(&Shown) -> String,
) -> Column {
    Column {
        heading,
        key,
        is_number: true,
        expendable,
        cell,
    }
}

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "-".to_owned())
}

pub(super) const ALL: [Column; 14] = [
    text("WORKLOAD", Key::Workload, 6, |shown| {
        shown.row.workload.clone()
    }),
    text("WAY", Key::Direction, 7, |shown| {
        shown.row.direction.clone()
    }),
    text("LOCAL", Key::Local, 10, |shown| shown.row.local.to_string()),
    text("REMOTE", Key::Remote, 0, |shown| {
        shown.row.remote.to_string()
    }),
    text("VERDICT", Key::Verdict, 3, |shown| {
        shown.row.verdict.clone()
    }),
    text("REASON", Key::Reason, 8, |shown| shown.row.reason.clone()),
    number("USER", Some(Key::Uid), 12, |shown| {
        or_dash(shown.row.uid.map(|uid| uid.to_string()))
    }),
    number("AGE", Some(Key::Age), 5, |shown| {
        or_dash(shown.row.age_ms.map(time))
    }),
    number("SENT", Some(Key::Sent), 1, |shown| {
        or_dash(shown.row.bytes_sent.map(amount))
    }),
    number("OUT/s", None, 4, |shown| or_dash(shown.out.map(amount))),
    number("RECEIVED", Some(Key::Received), 2, |shown| {
        or_dash(shown.row.bytes_received.map(amount))
    }),
    number("IN/s", None, 4, |shown| or_dash(shown.into.map(amount))),
    number("RTT", Some(Key::Rtt), 9, |shown| {
        or_dash(shown.row.rtt_us.map(round_trip))
    }),
    number("RESENT", Some(Key::Retransmits), 11, |shown| {
        or_dash(shown.row.retransmits.map(|count| count.to_string()))
    }),
];

/// Cells between two columns.
pub(super) const GAP: usize = 2;

/// The columns that fit into a width, each with its own, for these connections. At least one is
/// left, however narrow it is.
pub(super) fn that_fit(width: usize, shown: &[&Shown]) -> Vec<(Column, usize)> {
    let mut columns: Vec<(Column, usize)> = ALL
        .into_iter()
        .map(|column| {
            let cells = shown.iter().map(|shown| (column.cell)(shown).len());
            // The mark of the order takes a cell.
            let heading = column.heading.len() + 1;
            (column, cells.max().unwrap_or(0).max(heading))
        })
        .collect();
    let needed = |columns: &[(Column, usize)]| {
        let cells: usize = columns.iter().map(|(_, width)| width).sum();
        cells + GAP * (columns.len() - 1)
    };
    while columns.len() > 1 && needed(&columns) > width {
        let most = columns.iter().map(|(column, _)| column.expendable).max();
        columns.retain(|(column, _)| Some(column.expendable) != most);
    }
    columns
}
