//! The page size, in which capacities are counted: 4,096 bytes on most machines, 16 or 64 KiB on others.

/// The machine's page size in bytes, or `$IOBRING_TEST_PAGE`, a multiple of it: then tests make rings as a machine with such pages
/// would, which shows whether they assume a size.
///
/// # Panics
/// If the variable is no multiple of the page size.
pub fn page_size() -> usize {
    let real = rustix::param::page_size();
    let Ok(wanted) = std::env::var("IOBRING_TEST_PAGE") else { return real };
    let size = wanted.parse().unwrap_or_else(|_| panic!("IOBRING_TEST_PAGE={wanted} is no number"));
    assert!(size >= real && size % real == 0, "IOBRING_TEST_PAGE={wanted} is no multiple of the page size, {real}");
    size
}
