//! RE2 in a child process.

use std::{
    env,
    fmt::Write as _,
    io::{BufRead, BufReader, Write as _},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::generate::Case;

/// A Python that answers for RE2, until it is dropped.
pub(crate) struct Re2 {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What RE2 says of a case.
pub(crate) struct Verdict {
    /// Why it refuses the pattern, if it does.
    pub(crate) refused: Option<String>,
    /// The instructions of its program.
    pub(crate) size: usize,
    /// Whether each value matches.
    pub(crate) matches: Vec<bool>,
}

impl Re2 {
    /// Starts Python with the google-re2 of `FERROMESH_RE2`. None, said aloud, where there is no
    /// such thing.
    pub(crate) fn start() -> Option<Self> {
        let usual = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../target/tools/re2");
        let packages = env::var_os("FERROMESH_RE2").map_or_else(|| usual.into(), PathBuf::from);
        if !packages.join("re2").is_dir() {
            let need = format!(
                "google-re2 in {}; cargo xtask setup installs it",
                packages.display()
            );
            let must = env::var_os("REQUIRE_PRIVILEGED").is_some_and(|value| value == "1");
            assert!(!must, "REQUIRE_PRIVILEGED=1, but this test needs {need}");
            eprintln!("SKIPPED (needs {need})");
            return None;
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/re2/re2_verdicts.py");
        let mut child = Command::new("python3")
            .args([script, "serve"])
            .env("PYTHONPATH", packages)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let questions = child.stdin.take().expect("it was asked for");
        let answers = BufReader::new(child.stdout.take().expect("it was asked for"));
        Some(Self {
            child,
            questions,
            answers,
        })
    }

    pub(crate) fn judge(&mut self, case: &Case) -> Verdict {
        let values: Vec<_> = case.values.iter().map(|value| hex(value)).collect();
        let question = json!({ "pattern": hex(case.pattern.as_bytes()), "values": values });
        writeln!(self.questions, "{question}").expect("RE2's process reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        let answer: Value = serde_json::from_str(&line).expect("it answers in JSON");
        let matches = answer["matches"].as_array();
        Verdict {
            refused: answer["refused"].as_str().map(str::to_owned),
            size: answer["size"]
                .as_u64()
                .map_or(0, |size| usize::try_from(size).expect("a size fits")),
            matches: matches.map_or_else(Vec::new, |matches| {
                matches
                    .iter()
                    .map(|one| one.as_bool() == Some(true))
                    .collect()
            }),
        }
    }
}

impl Drop for Re2 {
    fn drop(&mut self) {
        // It may have ended by itself; then both fail, and nothing is left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
