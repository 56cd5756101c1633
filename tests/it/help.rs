//! What the command line says of itself.

use crate::agent::{Folder, Launch};

/// The lines of a terminal that nobody has enlarged.
const TERMINAL_LINES: usize = 24;

fn help(args: &[&str]) -> String {
    let ended = Launch::new(args).output("");
    assert_eq!(ended.code(), 0, "{}", ended.stderr);
    String::from_utf8(ended.stdout).expect("text")
}

/// The names of all commands, the hidden ones included.
fn commands() -> Vec<String> {
    let folder = Folder::new();
    help(&["man", &folder.path("man").to_string_lossy()]);
    let pages = std::fs::read_dir(folder.path("man")).expect("the pages were written");
    let names = pages.map(|page| page.expect("ours").file_name().into_string().expect("text"));
    let mut names: Vec<String> = names
        .filter_map(|name| Some(name.strip_prefix("hooktail-")?.strip_suffix(".1")?.to_owned()))
        .collect();
    names.sort();
    names
}

#[test]
fn the_overview_fits_a_terminal() {
    let text = help(&["-h"]);
    assert!(text.lines().count() <= TERMINAL_LINES, "{text}");
    for command in commands() {
        assert!(text.contains(&command), "{command} is not in:\n{text}");
    }
}

#[test]
fn every_command_has_a_page_that_names_its_options() {
    let folder = Folder::new();
    help(&["man", &folder.path("man").to_string_lossy()]);
    let first = folder.read("man/hooktail.1");
    assert!(first.contains("hooktail\\-run(1)"), "{first}");
    assert_eq!(first, help(&["man"]), "without a folder, the first page is printed");
    for command in commands() {
        let page = folder.read(&format!("man/hooktail-{command}.1"));
        let long = help(&[&command, "--help"]);
        let options = long.split_whitespace().filter(|word| word.starts_with("--") && word.len() > 2);
        for option in options.map(|word| word.trim_end_matches(|c: char| !c.is_ascii_lowercase())) {
            assert!(page.contains(&option.replace('-', "\\-")), "{command}: {option} is not in its page");
        }
    }
}

#[test]
fn shells_complete_each_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = help(&["completions", shell]);
        for command in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
        }
    }
    assert_eq!(Launch::new(["completions", "csh"]).output("").code(), 2);
}
