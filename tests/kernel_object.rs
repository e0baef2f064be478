//! The program that is checked in is what its sources make.

use std::process::Command;

#[test]
fn the_object_is_what_these_sources_make() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/kernel/build.sh");
    let built = Command::new("bash").arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&built.stdout);
    match built.status.code() {
        Some(0) => {}
        Some(77) => println!("{said}"),
        _ => panic!(
            "{said}{}\nThe program is made of files that have changed: run kernel/build.sh --update, and commit the object",
            String::from_utf8_lossy(&built.stderr)
        ),
    }
}
