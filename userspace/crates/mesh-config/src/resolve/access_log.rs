//! The access log of a workload.

use mesh_model::{
    snapshot::{AccessLog, AccessLogFormat},
    spec::logging::{self, FileAccessLog, JsonField, LogFormat, Logging},
};

use super::Resolver;
use crate::problem::path::FieldPath;

impl Resolver<'_> {
    pub(super) fn access_log(&mut self, logging: Option<&Logging>) -> Option<AccessLog> {
        let logging::AccessLog::File(file) = logging?.access_log.as_ref()?;
        let at = FieldPath::spec().members(&["logging", "accessLog"]);
        let place = self.client.place(&at);
        self.remarks
            .not_yet(place, "no access log is written".to_owned());
        Some(to_file(file))
    }
}

fn to_file(file: &FileAccessLog) -> AccessLog {
    AccessLog {
        path: file.path.as_str().to_owned(),
        format: match &file.format {
            None => AccessLogFormat::Default,
            Some(LogFormat::Json(fields)) => {
                AccessLogFormat::Json(fields.iter().map(member).collect())
            }
            Some(LogFormat::Text(line)) => AccessLogFormat::Text(line.as_str().to_owned()),
        },
    }
}

fn member(field: &JsonField) -> (String, String) {
    let JsonField { key, value } = field;
    (key.as_str().to_owned(), value.as_str().to_owned())
}
