//! The examples are as short as a newcomer may expect, and say nothing of `unsafe`.

/// Lines that are neither empty nor comments.
fn lines(source: &str) -> usize {
    source.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//")).count()
}

#[test]
fn the_three_programs_are_short() {
    let programs = [
        (25, include_str!("../../tracing/examples/three_processes.rs")),
        (20, include_str!("../examples/tokio_shutdown.rs")),
        (10, include_str!("../examples/newest.rs")),
    ];
    for (most, source) in programs {
        assert!(lines(source) <= most, "{} lines, at most {most} were promised:\n{source}", lines(source));
        assert!(!source.contains("unsafe"));
    }
}
