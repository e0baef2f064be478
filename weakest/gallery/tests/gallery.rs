//! The gallery holds no surprise.

use std::collections::BTreeSet;
use weakest_gallery::exhibits;
use weakest_gallery::judge::judge;

#[test]
fn nothing_is_a_surprise() {
    for exhibit in exhibits::all() {
        for row in judge(&exhibit, false) {
            let picture = row.picture.as_deref().unwrap_or_default();
            assert!(row.surprise.is_none(), "{}: {}\n{picture}", row.name, row.surprise.as_deref().unwrap_or_default());
            println!("{}: {}, {} states, {:.2} s", row.name, row.verdict, row.states, row.seconds);
        }
    }
}

#[test]
fn names_are_unique() {
    let exhibits = exhibits::all();
    let names: BTreeSet<&str> = exhibits.iter().map(|exhibit| exhibit.name).collect();
    assert_eq!(names.len(), exhibits.len());
}
