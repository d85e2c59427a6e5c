//! `import`: makes a JMeter plan of a recorded WebSocket conversation.

use crate::output::{self, Sort};
use crate::{Failure, complain, say};
use clap::Args;
use recording::{Import, LARGEST, Refusal, import};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
#[command(after_long_help = AFTER_HELP, after_help = "More: --help with examples.")]
pub(crate) struct Options {
    /// What a browser or a proxy saved
    #[arg(value_name = "RECORDING.har")]
    recording: PathBuf,

    /// Write the plan there; - prints it [default: beside the recording, as .jmx]
    #[arg(short, long, value_name = "PLAN.jmx")]
    output: Option<PathBuf>,

    /// Put the requests into the plan that gave the sockets' tokens, ids and cookies
    #[arg(long)]
    http: bool,

    /// Also write there what became of the recording, or why there is no plan
    #[arg(long, value_name = "FILE.md")]
    report: Option<PathBuf>,
}

const AFTER_HELP: &str = "JMeter's own recorder takes no WebSockets. Browsers do: Chrome's and Edge's developer tools (Network, Export HAR with content), mitmproxy,
HTTP Toolkit, Playwright. Each socket becomes a Connect with its headers, cookies and subprotocols, messages become Exchange, Send and
Receive in their order, with the user's pauses; answers are known by what stays the same in them; ids and tokens that came in a message
become variables, and heartbeats are answered by the connection. With --http the requests that gave what the sockets use (a login, a
channel) come before, as HTTP Requests; others are counted and left out.

Examples:
  ws-backoff import visit.har
  ws-backoff import --http visit.har
  ws-backoff serve --listen 127.0.0.1:9001 &
  jmeter -n -t visit.jmx -l result.jtl -Jserver=ws://127.0.0.1:9001

A recording holds the cookies and tokens of who made it, and so does the plan.
Exit codes: 0; 1 where there is nothing to make a plan of, or the plan is there already.";

/// A person may have worked on it.
const PLAN: Sort = Sort {
    what: "the plan",
    ours: |_| false,
};

/// Markdown that begins with this.
const HEADING: &str = "# A recording for ws-backoff\n";

const REPORT: Sort = Sort {
    what: "the report",
    ours: |text| text.starts_with(HEADING),
};

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let path = &options.recording;
    let target = options.output.clone().unwrap_or_else(|| beside(path));
    output::check_if_any(Some(&target), &PLAN)?;
    output::check_if_any(options.report.as_ref(), &REPORT)?;
    let made = made(path, options.http);
    if let Some(file) = &options.report {
        let said = match &made {
            Ok(made) => made.notes.clone(),
            Err(failure) => vec![failure.0.clone()],
        };
        let points: String = said.iter().map(|note| format!("\n- {note}")).collect();
        output::write(file, &REPORT, &format!("{HEADING}{points}\n"))?;
    }
    let made = made?;
    output::write_or_say(&target, &PLAN, &made.plan)?;
    if target == Path::new("-") {
        made.notes.iter().for_each(|note| complain("note", note));
        return Ok(());
    }
    for note in &made.notes {
        say(&format!("- {note}"))?;
    }
    say(&format!("written: {}", target.display()))
}

fn made(path: &Path, http: bool) -> Result<Import, Failure> {
    let why = |why: &str| Failure(format!("{} {why}", path.display()));
    let bytes = read(path).map_err(|problem| why(&problem))?;
    let name = path
        .file_name()
        .map_or_else(|| "a recording".into(), |name| name.to_string_lossy());
    import(&bytes, &name, http).map_err(|refusal| why(&refusal.to_string()))
}

/// `visit.jmx` of `visit.har`, and of `visit.har.gz`.
fn beside(recording: &Path) -> PathBuf {
    let is_packed = recording
        .extension()
        .is_some_and(|end| end.eq_ignore_ascii_case("gz"));
    let unpacked = if is_packed {
        recording.with_extension("")
    } else {
        recording.to_owned()
    };
    unpacked.with_extension("jmx")
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    if fs::metadata(path).map_err(cannot)?.is_dir() {
        return Err("is a folder; name a file in it".to_owned());
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(cannot)?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err(Refusal::TooLarge.to_string());
    }
    Ok(bytes)
}
