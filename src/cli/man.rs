//! `hooktail man`: the manual pages, made from what `--help` says.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;

use super::exit::{Exit, Failure};

/// The options of `hooktail man`.
#[derive(Debug, Args)]
#[command(
    after_help = "To read it now:  hooktail man | man -l -\nTo install all:  hooktail man /usr/local/share/man/man1"
)]
pub(super) struct ManArgs {
    /// Write the pages of all commands into this folder; without it, the first page is printed
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Prints the first page, or writes all of them: `hooktail.1`, `hooktail-run.1`, and so on.
pub(super) fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let mut root = super::Cli::command();
    // Names the pages of the commands: `hooktail-run`.
    root.build();
    let Some(folder) = &args.folder else {
        let page = page(root).map_err(Failure::failed)?;
        std::io::stdout().write_all(&page).map_err(Failure::failed)?;
        return Ok(Exit::Done);
    };
    write_all(root, folder)?;
    Ok(Exit::Done)
}

fn write_all(root: Command, folder: &Path) -> Result<(), Failure> {
    let failed = |path: &Path, error: std::io::Error| {
        Failure::failed(format!("failed to write `{}`: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let commands: Vec<Command> = root.get_subcommands().cloned().collect();
    for command in std::iter::once(root).chain(commands) {
        let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
        let path = folder.join(format!("{name}.1"));
        page(command.display_name(name))
            .and_then(|page| std::fs::write(&path, page))
            .map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn page(command: Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}
