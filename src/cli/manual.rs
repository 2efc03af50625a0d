//! docs/cli.md: the page of the command line, made from the same words as `--help`. A test compares it with what is there.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::args::Cli;

/// The objects of `--json`, written by hand and compared with what is printed in a test.
const OBJECTS: &str = include_str!("objects.md");

/// The whole page.
pub fn page() -> String {
    let mut page = String::from(
        "# The command line\n\nMade from `nattpost --help`; `NATTPOST_WRITE_DOCS=1 cargo test --test cli` writes it anew.\n",
    );
    let command = Cli::command();
    // Writing into a text cannot fail.
    let _ = section(&mut page, &command, "nattpost");
    page.push('\n');
    page.push_str(OBJECTS);
    page
}

fn section(page: &mut String, command: &Command, name: &str) -> std::fmt::Result {
    let mut plain = command.clone().bin_name(name).term_width(100).disable_help_flag(true).disable_version_flag(true);
    let help = plain.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    write!(page, "\n## {name}\n\n```\n{}\n```\n", help.join("\n").trim_end())?;
    for sub in command.get_subcommands() {
        section(page, sub, &format!("{name} {}", sub.get_name()))?;
    }
    Ok(())
}
