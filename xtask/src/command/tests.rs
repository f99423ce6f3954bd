//! The line that is printed for a command.

use super::*;

#[test]
fn a_line_can_be_pasted_into_a_shell() {
    let mut command = Command::new("/somewhere/bin/cargo");
    command
        .args(["build", "--target", "a b", "it's", ""])
        .arg(layout::target().join("ebpf"))
        .env("RUSTFLAGS", "-Ca -Cb")
        .env_remove("LD_LIBRARY_PATH");
    assert_eq!(
        shell_line(&command),
        r"RUSTFLAGS='-Ca -Cb' cargo build --target 'a b' 'it'\''s' '' target/ebpf"
    );
}

#[test]
fn a_program_of_the_repository_is_named_by_its_path_in_it() {
    let command = Command::new(layout::tools().join("bin/cargo-deny"));
    assert_eq!(shell_line(&command), "target/tools/bin/cargo-deny");
}

#[test]
fn what_path_is_extended_by_is_printed_and_the_rest_is_not() {
    let path = env::var("PATH").expect("tests run with a PATH");
    let mut command = Command::new("make");
    command.env("PATH", format!("/opt/llvm/bin:{path}"));
    assert_eq!(shell_line(&command), "PATH=/opt/llvm/bin:$PATH make");
}

#[test]
fn a_failing_program_is_an_error_that_names_it() {
    let error = run(&mut Command::new("false")).expect_err("false fails");
    assert!(error.to_string().starts_with("false failed: "), "{error}");
    assert!(ask(&mut Command::new("/no/such/program")).is_none());
}
