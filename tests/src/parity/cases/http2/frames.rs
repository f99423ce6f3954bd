//! Frames of every type in forms and places that are none.

use super::UNTIL_CLOSED;
use crate::parity::{
    case::{Bullet, Case, Client, End, Frame, Protocol},
    cases::{
        ARRIVED,
        request::{head, own, shared},
    },
    hpack,
    http2::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
        WINDOW_UPDATE,
    },
};

#[expect(clippy::too_many_lines, reason = "a table of cases")]
pub(super) fn cases() -> Vec<Case> {
    let fields = || hpack::encode(&head("GET", "/", &[]));
    let raw = Frame::Raw;
    let setting = |id: u16, value: u32| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat();
    let scripts: Vec<(&str, Vec<Frame>)> = vec![
        ("ping", vec![raw(PING, 0, 0, vec![1; 8])]),
        ("ping short", vec![raw(PING, 0, 0, vec![1; 7])]),
        ("ping on a stream", vec![raw(PING, 0, 1, vec![1; 8])]),
        ("ping answered unasked", vec![raw(PING, 1, 0, vec![1; 8])]),
        (
            "settings on a stream",
            vec![raw(SETTINGS, 0, 1, Vec::new())],
        ),
        ("settings short", vec![raw(SETTINGS, 0, 0, vec![0; 5])]),
        (
            "settings acknowledged with payload",
            vec![raw(SETTINGS, 1, 0, vec![0; 6])],
        ),
        (
            "settings unknown",
            vec![raw(SETTINGS, 0, 0, setting(0x99, 1))],
        ),
        ("settings push 2", vec![raw(SETTINGS, 0, 0, setting(2, 2))]),
        (
            "settings window too large",
            vec![raw(SETTINGS, 0, 0, setting(4, 0x8000_0000))],
        ),
        (
            "settings frame too small",
            vec![raw(SETTINGS, 0, 0, setting(5, 100))],
        ),
        ("settings table 0", vec![raw(SETTINGS, 0, 0, setting(1, 0))]),
        (
            "settings head limit",
            vec![raw(SETTINGS, 0, 0, setting(6, 100))],
        ),
        (
            "window update 0",
            vec![raw(WINDOW_UPDATE, 0, 0, vec![0; 4])],
        ),
        (
            "window update too large",
            vec![raw(WINDOW_UPDATE, 0, 0, vec![0x7f, 0xff, 0xff, 0xff])],
        ),
        (
            "window update short",
            vec![raw(WINDOW_UPDATE, 0, 0, vec![0; 3])],
        ),
        (
            "window update of an idle stream",
            vec![raw(WINDOW_UPDATE, 0, 9, vec![0, 0, 0, 1])],
        ),
        (
            "reset of an idle stream",
            vec![raw(RST_STREAM, 0, 9, vec![0, 0, 0, 8])],
        ),
        (
            "reset of stream 0",
            vec![raw(RST_STREAM, 0, 0, vec![0, 0, 0, 8])],
        ),
        ("reset short", vec![raw(RST_STREAM, 0, 1, vec![0, 0, 0])]),
        ("goaway", vec![raw(GOAWAY, 0, 0, vec![0; 8])]),
        ("goaway on a stream", vec![raw(GOAWAY, 0, 1, vec![0; 8])]),
        ("goaway short", vec![raw(GOAWAY, 0, 0, vec![0; 7])]),
        (
            "priority of itself",
            vec![raw(2, 0, 1, vec![0, 0, 0, 1, 16])],
        ),
        ("priority short", vec![raw(2, 0, 1, vec![0; 4])]),
        ("priority", vec![raw(2, 0, 1, vec![0, 0, 0, 0, 16])]),
        (
            "push promise",
            vec![raw(5, END_HEADERS, 1, vec![0, 0, 0, 2])],
        ),
        (
            "continuation alone",
            vec![raw(CONTINUATION, END_HEADERS, 1, fields())],
        ),
        ("type unknown", vec![raw(0xfa, 0xff, 1, vec![1, 2, 3])]),
        (
            "type unknown within a head",
            vec![
                raw(HEADERS, END_STREAM, 1, fields()),
                raw(0xfa, 0, 1, vec![1]),
            ],
        ),
        (
            "data within a head",
            vec![raw(HEADERS, 0, 1, fields()), raw(DATA, 0, 1, vec![1])],
        ),
        (
            "continuation of another stream",
            vec![
                raw(HEADERS, END_STREAM, 1, fields()),
                raw(CONTINUATION, END_HEADERS, 3, Vec::new()),
            ],
        ),
        (
            "frame too large",
            vec![raw(HEADERS, END_STREAM | END_HEADERS, 1, vec![0; 16_385])],
        ),
        (
            "data too large",
            vec![
                Frame::Head(1, head("POST", "/", &[]), End::More),
                Frame::Pause(ARRIVED),
                raw(DATA, END_STREAM, 1, vec![b'x'; 16_385]),
            ],
        ),
        (
            "head not compressed right",
            vec![raw(
                HEADERS,
                END_STREAM | END_HEADERS,
                1,
                vec![0xff, 0xff, 0xff, 0xff],
            )],
        ),
        (
            "head with index beyond the table",
            vec![raw(HEADERS, END_STREAM | END_HEADERS, 1, vec![0xfe])],
        ),
        (
            "head empty",
            vec![raw(HEADERS, END_STREAM | END_HEADERS, 1, Vec::new())],
        ),
        (
            "padding too long",
            vec![raw(
                HEADERS,
                END_STREAM | END_HEADERS | 8,
                1,
                [&[255][..], &fields()].concat(),
            )],
        ),
        (
            "padded",
            vec![raw(
                HEADERS,
                END_STREAM | END_HEADERS | 8,
                1,
                [&[3][..], &fields(), &[0; 3]].concat(),
            )],
        ),
        (
            "with priority",
            vec![raw(
                HEADERS,
                END_STREAM | END_HEADERS | 0x20,
                1,
                [&[0, 0, 0, 0, 16][..], &fields()].concat(),
            )],
        ),
        ("in two frames", {
            let block = fields();
            let (first, second) = block.split_at(block.len() / 2);
            vec![
                raw(HEADERS, END_STREAM, 1, first.to_vec()),
                raw(CONTINUATION, END_HEADERS, 1, second.to_vec()),
            ]
        }),
        ("in a frame for each byte", {
            let block = fields();
            let last = block.len() - 1;
            let part = |(at, byte): (usize, &u8)| {
                let flags = if at == last { END_HEADERS } else { 0 };
                let (kind, more) = if at == 0 {
                    (HEADERS, END_STREAM)
                } else {
                    (CONTINUATION, 0)
                };
                raw(kind, flags | more, 1, vec![*byte])
            };
            block.iter().enumerate().map(part).collect()
        }),
    ];
    let mut cases = Vec::new();
    for (name, mut frames) in scripts {
        // The connection is tried once more behind what was sent.
        frames.extend([
            Frame::Pause(50),
            Frame::Head(11, head("GET", "/after", &[]), End::Stream),
        ]);
        let fields_hold_case =
            |frame: &Frame| matches!(frame, Frame::Raw(HEADERS | CONTINUATION, ..));
        let protocol = Protocol::Http2;
        let target = if frames.iter().any(fields_hold_case) {
            own(protocol)
        } else {
            shared(protocol)
        };
        let case = Case::new(
            Bullet::Http2,
            format!("frames: {name}"),
            target,
            Client::Http2(frames),
        );
        cases.push(case.watch(UNTIL_CLOSED));
    }
    cases
}
