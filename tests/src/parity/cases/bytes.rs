//! Requests of HTTP/1 as bytes: those that ought to be served, those that ought to be refused, and those
//! that two readers may read in two ways.

use crate::parity::{
    case::{CASE, CASE_FIELD, HOST, Step},
    http1::Kind,
};

/// Stands for the host and the number of the case.
const OWN: &str = "{own}";
/// Stands for a moment without bytes, so that what is before it is relayed by what it says alone.
const PAUSE: &str = "{pause}";
/// How long that is, in milliseconds: a proxy with much to do may take a while to the service.
const MOMENT: u64 = 2000;

/// A name, the bytes, and how many answers are expected at most.
type Bytes = (&'static str, &'static str, usize);

#[rustfmt::skip]
const FRAMING: &[Bytes] = &[
    ("length", "POST / HTTP/1.1\r\n{own}content-length: 3\r\n\r\nabc", 1),
    ("length 0", "POST / HTTP/1.1\r\n{own}content-length: 0\r\n\r\n", 1),
    ("length with zeros", "POST / HTTP/1.1\r\n{own}content-length: 0003\r\n\r\nabc", 1),
    ("length with plus", "POST / HTTP/1.1\r\n{own}content-length: +3\r\n\r\nabc", 1),
    ("length negative", "POST / HTTP/1.1\r\n{own}content-length: -1\r\n\r\n", 1),
    ("length hexadecimal", "POST / HTTP/1.1\r\n{own}content-length: 0x3\r\n\r\nabc", 1),
    ("length empty", "POST / HTTP/1.1\r\n{own}content-length:\r\n\r\n", 1),
    ("length of text", "POST / HTTP/1.1\r\n{own}content-length: three\r\n\r\nabc", 1),
    ("length with space", "POST / HTTP/1.1\r\n{own}content-length: 1 2\r\n\r\nabc", 1),
    ("length with tab", "POST / HTTP/1.1\r\n{own}content-length:\t3\t\r\n\r\nabc", 1),
    ("length too large", "POST / HTTP/1.1\r\n{own}content-length: 99999999999999999999\r\n\r\n", 1),
    ("length list same", "POST / HTTP/1.1\r\n{own}content-length: 3, 3\r\n\r\nabc", 1),
    ("length list different", "POST / HTTP/1.1\r\n{own}content-length: 3, 4\r\n\r\nabcd", 1),
    ("two lengths same", "POST / HTTP/1.1\r\n{own}content-length: 3\r\ncontent-length: 3\r\n\r\nabc", 1),
    ("two lengths different", "POST / HTTP/1.1\r\n{own}content-length: 3\r\ncontent-length: 4\r\n\r\nabcd", 1),
    ("length name with space", "POST / HTTP/1.1\r\n{own}content-length : 3\r\n\r\nabc", 1),
    ("length of GET", "GET / HTTP/1.1\r\n{own}content-length: 3\r\n\r\nabc", 1),
    ("length of HEAD", "HEAD / HTTP/1.1\r\n{own}content-length: 3\r\n\r\nabc", 1),
    ("length of DELETE", "DELETE / HTTP/1.1\r\n{own}content-length: 3\r\n\r\nabc", 1),
    ("no length of POST", "POST / HTTP/1.1\r\n{own}\r\n", 1),
    ("length and chunked", "POST / HTTP/1.1\r\n{own}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 1),
    ("chunked and length", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked and length smuggled", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n{own}\r\n", 2),
    ("chunked", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 1),
    ("chunked in capitals", "POST / HTTP/1.1\r\n{own}Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked empty", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 1),
    ("chunked GET", "GET / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked trailers", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n3\r\nabc\r\n0\r\nx-t: 1\r\n\r\n", 1),
    ("chunked trailer length", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\ncontent-length: 9\r\n\r\n", 1),
    ("chunked trailer bad", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}3\r\nabc\r\n{pause}0\r\nx t: 1\r\n\r\n", 1),
    ("chunked extension", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0;c\r\n\r\n", 1),
    ("chunked extension quoted", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n3;a=\"b;c\"\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked extension with LF", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}3;a\nb\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked space behind size", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n", 1),
    ("chunked space before size", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause} 3\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked size capitals", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", 1),
    ("chunked size zeros", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n0003\r\nabc\r\n000\r\n\r\n", 1),
    ("chunked size with 0x", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}0x3\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked size negative", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}-3\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked size empty", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked size of text", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}xyz\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked size too large", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}fffffffffffffffff\r\nabc\r\n0\r\n\r\n", 1),
    ("chunked size bare LF", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}3\nabc\r\n0\r\n\r\n", 1),
    ("chunked data without CR LF", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}3\r\nabc{pause}0\r\n\r\n", 1),
    ("chunked bare CR", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n{pause}3\rabc\r\n0\r\n\r\n", 1),
    ("coding identity", "POST / HTTP/1.1\r\n{own}transfer-encoding: identity\r\n\r\n", 1),
    ("coding identity and length", "POST / HTTP/1.1\r\n{own}transfer-encoding: identity\r\ncontent-length: 3\r\n\r\nabc", 1),
    ("coding gzip", "POST / HTTP/1.1\r\n{own}transfer-encoding: gzip\r\n\r\n", 1),
    ("coding gzip chunked", "POST / HTTP/1.1\r\n{own}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 1),
    ("coding chunked gzip", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n", 1),
    ("coding chunked twice", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 1),
    ("two codings", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 1),
    ("two codings identity", "POST / HTTP/1.1\r\n{own}transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n", 1),
    ("coding empty", "POST / HTTP/1.1\r\n{own}transfer-encoding:\r\n\r\n", 1),
    ("coding unknown", "POST / HTTP/1.1\r\n{own}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n", 1),
    ("coding quoted", "POST / HTTP/1.1\r\n{own}transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n", 1),
    ("coding with vertical tab", "POST / HTTP/1.1\r\n{own}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 1),
    ("coding name with space", "POST / HTTP/1.1\r\n{own}transfer-encoding : chunked\r\n\r\n0\r\n\r\n", 1),
    ("coding folded", "POST / HTTP/1.1\r\n{own}transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 1),
    ("coding in HTTP/1.0", "POST / HTTP/1.0\r\n{own}transfer-encoding: chunked\r\n\r\n0\r\n\r\n", 1),
];

#[rustfmt::skip]
const HEADS: &[Bytes] = &[
    ("plain", "GET / HTTP/1.1\r\n{own}\r\n", 1),
    ("no host", "GET / HTTP/1.1\r\nx-case: {case}\r\n\r\n", 1),
    ("host empty", "GET / HTTP/1.1\r\nhost:\r\nx-case: {case}\r\n\r\n", 1),
    ("host with space", "GET / HTTP/1.1\r\nhost: a b\r\nx-case: {case}\r\n\r\n", 1),
    ("host with slash", "GET / HTTP/1.1\r\nhost: {host}/x\r\nx-case: {case}\r\n\r\n", 1),
    ("host with user", "GET / HTTP/1.1\r\nhost: user@{host}\r\nx-case: {case}\r\n\r\n", 1),
    ("host list", "GET / HTTP/1.1\r\nhost: {host}, {host}\r\nx-case: {case}\r\n\r\n", 1),
    ("bare LF everywhere", "GET / HTTP/1.1\nhost: {host}\nx-case: {case}\n\n", 1),
    ("bare LF in first line", "GET / HTTP/1.1\n{own}\r\n", 1),
    ("bare LF in a field", "GET / HTTP/1.1\r\n{own}x-a: 1\nx-b: 2\r\n\r\n", 1),
    ("bare LF at the end", "GET / HTTP/1.1\r\n{own}\n", 1),
    ("folding with space", "GET / HTTP/1.1\r\n{own}x-a: 1\r\n 2\r\n\r\n", 1),
    ("folding with tab", "GET / HTTP/1.1\r\n{own}x-a: 1\r\n\t2\r\n\r\n", 1),
    ("folding of the first field", "GET / HTTP/1.1\r\n x-a: 1\r\n{own}\r\n", 1),
    ("folding empty", "GET / HTTP/1.1\r\n{own}x-a: 1\r\n \r\n\r\n", 1),
    ("name with space", "GET / HTTP/1.1\r\n{own}x a: 1\r\n\r\n", 1),
    ("name with space behind", "GET / HTTP/1.1\r\n{own}x-a : 1\r\n\r\n", 1),
    ("name with tab behind", "GET / HTTP/1.1\r\n{own}x-a\t: 1\r\n\r\n", 1),
    ("name empty", "GET / HTTP/1.1\r\n{own}: 1\r\n\r\n", 1),
    ("name without colon", "GET / HTTP/1.1\r\n{own}x-a\r\n\r\n", 1),
    ("name with NUL", "GET / HTTP/1.1\r\n{own}x\0a: 1\r\n\r\n", 1),
    ("name with bracket", "GET / HTTP/1.1\r\n{own}x[a]: 1\r\n\r\n", 1),
    ("name with parentheses", "GET / HTTP/1.1\r\n{own}x(a): 1\r\n\r\n", 1),
    ("name with slash", "GET / HTTP/1.1\r\n{own}x/a: 1\r\n\r\n", 1),
    ("name with quotation mark", "GET / HTTP/1.1\r\n{own}x\"a: 1\r\n\r\n", 1),
    ("name with at sign", "GET / HTTP/1.1\r\n{own}x@a: 1\r\n\r\n", 1),
    ("name with underscore", "GET / HTTP/1.1\r\n{own}x_a: 1\r\n\r\n", 1),
    ("name with dot", "GET / HTTP/1.1\r\n{own}x.a: 1\r\n\r\n", 1),
    ("name with every token character", "GET / HTTP/1.1\r\n{own}!#$%&'*+-.^_`|~0aZ: 1\r\n\r\n", 1),
    ("name in capitals", "GET / HTTP/1.1\r\n{own}X-Capital-Letters: Value\r\n\r\n", 1),
    ("name of pseudo header", "GET / HTTP/1.1\r\n{own}:path: /x\r\n\r\n", 1),
    ("name not ASCII", "GET / HTTP/1.1\r\n{own}x-\u{e4}: 1\r\n\r\n", 1),
    ("value empty", "GET / HTTP/1.1\r\n{own}x-a:\r\n\r\n", 1),
    ("value of spaces", "GET / HTTP/1.1\r\n{own}x-a:   \r\n\r\n", 1),
    ("value with spaces around", "GET / HTTP/1.1\r\n{own}x-a:  \t 1 \t \r\n\r\n", 1),
    ("value without space", "GET / HTTP/1.1\r\n{own}x-a:1\r\n\r\n", 1),
    ("value with NUL", "GET / HTTP/1.1\r\n{own}x-a: 1\x002\r\n\r\n", 1),
    ("value with control", "GET / HTTP/1.1\r\n{own}x-a: 1\x012\r\n\r\n", 1),
    ("value with DEL", "GET / HTTP/1.1\r\n{own}x-a: 1\x7f2\r\n\r\n", 1),
    ("value with escape", "GET / HTTP/1.1\r\n{own}x-a: 1\x1b[2m\r\n\r\n", 1),
    ("value with vertical tab", "GET / HTTP/1.1\r\n{own}x-a: 1\x0b2\r\n\r\n", 1),
    ("value with tab", "GET / HTTP/1.1\r\n{own}x-a: 1\t2\r\n\r\n", 1),
    ("value in UTF-8", "GET / HTTP/1.1\r\n{own}x-a: \u{e4}\u{20ac}\r\n\r\n", 1),
    ("same field twice", "GET / HTTP/1.1\r\n{own}x-a: 1\r\nx-a: 2\r\nX-A: 3\r\n\r\n", 1),
    ("cookies twice", "GET / HTTP/1.1\r\n{own}cookie: a=1\r\ncookie: b=2\r\n\r\n", 1),
    ("space before the line", " GET / HTTP/1.1\r\n{own}\r\n", 1),
    ("CR LF before the line", "\r\nGET / HTTP/1.1\r\n{own}\r\n", 1),
    ("CR LF twice before the line", "\r\n\r\nGET / HTTP/1.1\r\n{own}\r\n", 1),
    ("LF before the line", "\nGET / HTTP/1.1\r\n{own}\r\n", 1),
];

#[rustfmt::skip]
const LINES: &[Bytes] = &[
    ("version 1.0", "GET / HTTP/1.0\r\n{own}\r\n", 1),
    ("version 1.0 keep-alive", "GET / HTTP/1.0\r\n{own}connection: keep-alive\r\n\r\n", 1),
    ("version 1.0 without host", "GET / HTTP/1.0\r\nx-case: {case}\r\n\r\n", 1),
    ("version 0.9", "GET /\r\n", 1),
    ("version 0.9 with space", "GET / \r\n", 1),
    ("version 0.9 named", "GET / HTTP/0.9\r\n{own}\r\n", 1),
    ("version 1.2", "GET / HTTP/1.2\r\n{own}\r\n", 1),
    ("version 2.0", "GET / HTTP/2.0\r\n{own}\r\n", 1),
    ("version 1", "GET / HTTP/1\r\n{own}\r\n", 1),
    ("version 1.", "GET / HTTP/1.\r\n{own}\r\n", 1),
    ("version 01.1", "GET / HTTP/01.1\r\n{own}\r\n", 1),
    ("version 1.10", "GET / HTTP/1.10\r\n{own}\r\n", 1),
    ("version in lower case", "GET / http/1.1\r\n{own}\r\n", 1),
    ("version of another protocol", "GET / ICY/1.1\r\n{own}\r\n", 1),
    ("version with space behind", "GET / HTTP/1.1 \r\n{own}\r\n", 1),
    ("two spaces before the target", "GET  / HTTP/1.1\r\n{own}\r\n", 1),
    ("two spaces behind the target", "GET /  HTTP/1.1\r\n{own}\r\n", 1),
    ("tab between", "GET\t/\tHTTP/1.1\r\n{own}\r\n", 1),
    ("no target", "GET HTTP/1.1\r\n{own}\r\n", 1),
    ("no method", "/ HTTP/1.1\r\n{own}\r\n", 1),
    ("method in lower case", "get / HTTP/1.1\r\n{own}\r\n", 1),
    ("method unknown", "BREW / HTTP/1.1\r\n{own}\r\n", 1),
    ("method of WebDAV", "PROPFIND / HTTP/1.1\r\n{own}\r\n", 1),
    ("method M-SEARCH", "M-SEARCH / HTTP/1.1\r\n{own}\r\n", 1),
    ("method PURGE", "PURGE / HTTP/1.1\r\n{own}\r\n", 1),
    ("method with bad character", "G(T / HTTP/1.1\r\n{own}\r\n", 1),
    ("method with quotation mark", "G\"ET / HTTP/1.1\r\n{own}\r\n", 1),
    ("method with digit", "GET1 / HTTP/1.1\r\n{own}\r\n", 1),
    ("method OPTIONS", "OPTIONS / HTTP/1.1\r\n{own}\r\n", 1),
    ("method OPTIONS *", "OPTIONS * HTTP/1.1\r\n{own}\r\n", 1),
    ("method GET *", "GET * HTTP/1.1\r\n{own}\r\n", 1),
    ("method TRACE", "TRACE / HTTP/1.1\r\n{own}\r\n", 1),
    ("method PATCH", "PATCH / HTTP/1.1\r\n{own}content-length: 3\r\n\r\nabc", 1),
    ("method PUT", "PUT / HTTP/1.1\r\n{own}content-length: 3\r\n\r\nabc", 1),
    ("method DELETE", "DELETE / HTTP/1.1\r\n{own}\r\n", 1),
    ("method CONNECT", "CONNECT {host}:80 HTTP/1.1\r\n{own}\r\n", 1),
    ("method CONNECT path", "CONNECT / HTTP/1.1\r\n{own}\r\n", 1),
    ("method PRI", "PRI * HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute", "GET http://{host}/x?y HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute of another host", "GET http://other.apps.local/x HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute with port", "GET http://{host}:80/x HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute without path", "GET http://{host} HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute with query alone", "GET http://{host}?a HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute https", "GET https://{host}/x HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute ftp", "GET ftp://{host}/x HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute in capitals", "GET HTTP://{host}/x HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute with user", "GET http://user@{host}/x HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute without host", "GET http:///x HTTP/1.1\r\n{own}\r\n", 1),
    ("target absolute with one slash", "GET http:/{host}/x HTTP/1.1\r\n{own}\r\n", 1),
    ("target without slash", "GET x HTTP/1.1\r\n{own}\r\n", 1),
    ("target of query alone", "GET ?x HTTP/1.1\r\n{own}\r\n", 1),
    ("target of an authority", "GET {host}:80 HTTP/1.1\r\n{own}\r\n", 1),
    ("target with fragment", "GET /x#y HTTP/1.1\r\n{own}\r\n", 1),
    ("target with space", "GET /x y HTTP/1.1\r\n{own}\r\n", 1),
    ("target with control", "GET /x\x01y HTTP/1.1\r\n{own}\r\n", 1),
    ("target with NUL", "GET /x\0y HTTP/1.1\r\n{own}\r\n", 1),
    ("target with DEL", "GET /x\x7fy HTTP/1.1\r\n{own}\r\n", 1),
    ("target in UTF-8", "GET /\u{e4} HTTP/1.1\r\n{own}\r\n", 1),
    ("target with backslash", "GET /x\\y HTTP/1.1\r\n{own}\r\n", 1),
    ("target with brackets", "GET /x[1]{2}|3 HTTP/1.1\r\n{own}\r\n", 1),
    ("nothing but CR LF", "\r\n\r\n\r\n\r\n", 1),
    ("noise", "\x16\x03\x01\x02\x00\x01\x00\x01\u{7c}\r\n\r\n", 1),
    ("text", "hello there\r\n\r\n", 1),
    ("half a line", "GET / HT", 1),
    ("begins with a letter", "x", 0),
    ("begins with a blank", " ", 0),
    ("begins with a tab", "\t", 0),
    ("begins with NUL", "\0", 0),
    ("begins with DEL", "\x7f", 0),
    ("begins with UTF-8", "\u{e9}", 0),
    ("begins with a bracket", "(", 0),
    ("begins with TLS", "\x16\x03\x01", 0),
    ("begins with CR", "\rx", 0),
    ("begins with an empty line and TLS", "\r\n\x16", 0),
    ("half a head", "GET / HTTP/1.1\r\nhost: {host}\r\n", 1),
    ("preface of HTTP/2 cut", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", 1),
];

#[rustfmt::skip]
const CONNECTIONS: &[Bytes] = &[
    ("close", "GET / HTTP/1.1\r\n{own}connection: close\r\n\r\n", 1),
    ("close in capitals", "GET / HTTP/1.1\r\n{own}Connection: Close\r\n\r\n", 1),
    ("close in a list", "GET / HTTP/1.1\r\n{own}connection: x, close\r\nx: 1\r\n\r\n", 1),
    ("keep-alive", "GET / HTTP/1.1\r\n{own}connection: keep-alive\r\nkeep-alive: timeout=5\r\n\r\n", 1),
    ("proxy-connection", "GET / HTTP/1.1\r\n{own}proxy-connection: close\r\n\r\n", 1),
    ("close then another", "GET /1 HTTP/1.1\r\n{own}connection: close\r\n\r\nGET /2 HTTP/1.1\r\n{own}\r\n", 1),
    ("two pipelined", "GET /1 HTTP/1.1\r\n{own}\r\nGET /2 HTTP/1.1\r\n{own}\r\n", 2),
    ("three pipelined with bodies", "POST /1 HTTP/1.1\r\n{own}content-length: 1\r\n\r\naPOST /2 HTTP/1.1\r\n{own}transfer-encoding: chunked\r\n\r\n1\r\nb\r\n0\r\n\r\nGET /3 HTTP/1.1\r\n{own}\r\n", 3),
    ("pipelined behind a fault", "GET /1 HTTP/1.1\r\n{own}x a: 1\r\n\r\nGET /2 HTTP/1.1\r\n{own}\r\n", 1),
    ("fault behind a request", "GET /1 HTTP/1.1\r\n{own}\r\nGET /2 HTTP/1.1\r\n{own}x a: 1\r\n\r\n", 2),
    ("pipelined unknown host", "GET /1 HTTP/1.1\r\nhost: x\r\nx-case: {case}\r\n\r\nGET /2 HTTP/1.1\r\n{own}\r\n", 2),
    ("pipelined with CR LF between", "GET /1 HTTP/1.1\r\n{own}\r\n\r\nGET /2 HTTP/1.1\r\n{own}\r\n", 2),
    ("bytes behind", "GET / HTTP/1.1\r\n{own}\r\nxyz", 1),
    ("a letter behind", "GET / HTTP/1.1\r\n{own}\r\nx", 1),
    ("TLS behind", "GET / HTTP/1.1\r\n{own}\r\n\x16\x03\x01", 1),
    ("a blank behind", "GET / HTTP/1.1\r\n{own}\r\n ", 1),
    ("NUL behind", "GET / HTTP/1.1\r\n{own}\r\n\0", 1),
    ("bytes behind a length", "POST / HTTP/1.1\r\n{own}content-length: 1\r\n\r\nabc\r\n\r\n", 2),
    ("HTTP/1.0 behind", "GET /1 HTTP/1.1\r\n{own}\r\nGET /2 HTTP/1.0\r\n{own}\r\n", 2),
    ("te trailers", "GET / HTTP/1.1\r\n{own}connection: te\r\nte: trailers\r\n\r\n", 1),
    ("te gzip", "GET / HTTP/1.1\r\n{own}te: gzip\r\n\r\n", 1),
    ("te both", "GET / HTTP/1.1\r\n{own}te: trailers, gzip;q=0.5\r\n\r\n", 1),
    ("connection names a field", "GET / HTTP/1.1\r\n{own}connection: x-a\r\nx-a: 1\r\nx-b: 2\r\n\r\n", 1),
    ("connection names host", "GET / HTTP/1.1\r\n{own}connection: host\r\n\r\n", 1),
    ("connection names length", "POST / HTTP/1.1\r\n{own}connection: content-length\r\ncontent-length: 3\r\n\r\nabc", 1),
    ("connection names case", "GET / HTTP/1.1\r\n{own}connection: x-forwarded-proto\r\nx-forwarded-proto: https\r\n\r\n", 1),
    ("connection bad", "GET / HTTP/1.1\r\n{own}connection: a b, \"c\"\r\n\r\n", 1),
    ("upgrade unknown", "GET / HTTP/1.1\r\n{own}connection: upgrade\r\nupgrade: foo\r\n\r\n", 1),
    ("upgrade h2c", "GET / HTTP/1.1\r\n{own}connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n", 1),
    ("upgrade h2c and another", "GET / HTTP/1.1\r\n{own}connection: upgrade\r\nupgrade: h2c, foo\r\n\r\n", 1),
    ("upgrade TLS", "GET / HTTP/1.1\r\n{own}connection: upgrade\r\nupgrade: TLS/1.0\r\n\r\n", 1),
    ("upgrade without connection", "GET / HTTP/1.1\r\n{own}upgrade: websocket\r\n\r\n", 1),
    ("connection upgrade without upgrade", "GET / HTTP/1.1\r\n{own}connection: upgrade\r\n\r\n", 1),
    ("upgrade of POST", "POST / HTTP/1.1\r\n{own}connection: upgrade\r\nupgrade: foo\r\ncontent-length: 3\r\n\r\nabc", 1),
    ("expect unknown", "POST / HTTP/1.1\r\n{own}expect: 200-ok\r\ncontent-length: 3\r\n\r\nabc", 1),
    ("expect without body", "GET / HTTP/1.1\r\n{own}expect: 100-continue\r\n\r\n", 1),
    ("expect with body at once", "POST / HTTP/1.1\r\n{own}expect: 100-continue\r\ncontent-length: 3\r\n\r\nabc", 1),
    ("expect in capitals", "POST / HTTP/1.1\r\n{own}Expect: 100-Continue\r\ncontent-length: 3\r\n\r\nabc", 1),
];

/// What Envoy takes and Ferromesh refuses, because two readers may take it for two things: each is a listed
/// difference. They do not say which case they are of, as what is refused tells nobody.
#[rustfmt::skip]
pub(super) const HARDENED: &[Bytes] = &[
    ("two hosts", "GET / HTTP/1.1\r\nhost: {host}\r\nhost: other.apps.local\r\n\r\n", 1),
    ("bare CR", "GET / HTTP/1.1\r\nhost: {host}\r\nx-a: 1\rx-b: 2\r\n\r\n", 1),
    ("chunk longer than its size", "POST / HTTP/1.1\r\nhost: {host}\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", 1),
];

/// The groups by name.
pub(super) const GROUPS: [(&str, &[Bytes]); 4] = [
    ("framing", FRAMING),
    ("head", HEADS),
    ("line", LINES),
    ("connection", CONNECTIONS),
];

/// How a client sends an entry, with what the placeholders of this module stand for.
pub(super) fn steps(text: &str) -> Vec<Step> {
    let own = format!("host: {HOST}\r\n{CASE_FIELD}: {CASE}\r\n");
    let mut steps = Vec::new();
    for part in text.split(PAUSE) {
        if !steps.is_empty() {
            steps.push(Step::Pause(MOMENT));
        }
        steps.push(Step::Send(part.replace(OWN, &own).into_bytes()));
    }
    steps
}

/// As what the answers are read.
pub(super) fn kinds(text: &str, answers: usize) -> Vec<Kind> {
    let kind = if text.starts_with("HEAD ") {
        Kind::AnswerToHead
    } else {
        Kind::Answer
    };
    vec![kind; answers]
}
