//! A copy of the project with all faults in it, built once.

use super::splice::{Fault, ROOT, splice_all};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Whether a fault is in force: the only thing that is added to the copy, beside the faults.
const SEEDED: &str = r#"
/// Whether the fault of this number is in force.
pub(crate) fn seeded(number: usize) -> bool {
    static SEEDED: std::sync::OnceLock<usize> = std::sync::OnceLock::new();
    let named = || std::env::var("IOBRING_FAULT").map_or(usize::MAX, |number| number.parse().expect("a number"));
    *SEEDED.get_or_init(named) == number
}
"#;

/// Builds `cargo verify` over such a copy, and returns where it is.
pub fn build(faults: &[Fault]) -> Result<PathBuf, String> {
    let root = fs::canonicalize(ROOT).map_err(|error| format!("{ROOT}: {error}"))?;
    let target = root.join("target/faults");
    let copy = target.join("project");
    lay_out(&root, &copy, faults).map_err(|error| format!("{}: {error}", copy.display()))?;
    let built = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--release", "--quiet", "--package", "iobring-models", "--bin", "verify"])
        .arg("--manifest-path")
        .arg(copy.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(target.join("target"))
        // A fault may leave things unused, and parentheses where none are needed.
        .env("RUSTFLAGS", "--cap-lints=allow")
        .output()
        .map_err(|error| format!("cargo: {error}"))?;
    match built.status.success() {
        true => Ok(target.join("target/release/verify")),
        false => Err(format!("the copy with faults does not build:\n{}", String::from_utf8_lossy(&built.stderr))),
    }
}

/// The core is copied, with faults; everything else is the project's own, by way of links.
fn lay_out(root: &Path, copy: &Path, faults: &[Fault]) -> std::io::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    copy_folder(&root.join("src"), &copy.join("src"))?;
    let spliced = splice_all(faults).map_err(std::io::Error::other)?;
    for (file, text) in spliced {
        fs::write(copy.join("src/protocol").join(file), text)?;
    }
    let library = copy.join("src/lib.rs");
    let text = fs::read_to_string(&library)? + SEEDED;
    fs::write(library, text)?;
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        if name != "src" && name != "target" && !name.as_encoded_bytes().starts_with(b".") {
            symlink(root.join(&name), copy.join(&name))?;
        }
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to)?;
        } else {
            fs::copy(entry.path(), to)?;
        }
    }
    Ok(())
}
