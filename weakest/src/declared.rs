//! Whether the code does at a site what the table says.

use crate::facade::{Operation, Site};

/// Checks that `site` is declared to be what is being done there.
///
/// # Panics
/// If it is not. Every engine takes that for a failed assertion of the code under test.
#[inline]
pub(crate) fn check(site: &Site, done: Operation) {
    if site.operation != done {
        wrong(site, done);
    }
}

#[cold]
fn wrong(site: &Site, done: Operation) -> ! {
    panic!("{} is declared {:?} in the table of sites, and used for {done:?}", site.name, site.operation);
}
