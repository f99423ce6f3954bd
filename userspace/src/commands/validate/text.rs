//! The report for people: one finding a line, so that `grep` and editors follow `file:line`.

use std::{
    fmt::{self, Display},
    io::{self, Write},
};

use anstyle::{AnsiColor, Style};
use mesh_config::{document::Parsed, problem::Place};

const BOLD: Style = Style::new().bold();

pub(super) fn write(out: &mut impl Write, parsed: &Parsed, files: usize) -> io::Result<()> {
    for problem in &parsed.problems {
        let said = format_args!("{}; {}", problem.message, problem.mend);
        line(out, "error", AnsiColor::Red, &problem.place, &said)?;
    }
    for open in &parsed.open {
        let said = format_args!("`{}` has no value; {}", open.expression, open.mend);
        line(out, "open", AnsiColor::Cyan, &open.place, &said)?;
    }
    for warning in &parsed.warnings {
        line(
            out,
            "warning",
            AnsiColor::Yellow,
            &warning.place,
            &warning.message,
        )?;
    }
    for redirect in &parsed.redirects {
        line(out, "rules", AnsiColor::Green, &redirect.place, redirect)?;
    }
    let kinds: Vec<String> = parsed
        .documents
        .summary()
        .into_iter()
        .map(|(kind, count)| counted(count, kind))
        .collect();
    let kinds = if kinds.is_empty() {
        "no documents".to_owned()
    } else {
        kinds.join(", ")
    };
    let mut faults = vec![
        counted(parsed.problems.len(), "error"),
        counted(parsed.warnings.len(), "warning"),
    ];
    if !parsed.open.is_empty() {
        faults.push(format!(
            "{} without a value",
            counted(parsed.open.len(), "expression")
        ));
    }
    writeln!(
        out,
        "{}: {kinds}; {}",
        counted(files, "file"),
        faults.join(", ")
    )
}

fn line(
    out: &mut impl Write,
    label: &str,
    color: AnsiColor,
    place: &Place,
    said: &dyn Display,
) -> io::Result<()> {
    let label = Painted(label, Style::new().bold().fg_color(Some(color.into())));
    writeln!(out, "{label}: {}: {said}", Painted(place, BOLD))
}

/// Something in a style.
struct Painted<T>(T, Style);

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.1.render(), self.0, self.1.render_reset())
    }
}

fn counted(count: usize, what: &str) -> String {
    match (count, what.strip_suffix("mesh")) {
        (1, _) => format!("1 {what}"),
        (_, Some(_)) => format!("{count} {what}es"),
        (_, None) => format!("{count} {what}s"),
    }
}

#[cfg(test)]
mod tests;
