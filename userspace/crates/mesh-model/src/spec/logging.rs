//! Access logs.

use serde::Serialize;

use super::Text;

/// `Logging`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Logging {
    /// Where accesses are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_log: Option<AccessLog>,
}

/// `AccessLog`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum AccessLog {
    /// A file.
    File(FileAccessLog),
}

/// `FileAccessLog`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileAccessLog {
    /// What a line holds; absent: Envoy's own text format.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
    /// Its path.
    pub path: Text<1, 255>,
}

/// `LoggingFormat`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json(Vec<JsonField>),
    /// Text with Envoy's operators.
    Text(Text<1, 1000>),
}

/// `JsonFormatRef`
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JsonField {
    /// The member.
    pub key: Text<1, 100>,
    /// Its value, with Envoy's operators.
    pub value: Text<1, 100>,
}
