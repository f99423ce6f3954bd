use std::{
    fs::File,
    os::unix::{
        fs::{PermissionsExt, symlink},
        net::UnixListener,
    },
};

use super::{
    super::limits::{MAX_DEPTH, MAX_FILE},
    *,
};

fn names(set: &DocumentSet) -> Vec<&str> {
    set.files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn reads_files_by_the_ends_of_their_names_and_leaves_the_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("more")).expect("a subdirectory");
    fs::create_dir(at(".git")).expect("a subdirectory");
    let asset = format!("asset.{}", "0f".repeat(32));
    fs::create_dir(at(&asset)).expect("a subdirectory");
    fs::write(at(&asset).join("tsconfig.json"), "").expect("a file");
    for name in [
        "b.json",
        "a.json",
        "more/c.JSON",
        "mesh.yaml",
        "mesh.yml",
        "mesh.yaml.template",
        "main.tf",
        "terraform.tfstate",
        "variables.env",
        "README.md",
        "json",
        ".env",
        ".hidden.json",
        ".git/d.json",
        "a.json~",
        "terraform.tfstate.backup",
    ] {
        fs::write(at(name), name).expect("a file");
    }
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!(
        names(&set),
        [
            "a.json",
            "b.json",
            "main.tf",
            "mesh.yaml",
            "mesh.yaml.template",
            "mesh.yml",
            "more/c.JSON",
            "terraform.tfstate",
            "variables.env",
        ]
    );
    assert_eq!(&*set.files[0].text, "a.json");
    assert_eq!(set.unreadable, []);
}

#[test]
fn reads_a_mounted_config_map_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let version = directory.path().join("..2026_01_01");
    fs::create_dir(&version).expect("a version");
    fs::write(version.join("mesh.json"), "{}").expect("a file");
    symlink("..2026_01_01", directory.path().join("..data")).expect("a link");
    symlink("..data/mesh.json", directory.path().join("mesh.json")).expect("a link");
    assert_eq!(
        names(&read_directory(directory.path()).expect("readable")),
        ["mesh.json"]
    );
}

#[test]
fn a_plan_file_of_terraform_is_refused_with_the_command_that_prints_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let plan = directory.path().join("mesh.tfplan");
    fs::write(&plan, b"PK\x03\x04\x14\x00\xff\xfe").expect("a file");
    let set = read_paths(&[plan]).expect("it is there");
    let [problem] = &set.unreadable[..] else {
        panic!("one problem: {:?}", set.unreadable)
    };
    let text = problem.to_string();
    assert!(text.contains("a plan file of Terraform"), "{text}");
    assert!(text.contains("`terraform show -json PLAN`"), "{text}");
}

#[test]
fn a_file_that_is_no_text_is_a_problem_of_the_set() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("bad.json"), [0xff, 0xfe]).expect("a file");
    fs::write(directory.path().join("good.json"), "\u{feff}{}").expect("a file");
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!(names(&set), ["good.json"]);
    assert_eq!(
        &*set.files[0].text, "{}",
        "a byte order mark is no part of the text"
    );
    let [problem] = &set.unreadable[..] else {
        panic!("one problem: {:?}", set.unreadable)
    };
    assert_eq!(problem.place.file.as_deref(), Some("bad.json"));
}

#[test]
fn a_file_over_the_limit_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = File::create(directory.path().join("huge.json")).expect("a file");
    for size in [MAX_FILE + 1, 100 << 20, 1 << 40] {
        file.set_len(size).expect("a sparse file");
        let set = read_directory(directory.path()).expect("readable");
        let problem = only_problem(&set);
        assert!(problem.contains("16 MiB"), "{problem}");
    }
    file.set_len(MAX_FILE).expect("a sparse file");
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!((set.files.len(), set.unreadable), (1, vec![]));
}

#[test]
fn a_folder_of_a_mounted_config_map_is_read_and_other_links_to_directories_are_not() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir_all(at("..1/nodes")).expect("a version");
    fs::write(at("..1/nodes/a.json"), "{}").expect("a file");
    symlink("..1", at("..data")).expect("a link");
    symlink("..data/nodes", at("nodes")).expect("a link");
    symlink("nodes", at("again")).expect("a link");
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!(names(&set), ["nodes/a.json"]);
    assert_eq!(set.unreadable, []);
}

