//! How the story is told: numbered steps, short sentences, paths and quotes set off. For programs the same as one object
//! a line. Everything is said at once, so that a person can read along.

use std::io;
use std::path::Path;

use serde_json::json;

use super::super::page::{Page, safe};
use super::super::setting::shown_path;

/// Lines of a file that are shown.
const LINES_SHOWN: usize = 8;
/// A longer line of a file is cut (it is there to be looked at), a longer sentence goes on in the next line.
const LINE_CHARS: usize = 110;

pub struct Telling<'p, 'o> {
    page: &'p mut Page<'o>,
    step: u32,
}

impl<'p, 'o> Telling<'p, 'o> {
    pub fn new(page: &'p mut Page<'o>) -> Self {
        Telling { page, step: 0 }
    }

    /// The next step, by what happens in it.
    pub fn step(&mut self, title: &str) -> io::Result<()> {
        self.step += 1;
        if !self.page.json {
            self.page.gap()?;
        }
        self.told("title", title, &format!("{:>2}. {title}", self.step))
    }

    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.told("text", text, &format!("    {text}"))
    }

    /// Something to look at.
    pub fn path(&mut self, what: &str, path: &Path) -> io::Result<()> {
        let path = shown_path(path);
        if self.page.json {
            self.page.object(&json!({ "step": self.step, "what": what, "path": path }))?;
            return self.page.out.flush();
        }
        self.told("path", &path, &format!("    {what}: {path}"))
    }

    /// What a person types.
    pub fn command(&mut self, line: &str) -> io::Result<()> {
        self.told("command", line, &format!("    $ {line}"))
    }

    /// A text for people, set off, whole.
    pub fn quote(&mut self, text: &str) -> io::Result<()> {
        for line in text.lines() {
            let indent = &line[..line.len() - line.trim_start().len()];
            let mut begun = indent.to_string();
            for word in line.split_whitespace() {
                if begun.trim().is_empty() || begun.chars().count() + word.chars().count() < LINE_CHARS {
                    begun.push_str(if begun.trim().is_empty() { "" } else { " " });
                } else {
                    self.quoted(&begun)?;
                    begun = format!("{indent}  ");
                }
                begun.push_str(word);
            }
            self.quoted(&begun)?;
        }
        Ok(())
    }

    /// The first lines of a file, set off; with everything in its columns.
    pub fn head(&mut self, text: &str) -> io::Result<()> {
        let all: Vec<&str> = text.lines().collect();
        for line in all.iter().take(LINES_SHOWN) {
            let cut: String = line.chars().take(LINE_CHARS).collect();
            let dots = if cut.len() < line.len() { " …" } else { "" };
            self.quoted(&format!("{cut}{dots}"))?;
        }
        match all.len().saturating_sub(LINES_SHOWN) {
            0 => Ok(()),
            1 => self.quoted("… 1 more line"),
            more => self.quoted(&format!("… {more} more lines")),
        }
    }

    fn quoted(&mut self, line: &str) -> io::Result<()> {
        let line = safe(line);
        self.told("quote", &line, format!("      | {line}").trim_end())
    }

    /// Outside of the steps.
    pub fn plain(&mut self, text: &str) -> io::Result<()> {
        if !self.page.json {
            self.page.gap()?;
        }
        self.told("text", text, text)
    }

    fn told(&mut self, name: &str, value: &str, line: &str) -> io::Result<()> {
        if self.page.json {
            self.page.object(&json!({ "step": self.step, name: value }))?;
        } else {
            self.page.line(line)?;
        }
        self.page.out.flush()
    }
}
