//! `Logging`

use mesh_model::spec::logging::{AccessLog, FileAccessLog, JsonField, LogFormat, Logging};

use super::{object, union};

object!(Logging { access_log: optional "accessLog" });
union!(AccessLog { File "file" });
object!(FileAccessLog { format: optional "format", path: required "path" });
union!(LogFormat { Json "json", Text "text" });
object!(JsonField { key: required "key", value: required "value" });
