//! A line as Envoy writes it: `[2026-11-22 02:00:00.000][41][info][main] [source/x.cc:7] text`. The
//! User Guide's query for process logs takes it apart so ("Enable Envoy debug logging"). Times are
//! in UTC.

use std::fmt;

use jiff::{Timestamp, fmt::strtime, tz::TimeZone};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format::Writer},
    registry::LookupSpan,
};

use super::{gate, level::Level};

/// See the module.
pub(super) struct EnvoyForm;

impl<S, N> FormatEvent<S, N> for EnvoyForm
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        write!(
            writer,
            "[{}][{}][{}][{}] [{}] ",
            Now,
            rustix::thread::gettid().as_raw_nonzero(),
            Level::of(*metadata.level()),
            logger(metadata.target()),
            Source(metadata),
        )?;
        context
            .field_format()
            .format_fields(Writer::new(&mut OneLine(writer.by_ref())), event)?;
        for span in context.event_scope().into_iter().flatten() {
            let extensions = span.extensions();
            if let Some(fields) = extensions.get::<FormattedFields<N>>()
                && !fields.is_empty()
            {
                write!(writer, " {fields}")?;
            }
        }
        if let Some(written) = gate::speaker(|name| write!(writer, " workload={name:?}")) {
            written?;
        }
        writeln!(writer)
    }
}

/// Writes line breaks as `\n` and `\r`: who reads the log by lines reads whole messages, and no peer
/// makes up a line of its own.
struct OneLine<'a>(Writer<'a>);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for part in text.split_inclusive(['\n', '\r']) {
            if let Some(before) = part.strip_suffix('\n') {
                write!(self.0, "{before}\\n")?;
            } else if let Some(before) = part.strip_suffix('\r') {
                write!(self.0, "{before}\\r")?;
            } else {
                self.0.write_str(part)?;
            }
        }
        Ok(())
    }
}

/// Envoy's name for who speaks, or the nearest that there is: a target that is one, else the part of
/// this program.
fn logger(target: &str) -> &str {
    let mut parts = target.split("::");
    match (parts.next(), parts.next()) {
        (Some("ferromesh"), _) => "main",
        (Some("mesh_config"), _) => "config",
        (Some("mesh_bpf"), _) => "redirect",
        (Some("mesh_telemetry"), _) => "file",
        (Some("mesh_proxy"), Some(module)) => module,
        (Some(target), _) => target,
        (None, _) => "misc",
    }
}

/// The moment of the line.
struct Now;

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let now = Timestamp::now().to_zoned(TimeZone::UTC);
        let text = strtime::format("%Y-%m-%d %H:%M:%S.%3f", &now).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

/// Where in the source it is said. Of other people's code the path is one of the machine that
/// compiled it, and the target says more.
struct Source<'a>(&'a Metadata<'a>);

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.file(), self.0.line()) {
            (Some(file), Some(line)) if !file.starts_with('/') => write!(f, "{file}:{line}"),
            _ => f.write_str(self.0.target()),
        }
    }
}

#[cfg(test)]
mod tests;
