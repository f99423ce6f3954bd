//! Each rule is broken once.

use super::*;

fn broken(place: &str, text: &str) -> Vec<String> {
    broken_rules(Path::new(place), text)
}

#[test]
fn a_file_that_keeps_the_rules_passes() {
    assert_eq!(
        broken("src/good/tests.rs", "use super::*;\n"),
        Vec::<String>::new()
    );
    assert_eq!(
        broken("src/good.rs", "//! Good.\n\nfn good() {}\n"),
        Vec::<String>::new()
    );
}

#[test]
fn each_rule_is_named() {
    let long = format!("//! Long.\n{}", "\n".repeat(HARD_LIMIT));
    let later = format!("//! Later.\n// {}: more\n", LEFT_FOR_LATER[0]);
    for (place, text, part) in [
        ("src/a/mod.rs", "//! A.\n", "mod.rs"),
        ("src/a.rs", "fn a() {}\n", "header"),
        ("src/a.rs", long.as_str(), "801 lines"),
        ("src/a.rs", later.as_str(), "in line 2"),
    ] {
        let broken = broken(place, text);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(broken[0].contains(part), "{broken:?} lacks {part}");
    }
}

#[test]
fn a_mark_inside_a_word_is_no_mark() {
    let text = format!(
        "//! {}S in the plural, METHODO{} too.\n",
        LEFT_FOR_LATER[0], "DO"
    );
    assert_eq!(broken("src/a.rs", &text), Vec::<String>::new());
}

#[test]
fn this_repository_is_read() {
    let sources = sources(layout::root()).expect("the repository is readable");
    assert!(
        sources
            .iter()
            .any(|path| path.ends_with("xtask/src/check/house.rs"))
    );
    assert!(
        !sources
            .iter()
            .any(|path| path.starts_with(layout::target()))
    );
}
