//! The access log of a workload.

use mesh_model::{
    snapshot::{AccessLog, AccessLogFormat},
    spec::logging::{self, JsonField, LogFormat, Logging},
};
use mesh_telemetry::access_log::{DEFAULT_WITH_REASON, Format};

use super::Resolver;
use crate::problem::path::FieldPath;

impl Resolver<'_> {
    pub(super) fn access_log(&mut self, logging: Option<&Logging>) -> Option<AccessLog> {
        let logging::AccessLog::File(file) = logging?.access_log.as_ref()?;
        let format = match &file.format {
            None if self.settings.logs_reasons => {
                AccessLogFormat::Text(DEFAULT_WITH_REASON.to_owned())
            }
            None => AccessLogFormat::Default,
            Some(LogFormat::Json(fields)) => {
                AccessLogFormat::Json(fields.iter().map(member).collect())
            }
            Some(LogFormat::Text(line)) => AccessLogFormat::Text(line.as_str().to_owned()),
        };
        let unkept = unkept(&format);
        if !unkept.is_empty() {
            let at = FieldPath::spec().members(&["logging", "accessLog", "file", "format"]);
            let place = self.client.place(&at);
            let operators = unkept.join(", ");
            self.remarks
                .not_yet(place, format!("{operators}: always written as absent"));
        }
        Some(AccessLog {
            path: file.path.as_str().to_owned(),
            format,
        })
    }
}

/// Operators of a format that are not kept account of.
fn unkept(format: &AccessLogFormat) -> Vec<String> {
    let parsed = match format {
        AccessLogFormat::Default => return Vec::new(),
        AccessLogFormat::Json(members) => Format::json(members),
        AccessLogFormat::Text(line) => Format::text(line),
    };
    // Reading the documents saw to it that it is one.
    parsed.map_or_else(|_| Vec::new(), |format| format.unkept().to_vec())
}

fn member(field: &JsonField) -> (String, String) {
    let JsonField { key, value } = field;
    (key.as_str().to_owned(), value.as_str().to_owned())
}
