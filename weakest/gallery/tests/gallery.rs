//! The gallery holds no surprise.

use std::collections::BTreeSet;
use weakest_gallery::exhibits;
use weakest_gallery::judge::judge;
use weakest_gallery::literature;

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

/// Others have counted how many there are.
#[test]
fn the_programs_of_the_literature_have_every_outcome() {
    let rows = literature::run("", 2_100, false);
    let compared = rows.iter().filter(|row| row.comparable && row.explorer.complete).count();
    assert_eq!(compared, 21, "of {rows:#?}");
    let surprises: Vec<_> = rows.iter().filter_map(literature::Row::surprise).collect();
    assert!(surprises.is_empty(), "{surprises:?}");
}
