//! What README and docs say: links lead somewhere, commands are commands and have a place to be run, scripts are there.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let pages = pages();
    let headings: HashMap<&Path, Vec<String>> = pages
        .iter()
        .map(|(path, text)| (path.as_path(), anchors(text)))
        .collect();
    let mut dead = Vec::new();
    for (page, text) in &pages {
        for link in links(text).filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = if file.is_empty() {
                page.clone()
            } else {
                page.parent().expect("a file in a folder").join(file)
            };
            let Ok(target) = target.canonicalize() else {
                dead.push(format!("{}: {link}: no such file", page.display()));
                continue;
            };
            let known = headings.get(target.as_path());
            if !anchor.is_empty() && !known.is_some_and(|known| known.iter().any(|it| it == anchor)) {
                dead.push(format!("{}: {link}: no such heading", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_command_is_one_that_the_program_takes() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (page, text) in pages() {
        for command in commands(&text) {
            seen += 1;
            let said = exit_of(&command);
            // 1 is a file that no demo has made yet, or an address in use; 2 is a command line that nobody could run.
            if !matches!(said, Some(0 | 1)) {
                wrong.push(format!("{}: {command}: exit code {said:?}", page.display()));
            }
        }
    }
    assert!(seen >= 10, "only {seen} commands found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_page_with_commands_says_where_they_are_run() {
    let said = |text: &str| {
        text.contains("#where-commands-are-run") || text.contains("\n## Where commands are run\n")
    };
    let silent: Vec<_> = pages()
        .into_iter()
        .filter(|(_, text)| !commands(text).is_empty() && !said(text))
        .map(|(page, _)| page)
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn every_script_and_plan_that_is_named_is_there() {
    let names = regex::Regex::new(r"(?:^|[\s`(])((?:script|tests/plans)/[A-Za-z0-9_.-]*[A-Za-z0-9])")
        .expect("a pattern");
    let root = root();
    let missing: Vec<String> = pages()
        .iter()
        .flat_map(|(page, text)| {
            names
                .captures_iter(text)
                .filter(|found| !root.join(&found[1]).exists())
                .map(|found| format!("{}: {}", page.display(), &found[1]))
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the crate lies in its workspace")
}

/// All pages for users, with their texts.
fn pages() -> Vec<(PathBuf, String)> {
    let root = root();
    let mut pages = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    let mut folders = vec![root.join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of docs") {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                pages.push(path);
            }
        }
    }
    pages
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a page in UTF-8");
            (path, text)
        })
        .collect()
}

/// Where Markdown links and pictures point, outside of code.
fn links(text: &str) -> impl Iterator<Item = String> {
    let link = regex::Regex::new(r#"\]\(([^)\s]+)\)|<img src="([^"]+)""#).expect("a pattern");
    let prose: Vec<&str> = outside_code(text).collect();
    let found: Vec<String> = prose
        .iter()
        .flat_map(|line| link.captures_iter(line))
        .filter_map(|found| found.get(1).or_else(|| found.get(2)))
        .map(|found| found.as_str().to_owned())
        .collect();
    found.into_iter()
}

/// What a heading is called in a link: lower case, blanks as hyphens, without punctuation.
fn anchors(text: &str) -> Vec<String> {
    outside_code(text)
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            line.trim_start_matches('#')
                .trim()
                .to_lowercase()
                .chars()
                .filter_map(|letter| match letter {
                    ' ' => Some('-'),
                    '-' | '_' => Some(letter),
                    _ => letter.is_alphanumeric().then_some(letter),
                })
                .collect()
        })
        .collect()
}

fn outside_code(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// The commands of the jar that stand in blocks of shell, each on one line.
fn commands(text: &str) -> Vec<String> {
    let blocks = regex::Regex::new(r"(?ms)^```sh\n(.*?)^```").expect("a pattern");
    let version = env!("CARGO_PKG_VERSION");
    let jar = format!("java -jar build/libs/ws-backoff-{version}.jar ");
    blocks
        .captures_iter(text)
        .flat_map(|block| {
            block[1]
                .replace("\\\n", " ")
                .lines()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        })
        .filter_map(|line| {
            let arguments = line.strip_prefix("java ").map(|_| {
                line.strip_prefix(&jar)
                    .unwrap_or_else(|| panic!("not the jar of version {version}: {line}"))
            })?;
            Some(arguments.trim_end().trim_end_matches('&').trim_end().to_owned())
        })
        .collect()
}

/// Runs the program with these words of a shell, in an empty folder and not for long.
fn exit_of(arguments: &str) -> Option<i32> {
    let short = match arguments.split(' ').next() {
        Some("serve") if !arguments.contains("--duration") => " --duration 100ms",
        Some("simulate" | "tune") => " --seeds 1",
        _ => "",
    };
    // The docs' server would run for minutes, that it starts is enough; and whoever has its port is not for us to ask.
    let arguments = arguments
        .replace("--duration 3m", "--duration 100ms")
        .replace("127.0.0.1:9001", "127.0.0.1:1");
    let folder = tempfile::tempdir().expect("a folder for what the command writes");
    // What the reader of docs/migrate.md has.
    let plans = folder.path().join("plans");
    std::fs::create_dir(&plans).expect("a folder in it");
    let plan = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/plans/before.jmx");
    std::fs::copy(plan, plans.join("before.jmx")).expect("a plan of ours");
    Command::new("sh")
        .arg("-c")
        .arg(format!(
            "'{}' {arguments}{short}",
            env!("CARGO_BIN_EXE_ws-backoff")
        ))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("a shell")
        .code()
}
