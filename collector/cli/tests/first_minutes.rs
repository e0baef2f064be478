//! The first five minutes, as a test: what is typed, and what must be seen.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Far beyond any scheduling delay: what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

fn iobring(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_iobring"));
    command.args(arguments).env_remove("IOBRING_SOCKET");
    command
}

fn output(arguments: &[&str]) -> Output {
    iobring(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A collector that is there, and is asked to end when this is dropped.
struct Serving(Child);

impl Serving {
    fn at(socket: &Path) -> Self {
        let mut child = iobring(&["serve", "--out", "none", "--socket", socket.to_str().unwrap()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("collecting at"), "{line}");
        Serving(child)
    }

    fn end(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn a_program_that_kills_itself_has_said_what_it_said() {
    let ran = output(&["run", "--", "sh", "-c", "echo hi; echo there >&2; kill -9 $$"]);
    let seen = text(&ran.stdout);
    let lines: Vec<&str> = seen.lines().collect();
    assert!(lines.iter().any(|line| line.ends_with("| hi")), "{seen}");
    assert!(lines.iter().any(|line| line.ends_with("! there")), "{seen}");
    assert!(lines.last().unwrap().ends_with("was killed by signal 9 (SIGKILL): 2 records, nothing lost"), "{seen}");
    assert_eq!(ran.status.code(), Some(128 + 9));
    assert!(!seen.contains('\u{1b}'), "no colours where no terminal is");
}

#[test]
fn a_program_that_ends_well_is_said_to_and_its_code_is_passed_on() {
    let ran = output(&["run", "--out", "json", "--", "sh", "-c", "exit 7"]);
    assert_eq!(ran.status.code(), Some(7));
    let ended: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&ended["kind"], &ended["code"], &ended["name"]), (&"ended".into(), &7.into(), &"sh".into()));
    let none = output(&["run", "--", "/no/such/program"]);
    assert!(none.status.code() == Some(127) && text(&none.stderr).contains("/no/such/program"));
    assert_eq!(output(&["run", "--", "/"]).status.code(), Some(126));
    assert_eq!(output(&["run", "--capacity", "64TiB", "--", "true"]).status.code(), Some(125));
}

#[test]
fn output_that_the_ring_cannot_hold_waits_for_room() {
    let ran = output(&["run", "--capacity", "64KiB", "--", "seq", "30000"]);
    let seen = text(&ran.stdout);
    let lines: Vec<&str> = seen.lines().filter_map(|line| line.split_once("| ")).map(|(_, line)| line).collect();
    assert_eq!(lines, (1..=30000).map(|number| number.to_string()).collect::<Vec<_>>());
    assert!(seen.ends_with("exited with 0: 30000 records, nothing lost\n"));
}

#[test]
fn a_program_is_asked_to_end_once_whoever_asks() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        // It says how often it was asked, once it cannot be asked any more.
        let script =
            "n=0; trap 'n=$((n+1))' TERM INT HUP; echo ready; while [ $n = 0 ]; do sleep 0.01; done; echo asked $n";
        // A shell cannot catch what was ignored when it began, and tests may run under `nohup`.
        let program = ["run", "--", "env", "--default-signal=TERM,INT,HUP", "sh", "-c", script];
        let mut run = iobring(&program).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("| ready")));
        kill_process(Pid::from_child(&run), signal).unwrap();
        let seen: Vec<String> = lines.collect();
        assert!(seen.iter().any(|line| line.ends_with("asked 1")), "{seen:?}");
        assert!(run.wait().unwrap().success());
    }
}

#[test]
fn what_is_written_to_a_server_is_seen_counted_and_kept() {
    let folder = TempDir::new().unwrap();
    let socket = folder.path().join("socket");
    let at = socket.to_str().unwrap();
    let serving = Serving::at(&socket);
    let client = iobring_collect::Client::connect(&socket).unwrap();
    client.send(br#"{"level":"INFO","target":"t","fields":{"message":"an event"}}"#).unwrap();
    client.send(b"a text with \x1b[2J in it").unwrap();

    let mut tail = iobring(&["tail", "--socket", at]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.ends_with("INFO  t: an event")));
    assert!(lines.next().unwrap().ends_with("a text with \\u{1b}[2J in it"));
    tail.kill().unwrap();
    tail.wait().unwrap();

    let stat: Value = serde_json::from_slice(&output(&["stat", "--format", "json", "--socket", at]).stdout).unwrap();
    assert_eq!((&stat["writers"][0]["records"], &stat["total"]["lost"]), (&2.into(), &0.into()));
    assert!(text(&output(&["stat", "--socket", at]).stdout).contains("records"));

    let file = folder.path().join("kept");
    let mut record = iobring(&["record", file.to_str().unwrap(), "--socket", at]).spawn().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while !std::fs::read_to_string(&file).is_ok_and(|kept| kept.contains("a text with")) {
        assert!(Instant::now() < deadline, "nothing is kept");
        thread::yield_now();
    }
    let top = output(&["top", "--socket", at]);
    let seen = text(&top.stdout);
    assert!(top.status.success() && seen.contains("1 writer ") && seen.contains("RECORDS/S"), "{seen}");
    assert!(seen.contains(&std::process::id().to_string()) && !seen.contains('\u{1b}'), "{seen}");

    drop(client);
    serving.end();
    assert!(record.wait().unwrap().success(), "it ends with the collector");
    let replayed = output(&["replay", file.to_str().unwrap()]);
    let seen = text(&replayed.stdout);
    assert!(replayed.status.success() && seen.contains("an event") && seen.contains("a text with"), "{seen}");
    assert!(!socket.exists(), "nothing is left behind");
}

