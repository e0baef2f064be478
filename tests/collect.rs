//! The `collect` example, run on files of this repository and on awkward ones: output and input compared, byte by byte.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

/// The example's binary, built as these tests were. (`cargo test` has built it already; `cargo test --test collect` has
/// not.)
fn collect() -> Command {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    Command::new(BUILT.get_or_init(|| {
        // This binary is `target[/triple]/profile/deps/…`; a triple begins with the architecture.
        let exe = std::env::current_exe().unwrap();
        let [_, _, profile, root] = exe.ancestors().take(4).collect::<Vec<_>>()[..] else {
            panic!("{}", exe.display())
        };
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--offline", "--example", "collect", "--target-dir"]);
        match name(root).starts_with(std::env::consts::ARCH) {
            true => cargo.arg(root.parent().unwrap()).arg("--target").arg(name(root)),
            false => cargo.arg(root),
        };
        if name(profile) != "debug" {
            cargo.arg("--profile").arg(name(profile));
        }
        let status = cargo.status().expect("cargo runs");
        assert!(status.success(), "building the example: {status}");
        profile.join("examples/collect")
    }))
}

fn run(files: &[impl AsRef<OsStr>]) -> Output {
    collect().args(files).output().unwrap()
}

/// The lines of a file, as its output must show them.
fn lines(file: &OsStr) -> Vec<Vec<u8>> {
    let bytes = fs::read(file).unwrap();
    let mut lines: Vec<_> = bytes.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    // What follows the last newline is a line only if there is something.
    if lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    lines
}

/// The part of the output that is a file's, in order.
fn printed(output: &Output, file: &OsStr) -> Vec<Vec<u8>> {
    let prefix = [file.as_bytes(), b": "].concat();
    let all = output.stdout.split_inclusive(|&byte| byte == b'\n');
    all.filter_map(|line| line.strip_prefix(&prefix[..])).map(|line| line[..line.len() - 1].to_vec()).collect()
}

fn summary(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    stderr.lines().last().expect("a summary").to_owned()
}

fn files_below(directory: &Path, files: &mut Vec<OsString>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, files);
        } else {
            files.push(path.into_os_string());
        }
    }
}

/// A directory of its own for each test, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("collect-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: impl AsRef<Path>, bytes: &[u8]) -> OsString {
        let path = self.0.join(name);
        fs::write(&path, bytes).unwrap();
        path.into_os_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_files_of_this_repository() {
    let mut files: Vec<OsString> = vec!["Cargo.toml".into(), "Cargo.lock".into()];
    files_below(Path::new("src"), &mut files);
    files_below(Path::new("tests"), &mut files);
    assert!(files.len() > 30);
    let output = run(&files);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut total = 0;
    for file in &files {
        let expected = lines(file);
        total += expected.len();
        assert!(printed(&output, file) == expected, "{}", file.display());
    }
    assert_eq!(output.stdout.split(|&byte| byte == b'\n').count() - 1, total, "and nothing else is printed");
    let files = files.len();
    assert_eq!(
        summary(&output),
        format!("collect: {files} files, 0 unreadable; {total} lines accepted, 0 refused, {total} delivered")
    );
}

/// More bytes than the ring holds, several times, and the same file twice.
#[test]
fn more_than_the_ring_holds() {
    let scratch = Scratch::new("more");
    let line = |i: usize| format!("{i} {}\n", "x".repeat(i % 3000));
    let long = scratch.file("long", (0..4000).map(line).collect::<String>().as_bytes());
    let output = run(&[&long, &long]);
    assert!(output.status.success());
    let printed = printed(&output, &long);
    assert_eq!(printed.len(), 8000);
    assert_eq!(summary(&output), "collect: 2 files, 0 unreadable; 8000 lines accepted, 0 refused, 8000 delivered");
}

#[test]
fn awkward_bytes_are_lines_all_the_same() {
    let scratch = Scratch::new("bytes");
    let files = [
        scratch.file("empty", b""),
        scratch.file("newlines", b"\n\n\n"),
        scratch.file("unfinished", b"one\ntwo"),
        scratch.file("carriage", b"one\r\ntwo\r\n"),
        scratch.file("bytes", b"\xff\xfe\0\x80\n\0\n"),
        scratch.file(OsString::from_vec(b"name-\xff".to_vec()), b"not text by name\n"),
    ];
    let output = run(&files);
    assert!(output.status.success());
    for file in &files {
        assert_eq!(printed(&output, file), lines(file), "{}", file.display());
    }
    assert_eq!(summary(&output), "collect: 6 files, 0 unreadable; 10 lines accepted, 0 refused, 10 delivered");
}

#[test]
fn lines_around_the_longest() {
    let scratch = Scratch::new("long");
    let line = |len: usize| [vec![b'x'; len], b"\n".to_vec()].concat();
    let fits = scratch.file("fits", &[line(65_518), line(65_519), vec![b'y'; 65_519]].concat());
    let output = run(&[&fits]);
    assert!(output.status.success());
    assert!(printed(&output, &fits) == lines(&fits));

    let too_long = [line(65_520), b"short\n".to_vec(), line(65_521), line(300_000), vec![b'y'; 65_520]].concat();
    let too_long = scratch.file("too-long", &too_long);
    let output = run(&[&too_long]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(printed(&output, &too_long), [b"short"]);
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    let report = format!("collect: {}: refused: 4 lines longer than 65519 bytes\n", too_long.display());
    assert!(stderr.starts_with(&report), "{stderr}");
    assert_eq!(summary(&output), "collect: 1 files, 0 unreadable; 1 lines accepted, 4 refused, 1 delivered");
}

/// One file that is not there and one that is a directory do not keep the others back.
#[test]
fn unreadable_files() {
    let output = run(&["no-such-file", "src", "rustfmt.toml"]);
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(stderr.contains("collect: no-such-file: No such file or directory"), "{stderr}");
    assert!(stderr.contains("collect: src: Is a directory"), "{stderr}");
    assert_eq!(printed(&output, "rustfmt.toml".as_ref()), lines("rustfmt.toml".as_ref()));
    assert_eq!(summary(&output), "collect: 3 files, 2 unreadable; 2 lines accepted, 0 refused, 2 delivered");
}

#[test]
fn usage() {
    let output = run(&[] as &[&str]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("usage: collect FILE"));
}

/// Whoever reads the output goes away: the example ends instead of filling its ring for ever.
#[test]
fn nobody_listens() {
    let mut child =
        collect().arg("/dev/zero").arg("Cargo.lock").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
