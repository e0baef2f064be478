//! Every campaign, briefly.

use std::process::Command;

/// Where the kernel cannot mediate, this says so.
fn campaign_by_kernel(arguments: &[&str]) {
    match iobring::mediation() {
        Ok(()) => campaign(&[arguments, &["--transport", "kernel"]].concat()),
        Err(obstacle) => println!("NOT RUN: {obstacle}"),
    }
}

fn campaign(arguments: &[&str]) {
    let output = Command::new(env!("CARGO_BIN_EXE_iobring-campaigns")).args(arguments).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("0  faults"), "{printed}");
    println!("{printed}");
}

#[test]
fn kill() {
    campaign(&["kill", "--seconds", "60", "--count", "100", "--seed", "1"]);
}

#[test]
fn kill_in_a_small_ring() {
    campaign(&["kill", "--seconds", "60", "--count", "50", "--seed", "2", "--capacity", "65536", "--writers", "16"]);
}

#[test]
fn fork() {
    campaign(&["fork", "--seconds", "60", "--count", "100", "--seed", "10"]);
}

#[test]
fn fork_by_kernel() {
    campaign_by_kernel(&["fork", "--seconds", "60", "--count", "100", "--seed", "11"]);
}

#[test]
fn stall() {
    campaign(&["stall", "--seconds", "60", "--count", "200", "--seed", "3"]);
}

#[test]
fn flood() {
    campaign(&["flood", "--seconds", "60", "--count", "20", "--seed", "4"]);
}

#[test]
fn hostile() {
    let options = ["hostile", "--seconds", "0.2", "--crowd", "200"];
    let output = Command::new(env!("CARGO_BIN_EXE_iobring-campaigns")).args(options).output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{printed}");
}

#[test]
fn soak() {
    campaign(&["soak", "--seconds", "60", "--count", "2000", "--seed", "5"]);
}

#[test]
fn kill_by_kernel() {
    campaign_by_kernel(&["kill", "--seconds", "60", "--count", "100", "--seed", "6"]);
}

#[test]
fn stall_by_kernel() {
    campaign_by_kernel(&["stall", "--seconds", "60", "--count", "200", "--seed", "7"]);
}

#[test]
fn flood_by_kernel() {
    campaign_by_kernel(&["flood", "--seconds", "60", "--count", "20", "--seed", "8"]);
}

#[test]
fn soak_by_kernel() {
    campaign_by_kernel(&["soak", "--seconds", "60", "--count", "2000", "--seed", "9"]);
}
