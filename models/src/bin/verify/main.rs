//! `cargo verify`: the project's main job.

mod cli;
mod explain;
mod faults;
mod fuzz;
mod markdown;
mod memories;
mod mutants;
mod programs;
mod report;
mod shard;
mod stale;
mod table;
mod work;

use clap::Parser;
use cli::{Cli, EngineName};
use iobring::protocol::sites;
use iobring_models::programs::run::Outcome;
use iobring_models::suite::{self, Level};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use weakest::draw::text::{Colour, draw};
use weakest::draw::words::sentence;
use weakest::explorer::Memory;
use weakest::matrix::{Chase, Matrix, MatrixOptions};
use weakest::report::{Results, json};
use weakest::run::Verdict;
use weakest::shard::Shard;
use weakest::suite::Entry;
use weakest::{matrix, sweep};

/// Of a tiny program a quarter of the time goes to the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit status of bad usage, as clap has it.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let stop = Arc::new(AtomicBool::new(false));
    let stopper = stop.clone();
    if let Err(error) = ctrlc::set_handler(move || stopper.store(true, Ordering::Relaxed)) {
        eprintln!("Ctrl-C will end this at once, without results: {error}");
    }
    if let Some(site) = &cli.explain {
        return explain::explain(site, &stop);
    }
    if let Some(seconds) = cli.fuzz {
        return fuzz::command(&cli, seconds, &stop);
    }
    if let Some(files) = &cli.mutants {
        return mutants::run(files, cli.shard.map(|shard| shard.to_string()).as_deref(), cli.jobs);
    }
    if let Some(name) = &cli.faults {
        return faults::command(&cli, name.as_deref(), &stop);
    }
    if cli.seek {
        return faults::seek(cli.level());
    }
    if let Some(files) = &cli.merge {
        return shard::command(&cli, files);
    }
    let mut models = chosen(&cli);
    let part = match cli.shard.map(|shard| shard::part(cli.level(), &models, shard)).transpose() {
        Ok(part) => part,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    models = cli.shard.unwrap_or_default().of(models);
    if models.is_empty() && cli.programs.is_none() && !cli.memories {
        eprintln!("no model's engine/name fits; `cargo verify --list` shows them all");
        return ExitCode::from(USAGE);
    }
    if cli.list {
        for entry in &models {
            println!("{}/{}: {}", entry.engine.name(), entry.case.name(), entry.case.about());
        }
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let (mut results, programs) = run(&cli, &models, &stop);
    results.shard = part;
    tell(&cli, &models, &results, &programs, started)
}

/// The models that the command line asks for.
fn chosen(cli: &Cli) -> Vec<Entry> {
    if cli.programs.is_some() || cli.memories {
        return Vec::new();
    }
    let mut models = match cli.memory {
        Some(memory) => suite::of_memory(cli.level(), memory.into()),
        None => suite::models(cli.level()),
    };
    if let Some(engine) = cli.engine {
        models.retain(|entry| entry.engine.name() == engine.as_str());
    }
    if let Some(text) = &cli.filter {
        models.retain(|entry| format!("{}/{}", entry.engine.name(), entry.case.name()).contains(text));
    }
    models
}

/// Runs the models, and unless only some were asked for, the generated programs, the matrix and the sweeps.
fn run(cli: &Cli, models: &[Entry], stop: &Arc<AtomicBool>) -> (Results, Option<Outcome>) {
    let generated = || match &cli.programs {
        None if cli.is_partial() || cli.shard.is_some_and(|shard| shard.part() > 0) => None,
        only => Some(programs::run(cli.level(), only.clone().flatten(), stop)),
    };
    // What runs side by side leaves no core without work when one of it comes to its last and largest model.
    let (runs, programs) = std::thread::scope(|scope| {
        let programs = scope.spawn(generated);
        (work::run_all(models, stop), work::joined(programs))
    });
    let not_begun = runs.iter().filter(|run| run.is_none()).count();
    let mut results = Results { models: runs.into_iter().flatten().collect(), not_begun, ..Results::default() };
    if let Some(outcome) = &programs {
        results.programs = Some(programs::summary(outcome));
        results.models.extend(programs::failures(outcome));
    }
    results.partial = cli.is_partial() || cli.shard.is_some();
    // What fails unmutated kills nothing, and what it does after a death says nothing.
    if results.models.iter().any(|run| matches!(run.verdict, Verdict::Fail(_))) {
        return (results, programs);
    }
    if !cli.is_partial() {
        let shard = cli.shard.unwrap_or_default();
        std::thread::scope(|scope| {
            let matrix = scope.spawn(|| mutate(&suite::killers(), "matrix", Chase::UntilWitnessed, shard, stop));
            // For information, in the tables: a part has none.
            let informing = scope.spawn(|| {
                let once = |killers: &[Entry], name| mutate(killers, name, Chase::UntilKilled, shard, stop);
                cli.shard.is_none().then(|| {
                    let judges = if cli.level() >= Level::Default { &suite::JUDGES[..] } else { &[] };
                    (
                        memories(judges, stop),
                        once(&suite::interleaved_killers(), "matrix without stale reads"),
                        once(&suite::sampling_killers(cli.level()), "matrix by sampling"),
                    )
                })
            });
            let options = sweep::SweepOptions { shard, stop: stop.clone(), ..Default::default() };
            let steps = || format!("crash sweep: {} steps", options.progress.load(Ordering::Relaxed));
            results.sweeps =
                work::while_ticking(&work::bars(), steps, || sweep::run(&suite::sweeps(cli.level()), &options));
            results.matrix = Some(work::joined(matrix));
            if let Some((memories, interleaved, sampled)) = work::joined(informing) {
                results.memories = memories;
                (results.interleaved, results.sampled) = (Some(interleaved), Some(sampled));
            }
        });
        let deaths = results.sweeps.iter().flat_map(|sweep| &sweep.steps);
        if cli.shard.is_none() {
            results.unreached = suite::unreached(results.models.iter().chain(deaths));
        }
    } else if let (Some(engine), None, None) = (cli.engine, &cli.filter, cli.memory) {
        let killers = match engine {
            EngineName::Loom => suite::killers().into_iter().filter(|entry| entry.engine.name() == "loom").collect(),
            EngineName::Shuttle => suite::sampling_killers(cli.level()),
            EngineName::Explorer => suite::explorer_killers(),
        };
        results.matrix = Some(mutate(&killers, "matrix", Chase::UntilWitnessed, Shard::WHOLE, stop));
    } else if cli.memories {
        results.memories = memories(&suite::JUDGES, stop);
    } else if let (Some(memory), None) = (cli.memory.map(Memory::from), &cli.filter)
        && suite::JUDGES.contains(&memory)
    {
        results.memories = memories(&[memory], stop);
    }
    (results, programs)
}

/// Which orderings each of these memories needs. The pairings are the whole suite's business.
fn memories(memories: &[Memory], stop: &Arc<AtomicBool>) -> Vec<(Memory, Matrix)> {
    let matrix = |memory: &Memory| {
        let name = format!("matrix on {}", memory.name());
        (*memory, mutate(&suite::memory_killers(*memory), &name, Chase::UntilKilled, Shard::WHOLE, stop))
    };
    memories.iter().map(matrix).collect()
}

/// Weakens every site against `killers`.
fn mutate(killers: &[Entry], name: &str, chase: Chase, shard: Shard, stop: &Arc<AtomicBool>) -> Matrix {
    let options = MatrixOptions { chase, shard, stop: stop.clone(), ..Default::default() };
    let mutants = || format!("{name}: {} mutants", options.progress.load(Ordering::Relaxed));
    work::while_ticking(&work::bars(), mutants, || matrix::run(sites::ALL, killers, &options))
}

/// Prints what was found and writes the files that were asked for; the exit status says whether all of it passed.
fn tell(cli: &Cli, models: &[Entry], results: &Results, programs: &Option<Outcome>, started: Instant) -> ExitCode {
    tell_failures(cli, results);
    if !results.models.is_empty() {
        println!("Models\n{}", table::models(&results.models));
    }
    if let Some(programs) = programs {
        println!("\nGenerated programs\n{}", table::programs(programs));
        println!("\nWhat meets in them\n{}", table::pairs(programs));
        programs.uncovered.iter().for_each(|pair| println!("no program has {pair}"));
    }
    if results.matrix.is_some() {
        println!("\nEvery ordering weakened\n{}", table::matrix(results));
    }
    if !results.memories.is_empty() {
        println!("\nWhich memory needs which ordering\n{}", memories::table(&results.memories));
    }
    if !results.sweeps.is_empty() {
        println!("\nDeath at every step\n{}", table::sweeps(&results.sweeps));
    }
    let written = write_files(cli, models, results, programs, started);
    match written.and_then(|()| up_to_date(cli, results, programs)) {
        Ok(up_to_date) => verdict(cli, results, up_to_date),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Draws the shortest failure, and tells what else failed.
fn tell_failures(cli: &Cli, results: &Results) {
    let models = results.models.iter().filter_map(|run| match &run.verdict {
        Verdict::Fail(trace) => Some((format!("{}/{}", run.engine, run.scenario), trace)),
        _ => None,
    });
    let deaths = results.sweeps.iter().flat_map(|sweep| {
        sweep.failures().filter_map(move |(step, run)| match &run.verdict {
            Verdict::Fail(trace) => Some((format!("{}, {} killed before step {step}", sweep.case, sweep.name), trace)),
            _ => None,
        })
    });
    let mut failures: Vec<_> = models.chain(deaths).collect();
    failures.sort_by_key(|(_, trace)| trace.events.len());
    let Some(((shortest, trace), others)) = failures.split_first() else { return };
    println!("{shortest} fails:\n\n{}", draw(trace, colour()));
    for (name, trace) in others {
        println!("{name} fails: {}", sentence(trace));
    }
    println!(
        "\neach again: cargo verify {}--filter NAME (a generated one: --programs NAME); all drawn: cargo verify --report DIR\n",
        level_flag(cli)
    );
}

/// Whether the tables that are to be checked are what was found; says so if not.
fn up_to_date(cli: &Cli, results: &Results, programs: &Option<Outcome>) -> Result<bool, String> {
    let Some(path) = &cli.check else { return Ok(true) };
    let differences = stale::differences(path, cli.level(), results, programs)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    for difference in &differences {
        println!("{}: {difference}", path.display());
    }
    Ok(differences.is_empty())
}

/// The line of verdict.
fn verdict(cli: &Cli, results: &Results, up_to_date: bool) -> ExitCode {
    let mut complaints = results.complaints();
    if !up_to_date {
        complaints.push("tables are stale, `cargo verify --update` writes them".into());
    }
    let models = results.models.len();
    if !complaints.is_empty() {
        println!("\nNOT VERIFIED: {}", complaints.join("; "));
        if !cli.is_partial() && results.matrix.is_none() {
            println!("The matrix and the crash sweeps were not run: where a model fails they would mislead.");
        }
        return ExitCode::FAILURE;
    }
    match &results.matrix {
        Some(matrix) => {
            let deaths: usize = results.sweeps.iter().map(|sweep| sweep.steps.len()).sum();
            let mutants = matrix.rows.len();
            let verdict = match cli.shard {
                Some(shard) => format!("part {shard} is done (--merge the JSON of all)"),
                None if cli.is_partial() => "a part was asked for".into(),
                None => "verified".into(),
            };
            println!(
                "\n{verdict}: {models} models pass, {mutants} weakened orderings die, {deaths} deaths are survived"
            );
        }
        None if !results.memories.is_empty() => {
            let mutants: usize = results.memories.iter().map(|(_, matrix)| matrix.rows.len()).sum();
            let memories = results.memories.len();
            println!(
                "\n{models} models pass, {mutants} weakened orderings were tried on {memories} memories (a part was asked for)"
            );
        }
        None if cli.programs.is_some() => {
            let programs = results.programs.as_ref().map_or(0, |programs| programs.count);
            println!("\n{programs} programs pass (a part was asked for{})", level_note(cli));
        }
        None => println!("\n{models} models pass (a part was asked for: no matrix, no crash sweep{})", level_note(cli)),
    }
    ExitCode::SUCCESS
}

fn write_files(
    cli: &Cli,
    models: &[Entry],
    results: &Results,
    programs: &Option<Outcome>,
    started: Instant,
) -> Result<(), String> {
    if let Some(path) = &cli.report {
        report::write(path, cli, models, results, started.elapsed())
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &cli.json {
        json::write(path, results).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if let Some(path) = &cli.update {
        let needs = || ("memories", memories::table(&results.memories).markdown());
        let tables = || {
            if cli.memories {
                return Ok(vec![needs()]);
            }
            let programs = programs.as_ref().expect("tables are of a whole run");
            Ok(vec![
                ("programs", table::programs(programs).markdown()),
                ("pairs", table::pairs(programs).markdown()),
                ("sites", table::sites().markdown()),
                ("models", table::models(&results.models).markdown()),
                ("matrix", table::matrix(results).markdown()),
                needs(),
                ("sweeps", table::sweeps(&results.sweeps).markdown()),
                ("mutants", mutants::table()?.markdown()),
                ("equivalent-mutants", mutants::equivalents()?.markdown()),
            ])
        };
        let updated = tables().and_then(|tables| markdown::update(path, &tables));
        updated.map_err(|error: std::io::Error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// Colours where somebody looks at them and has not declined them (`NO_COLOR`).
fn colour() -> Colour {
    use std::io::IsTerminal;
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stdout().is_terminal() && !declined { Colour::On } else { Colour::Off }
}

fn level_flag(cli: &Cli) -> &'static str {
    match cli.level() {
        suite::Level::Quick => "--quick ",
        suite::Level::Default => "",
        suite::Level::Full => "--full ",
    }
}

fn level_note(cli: &Cli) -> &'static str {
    match cli.level() {
        suite::Level::Quick => "; at the quick level",
        suite::Level::Default => "",
        suite::Level::Full => "; at the full level",
    }
}