fn only_problem(set: &DocumentSet) -> String {
    let [problem] = &set.unreadable[..] else {
        panic!("one problem: {:?}", set.unreadable)
    };
    problem.to_string()
}

#[test]
fn a_link_that_leads_nowhere_is_a_problem_of_the_set() {
    let directory = tempfile::tempdir().expect("a directory");
    symlink("gone.json", directory.path().join("a.json")).expect("a link");
    let set = read_directory(directory.path()).expect("readable");
    assert!(
        only_problem(&set).starts_with("a.json: the file cannot be read: it is a link"),
        "{}",
        only_problem(&set)
    );
}

/// Makes something at a path.
type Maker<'a> = &'a dyn Fn(&Path);

#[test]
fn what_is_no_file_is_a_problem_and_does_not_hold_the_reader_up() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.json");
    let fifo = |path: &Path| {
        let mode = 0o600.into();
        rustix::fs::mknodat(CWD, path, rustix::fs::FileType::Fifo, mode, 0).expect("a FIFO");
    };
    let socket = |path: &Path| drop(UnixListener::bind(path).expect("a socket"));
    let device = |path: &Path| symlink("/dev/zero", path).expect("a link");
    // Reading at its beginning fails, whoever reads.
    let unreadable = |path: &Path| symlink("/proc/self/mem", path).expect("a link");
    let makers: [(Maker<'_>, &str); 4] = [
        (&fifo, "no regular file"),
        (&socket, "no regular file"),
        (&device, "no regular file"),
        (&unreadable, "error"),
    ];
    for (make, said) in makers {
        make(&path);
        let problem = only_problem(&read_directory(directory.path()).expect("readable"));
        assert!(problem.contains(said), "{problem}");
        fs::remove_file(&path).expect("removed");
    }
}

#[test]
fn files_are_read_with_every_mode_that_the_kubelet_gives_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("..1")).expect("a version");
    symlink("..1", at("..data")).expect("a link");
    for mode in [0o400, 0o440, 0o444, 0o600, 0o640, 0o644, 0o777] {
        let name = format!("{mode:o}.json");
        fs::write(at("..1").join(&name), "{}").expect("a file");
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(at("..1").join(&name), permissions).expect("a mode");
        symlink(format!("..data/{name}"), at(&name)).expect("a link");
    }
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!((set.files.len(), set.unreadable), (7, vec![]));
}

#[test]
fn directories_that_nest_too_deep_are_a_problem_of_the_set() {
    let directory = tempfile::tempdir().expect("a directory");
    let deep = |depth: usize| vec!["d"; depth].join("/");
    fs::create_dir_all(directory.path().join(deep(MAX_DEPTH))).expect("directories");
    let file = format!("{}/a.json", deep(MAX_DEPTH));
    fs::write(directory.path().join(&file), "{}").expect("a file");
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!((names(&set), set.unreadable.len()), (vec![&*file], 0));
    fs::create_dir(directory.path().join(deep(MAX_DEPTH + 1))).expect("a directory");
    let set = read_directory(directory.path()).expect("readable");
    assert!(
        only_problem(&set).contains("deeper than 16"),
        "{}",
        only_problem(&set)
    );
}

#[test]
fn a_set_over_the_limit_is_refused_and_none_of_it_is_held() {
    let directory = tempfile::tempdir().expect("a directory");
    let files = MAX_SET / MAX_FILE + 1;
    for number in 0..files {
        let path = directory.path().join(format!("{number}.json"));
        let file = File::create(path).expect("a file");
        file.set_len(MAX_FILE).expect("a sparse file");
    }
    let mut read = Directory::new(directory.path());
    let set = read.read().expect("readable");
    assert!(set.files.is_empty() && read.files.is_empty());
    assert!(
        only_problem(&set).contains("more than 128 MiB together"),
        "{}",
        only_problem(&set)
    );
    fs::remove_file(directory.path().join("0.json")).expect("removed");
    let set = read.read().expect("readable");
    assert_eq!(
        set.files.len() as u64,
        files - 1,
        "at the limit, it is read"
    );
    fs::write(directory.path().join("0.json"), "{}").expect("a file");
    let one = Part::Files(["0.json".to_owned()].into());
    read.look(&one).expect("readable");
    assert!(
        only_problem(&read.set()).contains("together"),
        "a single file more is held against the limit too"
    );
}

