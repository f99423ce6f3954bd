//! `Logging`

use mesh_model::spec::{
    Text,
    logging::{AccessLog, FileAccessLog, JsonField, LogFormat, Logging},
};
use mesh_telemetry::access_log::Format;

use super::{Read, cursor::At, object};

object!(Logging { access_log: optional "accessLog" });
super::union!(AccessLog { File "file" });
object!(FileAccessLog { format: optional "format", path: required "path" });
object!(JsonField { key: required "key", value: required "value" } then member_is_a_format);

impl Read for LogFormat {
    fn read(at: &At<'_>) -> Option<Self> {
        let object = at.object(&["json", "text"])?;
        match object.only_one_of(&["json", "text"])? {
            member @ "json" => object.required(member).map(Self::Json),
            member => {
                let at = object.member(member)?;
                let line: Text<1, 1000> = Read::read(&at)?;
                is_format(line.as_str(), &at).then_some(Self::Text(line))
            }
        }
    }
}

fn member_is_a_format(field: &JsonField, at: &At<'_>) -> bool {
    let mut is_one = true;
    at.with_member("value", |at| {
        is_one = is_format(field.value.as_str(), at);
    });
    is_one
}

/// Envoy refused an update with a format that is none (guide, "Logging").
fn is_format(format: &str, at: &At<'_>) -> bool {
    match Format::text(format) {
        Ok(_) => true,
        Err(error) => {
            at.refuse(
                format!("a format of Envoy's access log, and in it {error}"),
                "write operators as Envoy documents them, such as `%RESPONSE_CODE%`",
            );
            false
        }
    }
}
