use proptest::prelude::*;

use super::*;

/// Path and what Envoy 1.40 forwards for it, as its access log says.
const MEASURED: &[(&str, &str)] = &[
    ("/", "/"),
    ("/..", "/"),
    ("/../..", "/"),
    ("//", "//"),
    ("//a", "/a"),
    ("/a/", "/a/"),
    ("/a/.", "/a/"),
    ("/a/..", "/"),
    ("/a/...", "/a/..."),
    ("/a/./b", "/a/b"),
    ("/a/../b", "/b"),
    ("/a/.b/..c/d../e.", "/a/.b/..c/d../e."),
    ("/a/%2e/b", "/a/b"),
    ("/a/%2E%2e/b", "/b"),
    ("/a/.%2e/b", "/b"),
    ("/a/b/%2e%2e", "/a/"),
    ("/a//b///c//", "/a/b/c/"),
    ("/a//../b", "/a/b"),
    ("/a/..//b", "/b"),
    (r"/a\b", "/a/b"),
    (r"/a\..\b", "/b"),
    ("/a%5cb", "/a%5cb"),
    ("/a%2fb", "/a%2fb"),
    ("/a%2Fb/../c", "/c"),
    ("/a/..%2fb", "/a/..%2fb"),
    ("/%41%7e%2d%5f%2e", "/A~-_."),
    ("/%0a", "/%0a"),
    ("/%zz/%4", "/%zz/%4"),
    ("/%", "/%"),
    ("/%25%32%65/x", "/%252e/x"),
    ("/a/%c3%a9", "/a/%c3%a9"),
    ("/{a}|\"b", "/%7Ba%7D%7C%22b"),
    ("/^a_`<>", "/%5Ea_%60%3C%3E"),
    ("/a~b'c(d)*+,;:=@!$&[]", "/a~b'c(d)*+,;:=@!$&[]"),
    ("/a/.;x/b", "/a/b"),
    ("/a/..;x/b", "/b"),
    ("/a/..;", "/"),
    ("/a/b/..;x/..;y/c", "/c"),
    ("/a/...;x/b", "/a/...;x/b"),
    ("/a/x..;/b", "/a/x..;/b"),
    ("/a/%2e%2e;x/b", "/a/..;x/b"),
    ("/a/..%3bx/b", "/a/..%3bx/b"),
    ("/a;x/b", "/a;x/b"),
    (r"/a/..;x\b", "/"),
];

#[test]
fn paths_become_what_envoy_makes_of_them() {
    for (path, expected) in MEASURED {
        assert_eq!(normalise(path).as_deref(), Ok(*expected), "{path}");
    }
}

#[test]
fn an_escaped_nul_is_no_path() {
    assert_eq!(normalise("/a/%00"), Err(InvalidPath));
}

#[test]
fn what_is_no_path_of_a_resource_is_left_alone() {
    assert_eq!(normalise("*").as_deref(), Ok("*"));
}

#[test]
fn a_normal_path_is_borrowed() {
    for path in ["/", "/a.b/c-d/e.", "/a%2fb", "/a%20b"] {
        assert!(matches!(normalise(path), Ok(Cow::Borrowed(_))), "{path}");
    }
}

proptest! {
    #[test]
    fn no_dot_segment_stays(path in r"(/|\\|\.|%2e|%2E|a|;|%41|\?|\{){0,12}") {
        let path = format!("/{path}");
        let normal = normalise(&path).expect("no NUL");
        prop_assert!(normal.starts_with('/'));
        prop_assert!(!normal.split('/').any(|segment| segment == "." || segment == ".."));
        prop_assert!(normal == "//" || !normal.contains("//"), "{normal}");
        prop_assert!(normal.is_ascii());
    }

    #[test]
    fn any_text_is_taken(path in ".{0,20}") {
        let path = format!("/{path}");
        let normal = normalise(&path);
        prop_assert!(normal.is_err() == path.contains("%00"));
    }
}