#[test]
fn several_directories_are_one_set_by_their_paths() {
    let directory = tempfile::tempdir().expect("a directory");
    let paths = ["one", "two"].map(|name| directory.path().join(name));
    for path in &paths {
        fs::create_dir(path).expect("a directory");
        fs::write(path.join("a.json"), "{}").expect("a file");
    }
    let set = read_paths(&paths).expect("readable");
    let expected = paths.map(|path| path.join("a.json").display().to_string());
    assert_eq!(names(&set), expected);
}

#[test]
fn a_file_that_did_not_change_stays_the_same_one() {
    let directory = tempfile::tempdir().expect("a directory");
    for name in ["a.json", "b.json", "c.json"] {
        fs::write(directory.path().join(name), name).expect("a file");
    }
    let mut read = Directory::new(directory.path());
    let first = read.read().expect("readable");
    fs::write(directory.path().join("b.json"), "other").expect("a file");
    fs::write(directory.path().join("c.json"), "c.json").expect("written as it was");
    let second = read.read().expect("readable");
    let same: Vec<bool> = (first.files.iter().zip(&second.files))
        .map(|(one, other)| Arc::ptr_eq(one, other))
        .collect();
    assert_eq!(same, [true, false, true]);
    assert_eq!(&*second.files[1].text, "other");
    assert_eq!(read.read().expect("readable"), second);
}

#[test]
fn a_look_at_single_files_finds_what_was_added_changed_and_removed() {
    let directory = tempfile::tempdir().expect("a directory");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("more")).expect("a directory");
    for name in ["a.json", "b.json", "more/c.json"] {
        fs::write(at(name), name).expect("a file");
    }
    let mut read = Directory::new(directory.path());
    read.read().expect("readable");
    fs::remove_file(at("a.json")).expect("removed");
    fs::write(at("more/c.json"), "new").expect("a file");
    fs::write(at("more/d.json"), "new").expect("a file");
    fs::write(at("b.json"), "not asked for").expect("a file");
    let asked = ["a.json", "more/c.json", "more/d.json", "gone/e.json"];
    let part = Part::Files(asked.map(str::to_owned).into());
    assert!(!read.look(&part).expect("readable"));
    let texts: Vec<(String, String)> = (read.set().files.iter())
        .map(|file| (file.name.clone(), file.text.to_string()))
        .collect();
    let expected = [
        ("b.json", "b.json"),
        ("more/c.json", "new"),
        ("more/d.json", "new"),
    ];
    assert_eq!(
        texts,
        expected.map(|(name, text)| (name.to_owned(), text.to_owned()))
    );
}

#[test]
fn files_are_read_in_order_by_any_number_of_threads() {
    let directory = tempfile::tempdir().expect("a directory");
    let count = CHUNK * MAX_THREADS + 7;
    for number in 0..count {
        let folder = directory.path().join(format!("d{}", number % 5));
        fs::create_dir_all(&folder).expect("a directory");
        fs::write(folder.join(format!("{number}.json")), number.to_string()).expect("a file");
    }
    let set = read_directory(directory.path()).expect("readable");
    assert_eq!(set.files.len(), count);
    assert!(set.files.is_sorted_by(|one, other| one.name < other.name));
    assert!(
        set.files
            .iter()
            .all(|file| file.name.ends_with(&format!("/{}.json", file.text)))
    );
}

#[test]
fn a_new_file_that_is_empty_is_still_being_written_but_not_for_ever() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("a.json"), "").expect("a file");
    let mut read = Directory::new(directory.path());
    assert!(read.look(&Part::Whole).expect("readable"));
    assert!(!read.look(&Part::Whole).expect("readable"));
}

#[test]
fn a_directory_that_is_not_there_is_an_error() {
    let error = read_directory(Path::new("/nonexistent/documents")).expect_err("nothing there");
    assert_eq!(error.to_string(), "cannot read /nonexistent/documents");
}

#[test]
fn single_files_are_read_whatever_their_name() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("mesh.txt");
    fs::write(&path, "{}").expect("a file");
    let set = read_paths(&[path]).expect("readable");
    assert_eq!(set.files.len(), 1);
}
