use super::*;

fn news(said: &mut Said, lines: &[&str]) -> Vec<String> {
    said.news(lines.iter().map(|line| (*line).to_owned()))
}

#[test]
fn what_holds_on_is_said_once_and_what_comes_back_again() {
    let mut said = Said::default();
    assert_eq!(news(&mut said, &["b", "a", "b"]), ["b", "a"]);
    assert_eq!(news(&mut said, &["a", "b", "c"]), ["c"]);
    assert_eq!(news(&mut said, &["b"]), Vec::<String>::new());
    assert_eq!(news(&mut said, &["a", "b"]), ["a"]);
}
