use super::{super::SourceFile, *};

fn set(files: &[(&str, &str)]) -> DocumentSet {
    DocumentSet {
        files: files
            .iter()
            .map(|(name, text)| SourceFile::new(*name, *text))
            .collect(),
        ..DocumentSet::default()
    }
}

fn keep(generations: &Generations, number: u64, documents: &DocumentSet) -> Record {
    let origin = Origin::Directory {
        path: "/etc/mesh".to_owned(),
    };
    let record = Record::new(number, origin, &DocumentSet::default(), documents);
    generations.keep(&record, documents).expect("kept");
    record
}

fn documents(generations: &Generations, number: u64) -> Option<DocumentSet> {
    let kept = generations.load(number).expect("readable");
    kept.map(|(_, documents)| documents)
}

fn sound(generations: &Generations) -> Vec<Record> {
    let kept = generations.records().expect("readable");
    assert!(kept.damaged.is_empty(), "{:?}", kept.damaged);
    kept.records
}

fn names(generations: &Generations) -> Vec<String> {
    let entries = fs::read_dir(generations.path()).expect("readable");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_kept_comes_back() {
    let state = tempfile::tempdir().expect("a directory");
    let generations = Generations::in_directory(&state.path().join("not/there/yet"));
    assert_eq!(sound(&generations), []);
    assert_eq!(documents(&generations, 1), None);
    let first = set(&[("a.json", "{\"a\": \"ü\\n\"}\n\n"), ("b.yaml", "b: 1\n")]);
    let one = keep(&generations, 1, &first);
    let two = keep(&generations, 2, &set(&[]));
    assert_eq!(sound(&generations), [two, one.clone()]);
    let kept = generations.load(1).expect("readable");
    assert_eq!(kept, Some((one, first)));
    assert_eq!(documents(&generations, 2), Some(set(&[])));
    assert_eq!(
        names(&generations),
        ["00000001.json.lz4", "00000002.json.lz4"],
        "no draft is left behind"
    );
}

#[test]
fn a_generation_that_is_kept_again_takes_its_own_place() {
    let state = tempfile::tempdir().expect("a directory");
    let generations = Generations::in_directory(state.path());
    keep(&generations, 7, &set(&[("a.json", "1")]));
    keep(&generations, 7, &set(&[("a.json", "2")]));
    assert_eq!(sound(&generations).len(), 1);
    assert_eq!(documents(&generations, 7), Some(set(&[("a.json", "2")])));
}

#[test]
fn the_oldest_go_first() {
    let state = tempfile::tempdir().expect("a directory");
    let generations = Generations::in_directory(state.path());
    for number in 95..=110 {
        keep(&generations, number, &set(&[]));
    }
    let kept: Vec<u64> = (sound(&generations).iter())
        .map(|record| record.generation)
        .collect();
    assert_eq!(kept, (101..=110).rev().collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_torn_anywhere_in_its_documents_is_named_and_leaves_the_others() {
    let state = tempfile::tempdir().expect("a directory");
    let generations = Generations::in_directory(state.path());
    let good = keep(&generations, 1, &set(&[("a.json", "{}")]));
    keep(&generations, 2, &set(&[("a.json", "{}")]));
    let path = generations.file(2);
    let whole = fs::read(&path).expect("readable");
    // The end mark and the checksum of the frame are no documents.
    for length in 0..whole.len() - 8 {
        fs::write(&path, &whole[..length]).expect("cut short");
        let error = generations.load(2).expect_err("torn").to_string();
        assert!(error.contains("00000002.json.lz4"), "{length}: {error}");
        let kept = generations.records().expect("readable");
        assert_eq!((kept.records, kept.damaged.len()), (vec![good.clone()], 1));
    }
    assert_eq!(
        generations.numbers().expect("readable"),
        [2, 1],
        "the number of a damaged one is not given again"
    );
}

#[test]
fn a_file_with_a_flipped_bit_is_never_taken_for_what_was_kept() {
    let state = tempfile::tempdir().expect("a directory");
    let generations = Generations::in_directory(state.path());
    let documents = set(&[("a.json", "{\"weight\": 100}")]);
    let record = keep(&generations, 1, &documents);
    let path = generations.file(1);
    let whole = fs::read(&path).expect("readable");
    for bit in 0..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(&path, &flipped).expect("written");
        if let Ok(kept) = generations.load(1) {
            assert_eq!(kept, Some((record.clone(), documents.clone())), "bit {bit}");
        }
    }
}

#[test]
fn changes_are_named_by_file() {
    let before = set(&[("a", "1"), ("b", "1"), ("d", "1")]);
    let after = set(&[("b", "2"), ("c", "1"), ("d", "1"), ("e", "1")]);
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let expected = Changes {
        added: owned(&["c", "e"]),
        changed: owned(&["b"]),
        removed: owned(&["a"]),
        unnamed: 0,
    };
    assert_eq!(Changes::between(&before, &after), expected);
    assert_eq!(Changes::between(&after, &after), Changes::default());
}

#[test]
fn the_digest_tells_sets_apart_and_not_copies() {
    let one = set(&[("a", "bc")]);
    assert_eq!(one.digest(), set(&[("a", "bc")]).digest());
    for other in [
        set(&[("ab", "c")]),
        set(&[]),
        set(&[("a", "bc"), ("b", "")]),
    ] {
        assert_ne!(one.digest(), other.digest());
    }
}
