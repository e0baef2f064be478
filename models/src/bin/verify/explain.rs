//! The story of one site: what it is for, and what goes wrong when it is weaker.

use crate::{USAGE, colour, memories};
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
    // What each memory shows.
    let asked = [
        ("sequential consistency", Memory::SequentiallyConsistent),
        ("interleaving", Memory::Interleaved),
        ("RC11", Memory::ReleaseAcquire),
        ("ARMv8 and RISC-V", Memory::Hardware),
        ("the same without control dependencies", Memory::HardwareStrict),
    ];
    let shown: Vec<(&str, matrix::Matrix)> = asked
        .into_iter()
        .map(|(name, memory)| (name, matrix::run(&sites::ALL[index..=index], &suite::memory_killers(memory), &options)))
        .collect();
    for (number, row) in matrix.rows.iter().enumerate() {
        match row.killed_by.first() {
            Some(kill) => {
                println!("\nWeakened to {}, {}/{} fails:\n", row.order, kill.engine, kill.case);
                println!("{}", draw(&kill.trace, colour()));
            }
            None => println!("\nWeakened to {}: no model failed ({:?}).", row.order, row.fate),
        }
        println!("Where the explorer sees that {} is too weak:", row.order);
        for (name, matrix) in &shown {
            let row = &matrix.rows[number];
            let verdict = match (row.fate, row.killed_by.first()) {
                (_, Some(kill)) => format!("{} fails: {:?}", kill.case, kill.trace.fault),
                (Fate::Undecided, None) => "not decided".into(),
                _ => "every model passes".into(),
            };
            println!("  {name}: {verdict}");
        }
        match memories::same_on_x86(site, row.order) {
            true => println!("  x86: the same instruction: only the compiler may still reorder"),
            false => println!(
                "  x86: another instruction: stores may then be performed after later loads (TSO), as RC11 has it above"
            ),
        }
    }
    if matrix.rows.iter().all(|row| !row.killed_by.is_empty()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
