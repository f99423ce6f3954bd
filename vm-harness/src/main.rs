//! Boots Debian's kernels in QEMU, and has the daemon prove itself in each, or the tests of the
//! hooks run there.
//!
//! `vm-harness [--tests DIRECTORY [--only NAME]] [KERNEL…]`
//!
//! `kernel` fetches one, `initramfs` packs the guest's programs and its script, `qemu` boots both,
//! and `verdict` reads what the script said. Nothing of the machine but `target/vm` is touched.

mod initramfs;
mod kernel;
mod qemu;
mod verdict;

use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, Result, bail};

use crate::{initramfs::Payload, kernel::Kernel};

fn main() -> ExitCode {
    let words: Vec<_> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tests = |directory, only| {
        let directory = Path::new(directory);
        Some(Payload::Tests { directory, only })
    };
    let (tests, names) = match words[..] {
        ["--tests", directory, "--only", only, ref names @ ..] => (tests(directory, only), names),
        ["--tests", directory, ref names @ ..] => (tests(directory, ""), names),
        ref names => (None, names),
    };
    match run(tests, names) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tries the kernels named, or all, and says whether nothing failed in any.
fn run(tests: Option<Payload<'_>>, names: &[&str]) -> Result<bool> {
    let kernels = chosen(names)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let work = root.join("../target/vm");
    let daemon = env::var_os("FERROMESH_BIN")
        .map_or_else(|| root.join("../target/release/ferromesh"), PathBuf::from);
    std::fs::create_dir_all(&work).with_context(|| format!("cannot make {}", work.display()))?;
    let payload = tests.unwrap_or(Payload::Daemon(&daemon));
    let programs = initramfs::pack(&payload, &root.join("guest"), &work)?;

    let mut all_passed = true;
    for kernel in kernels {
        let image = kernel.image(&work)?;
        let home = work.join(kernel.name);
        let initramfs = initramfs::with_modules(&programs, &home)?;
        let start = Instant::now();
        let said = qemu::boot(&image, &initramfs, &home, payload.deadline())?;
        let verdict = verdict::read(&said);
        let seconds = start.elapsed().as_secs_f64();
        println!("{:<6} {verdict} ({seconds:.1} s)", kernel.name);
        for failure in &verdict.failures {
            println!("       FAILED {failure}");
        }
        for lack in &verdict.lacks {
            println!("       not in this kernel: {lack}");
        }
        all_passed &= verdict.passed();
    }
    Ok(all_passed)
}

fn chosen(names: &[&str]) -> Result<Vec<&'static Kernel>> {
    if names.is_empty() {
        return Ok(kernel::ALL.iter().collect());
    }
    names
        .iter()
        .map(|name| {
            let found = kernel::ALL.iter().find(|kernel| kernel.name == *name);
            let Some(kernel) = found else {
                let known: Vec<_> = kernel::ALL.iter().map(|kernel| kernel.name).collect();
                bail!("no kernel is called {name}; there are {}", known.join(", "));
            };
            Ok(kernel)
        })
        .collect()
}
