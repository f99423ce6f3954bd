//! One boot under QEMU's own emulation: slow, and the same on every machine.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// What `timeout(1)` exits with when it had to end the command.
const TIMED_OUT: i32 = 124;

/// Boots `kernel` with `initramfs` until it powers off, and returns what it wrote to its second
/// serial port. The kernel's own messages are left in `home/console.log`.
///
/// # Errors
/// When QEMU cannot run, fails, or does not end in time.
pub(crate) fn boot(
    kernel: &Path,
    initramfs: &Path,
    home: &Path,
    deadline: Duration,
) -> Result<String> {
    let deadline = deadline.as_secs().to_string();
    let console = home.join("console.log");
    let answers = home.join("answers.log");
    let status = Command::new("timeout")
        .args([
            "--foreground",
            "--kill-after=5",
            &deadline,
            "qemu-system-x86_64",
        ])
        .args([
            "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1G",
        ])
        .args([
            "-nodefaults",
            "-no-user-config",
            "-display",
            "none",
            "-no-reboot",
        ])
        .args(["-serial", &to_file(&console), "-serial", &to_file(&answers)])
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(initramfs)
        .args(["-append", "console=ttyS0 panic=-1"])
        .stdin(Stdio::null())
        .status()
        .context("cannot run timeout")?;
    match status.code() {
        Some(0) => fs::read_to_string(&answers).context("the guest wrote nothing"),
        Some(TIMED_OUT) => bail!(
            "the guest did not power off within {deadline} s; see {} and {}",
            console.display(),
            answers.display()
        ),
        _ => bail!("qemu-system-x86_64 failed: {status}"),
    }
}

fn to_file(path: &Path) -> String {
    format!("file:{}", path.display())
}
