//! docs/layouts/tutorial.md keeps its word: its files are written, its commands are run in their order, and say what it shows.

use std::path::Path;
use std::process::Command;

/// Blanks of any length are one.
fn plain(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn run(folder: &Path, command: &str) -> (bool, String) {
    let program = Path::new(env!("CARGO_BIN_EXE_nattpost"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(folder).env("PATH", path).env_remove("NATTPOST_CONFIG");
    let output = shell.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&told).into_owned())
}

/// Commands with the lines that each must say.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("$ ") {
            Some(command) => all.push((command.to_string(), Vec::new())),
            None => all.last_mut().expect("a command stands first").1.push(line.to_string()),
        }
    }
    all
}

#[test]
fn every_step_of_the_tutorial_goes_as_it_says() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/layouts/tutorial.md")).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let (mut files, mut steps) = (0, 0);
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```").filter(|info| !info.is_empty()) else { continue };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let text = body.iter().map(|line| format!("{line}\n")).collect::<String>();
        if let Some((_, name)) = info.split_once(' ') {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
            files += 1;
            continue;
        }
        for (command, expected) in commands(&text) {
            let (well, told) = run(folder, &command);
            // A file with a refused message is read, and says so by its exit code.
            assert!(well || command.contains("broken.csv"), "{command}\n{told}");
            let told = plain(&told);
            for line in &expected {
                assert!(told.contains(&plain(line)), "{command}\nexpected {line}\nfound {told}");
            }
            steps += 1;
        }
    }
    assert!(files >= 8 && steps >= 14, "{files} {steps}");
}
