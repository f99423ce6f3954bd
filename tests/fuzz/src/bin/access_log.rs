//! Formats of the access log: one that is taken writes whole lines, in JSON objects of JSON.
#![no_main]

use std::borrow::Cow;

use mesh_telemetry::access_log::{Entry, Format, Message};

libfuzzer_sys::fuzz_target!(|input: (bool, &str, &[u8])| {
    let (as_json, text, value) = input;
    let format = if as_json {
        Format::json(&[
            ("a".to_owned(), text.to_owned()),
            (text.to_owned(), String::new()),
        ])
    } else {
        Format::text(text)
    };
    let Ok(format) = format else { return };
    let mut entry = Entry::new(([192, 0, 2, 1], 1).into(), ([192, 0, 2, 2], 2).into());
    entry.is_grpc = true;
    for message in [Message::Request, Message::Response, Message::Trailers] {
        format.capture(&mut entry.captured, message, |_| Some(Cow::Borrowed(value)));
    }
    let mut line = Vec::new();
    format.write(&entry, &mut line);
    assert_eq!(line.last(), Some(&b'\n'));
    if as_json {
        let object = line.strip_suffix(b"\n").expect("a line");
        assert!(!object.contains(&b'\n') && object.starts_with(b"{") && object.ends_with(b"}"));
    }
});
