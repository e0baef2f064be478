//! What the README shows compiles, passes, and is what the README shows.
#![allow(missing_docs, reason = "as the README has it")]

#[path = "readme/algorithm.rs"]
mod algorithm;
#[path = "readme/two_adders.rs"]
mod two_adders;

#[test]
fn the_readme_has_the_same() {
    let readme = include_str!("../README.md");
    assert!(readme.contains(include_str!("readme/algorithm.rs")), "the algorithm");
    let test = include_str!("readme/two_adders.rs").split_once('\n').expect("its first line names the algorithm").1;
    assert!(readme.contains(test), "the test");
}
