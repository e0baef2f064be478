//! `iobring man`: the manual pages, made of the command line.

use crate::cli::Cli;
use crate::output::print;
use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::Man;

/// The page of the program, or of one of its commands.
pub fn man(command: Option<&str>) -> Result<()> {
    let mut program = Cli::command();
    // Names commands as a user calls them.
    program.build();
    let shown = match command {
        None => &program,
        Some(name) => program
            .find_subcommand(name)
            .with_context(|| format!("{name} is no command of iobring's: `iobring help` names them"))?,
    };
    let name = shown.get_bin_name().unwrap_or("iobring").replace(' ', "-");
    let mut page = Vec::new();
    Man::new(shown.clone()).title(name).render(&mut page)?;
    print(String::from_utf8_lossy(&page).trim_end())
}
