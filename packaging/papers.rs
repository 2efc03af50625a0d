//! Writes what a package ships beside the program into a folder: completions for three shells, a man page for every command,
//! nattpost.toml(5). All of it comes from the command line's and the configuration's own lists, so nothing can be forgotten.
//!
//!     cargo run --example papers -- FOLDER

use std::fmt::Write;
use std::fs;
use std::io::{self, Error};
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;
use nattpost::cli::args::Cli;
use nattpost::config::keys::{self, Fallback, Key, Table};

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).ok_or_else(|| Error::other("expected a folder"))?;
    completions(&folder)?;
    let (commands, files) = (folder.join("man1"), folder.join("man5"));
    fs::create_dir_all(&commands)?;
    fs::create_dir_all(&files)?;
    clap_mangen::generate_to(Cli::command(), &commands)?;
    fs::write(files.join("nattpost.toml.5"), configuration_page())
}

/// Each under the name that its shell looks for.
fn completions(folder: &Path) -> io::Result<()> {
    for (shell, name) in [
        (Shell::Bash, "bash-completion/completions/nattpost"),
        (Shell::Zsh, "zsh/vendor-completions/_nattpost"),
        (Shell::Fish, "fish/vendor_completions.d/nattpost.fish"),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(folder))?;
        clap_complete::generate(shell, &mut Cli::command(), "nattpost", &mut fs::File::create(path)?);
    }
    Ok(())
}

fn configuration_page() -> String {
    let mut page = format!(".TH nattpost.toml 5 \"\" \"nattpost {}\" \"Files\"\n", env!("CARGO_PKG_VERSION"));
    page.push_str(
        ".SH NAME\nnattpost.toml \\- configuration of nattpost, and partners/*.toml beside it\n.SH DESCRIPTION\n\
         TOML. What holds for the whole instance stands in nattpost.toml, each partner in a file of his own. Every key that is not \
         listed here is refused, with its place and the nearest one that is. \\fBnattpost check\\fR says everything that is wrong; a \
         reload with a wrong configuration leaves the old one in force.\n",
    );
    for table in Table::ALL.iter().copied() {
        // Writing to a string cannot fail.
        let _ = writeln!(page, ".SH {}", escaped(&table.title().to_uppercase()));
        keys::all().filter(|key| key.table == table).for_each(|key| entry(&mut page, key));
    }
    page.push_str(
        ".SH FILES\n/etc/nattpost/nattpost.toml, /etc/nattpost/partners/*.toml, /etc/nattpost/layouts/*.toml, \
         /etc/nattpost/credentials/*; of an instance NAME: /etc/nattpost-NAME/\n.SH SEE ALSO\n\\fBnattpost\\fR(1)\n",
    );
    page
}

fn entry(page: &mut String, key: &Key) {
    let default = match key.default {
        Fallback::Required => "required".to_string(),
        Fallback::None => "default: none".to_string(),
        Fallback::Value("") => "default: empty".to_string(),
        Fallback::Value(value) => format!("default: {value}"),
        Fallback::From(words) => format!("default: {words}"),
    };
    let (name, form) = (escaped(key.name), escaped(key.form));
    let _ = writeln!(page, ".TP\n\\fB{name}\\fR ({form}; {})\n{}", escaped(&default), escaped(key.about));
}

/// A backslash, a hyphen, and a point or quote at the begin of a line mean something to the formatter.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}
