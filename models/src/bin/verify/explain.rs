//! The story of one site: what it is for, and what goes wrong when it is weaker.

use crate::{USAGE, colour};
use iobring::protocol::sites;
use iobring_models::suite;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use weakest::draw::text::draw;
use weakest::explorer::Memory;
use weakest::matrix::{self, Fate, MatrixOptions};

/// Prints the story of the site called `name`.
pub fn explain(name: &str, stop: &Arc<AtomicBool>) -> ExitCode {
    let wanted = name.to_uppercase().replace('-', "_");
    let Some(index) = sites::ALL.iter().position(|site| site.name == wanted) else {
        let names: Vec<&str> = sites::ALL.iter().map(|site| site.name).collect();
        eprintln!("there is no site {name:?}; the sites are:\n  {}", names.join("\n  "));
        return ExitCode::from(USAGE);
    };
    let site = &sites::ALL[index];
    println!("{}: {:?} {}\n  {}", site.name, site.operation, site.order, site.reason);
    if !site.pairs_with.is_empty() {
        println!("  pairs with {}", site.pairs_with.join(", "));
    }
    if site.weaker().is_empty() {
        println!("\nIt orders nothing, so there is nothing to weaken.");
        return ExitCode::SUCCESS;
    }
    let options = MatrixOptions { stop: stop.clone(), ..Default::default() };
    let matrix = matrix::run(&sites::ALL[index..=index], &suite::killers(), &options);
    // What interleaving alone shows, and what takes a stale read.
    let interleaved = suite::on_memory(suite::explorer_killers(), Memory::Interleaved);
    let interleaved = matrix::run(&sites::ALL[index..=index], &interleaved, &options);
    for (row, fresh) in matrix.rows.iter().zip(&interleaved.rows) {
        match row.killed_by.first() {
            Some(kill) => {
                println!("\nWeakened to {}, {}/{} fails:\n", row.order, kill.engine, kill.case);
                println!("{}", draw(&kill.trace, colour()));
            }
            None => println!("\nWeakened to {}: no model failed ({:?}).", row.order, row.fate),
        }
        match (fresh.fate, fresh.killed_by.first()) {
            (Fate::Killed, Some(kill)) => {
                println!("Without stale reads {}/{} fails as well: {:?}.", kill.engine, kill.case, kill.trace.fault);
            }
            (Fate::Survived, _) => {
                println!("Without stale reads every model passes: it takes weak memory to see this.")
            }
            _ => println!("Whether it can be seen without stale reads was not decided."),
        }
    }
    if matrix.rows.iter().all(|row| !row.killed_by.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