/// As systemd starts a service with a socket: the listener is descriptor 3, and it wants to know when the service is ready, and ends.
#[test]
fn a_service_managers_socket_is_used_and_it_is_told() {
    let folder = TempDir::new().unwrap();
    let (socket, notified) = (folder.path().join("socket"), folder.path().join("notified"));
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let notices = std::os::unix::net::UnixDatagram::bind(&notified).unwrap();
    notices.set_read_timeout(Some(PATIENCE)).unwrap();
    rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
    let fd = std::os::fd::AsRawFd::as_raw_fd(&listener);
    let script = format!("exec 3<&{fd}; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve --out none");
    let mut serving = Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_iobring")])
        .env("NOTIFY_SOCKET", &notified)
        .spawn()
        .unwrap();
    let heard = || {
        let mut notice = [0; 100];
        let len = notices.recv(&mut notice).unwrap();
        text(&notice[..len])
    };
    assert!(heard().contains("READY=1"));
    // Through the socket that it was given.
    iobring_collect::Client::connect(&socket).unwrap().send(b"hello").unwrap();
    kill_process(Pid::from_child(&serving), Signal::TERM).unwrap();
    assert!(heard().contains("STOPPING=1"));
    assert!(serving.wait().unwrap().success());
    assert!(socket.exists(), "it is the manager's");
}

#[test]
fn a_half_written_line_spoils_nothing_but_itself() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kept");
    std::fs::write(&file, "{\"time\":\"2026-01-01T00:00:00Z\",\"kind\":\"text\",\"text\":\"whole\"}\n{\"time\":\"20")
        .unwrap();
    let replayed = output(&["replay", file.to_str().unwrap()]);
    assert!(text(&replayed.stdout).contains("whole"));
    assert!(text(&replayed.stderr).contains("1 line is no entry"), "{}", text(&replayed.stderr));
}

#[test]
fn mistakes_are_told() {
    let folder = TempDir::new().unwrap();
    let nowhere = folder.path().join("nowhere");
    let tail = output(&["tail", "--socket", nowhere.to_str().unwrap()]);
    assert!(!tail.status.success() && text(&tail.stderr).contains("no collector at"));
    let size = output(&["record", "x", "--max-size", "1"]);
    assert!(text(&size.stderr).contains("at least 512KiB"), "{}", text(&size.stderr));
    assert!(!output(&["replay", "x", "--speed", "0"]).status.success());
    let none = output(&["serve", "--retain", "5X"]);
    assert!(none.status.code() == Some(2) && text(&none.stderr).contains("such as 65536"), "{}", text(&none.stderr));
    assert_eq!(output(&["serve", "--connections", "0"]).status.code(), Some(2));
    assert!(text(&output(&["man"]).stdout).contains("IOBRING_SOCKET"));
    assert!(text(&output(&["man", "serve"]).stdout).contains("retain"));
    assert!(!output(&["man", "nothing"]).status.success());
    assert!(text(&output(&["completions", "bash"]).stdout).contains("iobring"));
}

#[test]
fn a_collector_that_cannot_be_says_why_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let [file, socket] = ["file", "socket"].map(|name| folder.path().join(name));
    std::fs::write(&file, "").unwrap();
    let serve = |at: &Path, capacity| output(&["serve", "--capacity", capacity, "--socket", at.to_str().unwrap()]);
    let told = |ran: Output, why: &str| assert!(!ran.status.success() && text(&ran.stderr).contains(why), "{ran:?}");
    told(serve(&file, "1MiB"), "something else than a socket");
    told(serve(&socket, "64TiB"), "a ring of 70368744177664 bytes");
    assert!(!socket.exists());
    let serving = Serving::at(&socket);
    told(serve(&socket, "1MiB"), "somebody listens there already");
    // Set to nothing, the variable says nothing.
    let stat = |at: &str| iobring(&["stat"]).env("IOBRING_SOCKET", at).output().unwrap();
    assert!(stat(socket.to_str().unwrap()).status.success());
    let nothing = stat("");
    assert_ne!(nothing.status.code(), Some(2), "{}", text(&nothing.stderr));
    serving.end();
}

/// Where a disk is full there is a word of it, and no panic.
#[test]
fn a_full_disk_is_told() {
    for arguments in [["man", "top"], ["completions", "bash"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let ran = iobring(&arguments).stdout(full).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        assert_eq!(ran.status.code(), Some(1));
        assert!(text(&ran.stderr).starts_with("iobring: cannot write to standard output"), "{}", text(&ran.stderr));
    }
}

#[test]
fn a_file_that_ends_anywhere_is_read_up_to_there() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("kept");
    let line = |text: &str| format!("{{\"time\":\"2026-01-01T00:00:00Z\",\"kind\":\"text\",\"text\":\"{text}\"}}\n");
    let whole = line("one \u{e4}") + &line("two") + &line("three");
    for end in 0..=whole.len() {
        std::fs::write(&file, &whole.as_bytes()[..end]).unwrap();
        let replayed = output(&["replay", file.to_str().unwrap(), "--format", "json"]);
        assert!(replayed.status.success());
        // Every whole line, be its newline there or not.
        let kept = whole.split_inclusive('\n').scan(0, |at, line| {
            *at += line.len();
            (*at <= end + 1).then_some(line)
        });
        assert_eq!(text(&replayed.stdout), kept.collect::<String>(), "cut at {end}");
    }
}
