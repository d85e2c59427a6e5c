//! The benchmark: ours in JMeter, the WebSocket samplers 1.3.1 in the same JMeter, and a plain Rust client, in turns
//! against one server on this machine. `script/bench` builds what it needs and calls it.

mod arguments;
mod case;
mod cases;
mod gate;
mod idle;
mod jvm;
mod machine;
mod micro;
mod opening;
mod picture;
mod plans;
mod progress;
mod raw;
mod results;
mod server;
mod spread;
mod table;
mod turns;
mod usage;
mod whole_run;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Instant, SystemTime};

use clap::Parser;
use system::jmeter::Home;
use system::{Result, report, repository};

use arguments::{Arguments, Choice};
use case::{Case, Work};
use machine::{Machine, Versions};
use progress::progress;
use results::{Outcome, Results};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        print!("{}", arguments::list());
        return ExitCode::SUCCESS;
    }
    let done = match &arguments.hold[..] {
        [address, connections] => hold(address, connections),
        _ => arguments
            .choice()
            .and_then(|choice| run(&choice).map_err(|error| error.to_string())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("bench: {why}");
            ExitCode::FAILURE
        }
    }
}

fn hold(address: &str, connections: &str) -> std::result::Result<(), String> {
    let wrong = |error: &dyn std::fmt::Display| error.to_string();
    let address = address
        .parse()
        .map_err(|error: std::net::AddrParseError| wrong(&error))?;
    let connections = connections
        .parse()
        .map_err(|error: std::num::ParseIntError| wrong(&error))?;
    raw::hold(address, connections).map_err(|error| wrong(&error))
}

fn run(choice: &Choice) -> Result<()> {
    let (start, began) = (Instant::now(), httpdate::fmt_http_date(SystemTime::now()));
    let machine = Machine::this();
    if machine.busy() {
        progress("something else keeps this machine busy: the figures will say little");
    }
    let folder = repository::fresh_folder(&choice.folder)?;
    let home = Home::with_incumbent_in(&folder.join("home"))?;
    let mut cases = Vec::new();
    for (place, case) in choice.cases.iter().enumerate() {
        progress(&format!(
            "{} of {}, {}: {}",
            place + 1,
            choice.cases.len(),
            case.name,
            case.about
        ));
        cases.push(one(choice, case, &home, &folder)?);
    }
    let micro = if choice.micro {
        progress("the parts without a server");
        micro::run(choice.effort.quick)?
    } else {
        Vec::new()
    };
    let results = Results {
        began,
        seconds: start.elapsed().as_secs(),
        machine,
        versions: Versions::of(&home),
        effort: choice.effort,
        cases,
        micro,
    };
    println!("{}", table::all(&results));
    let [figures, picture] = ["results.json", "ratios.svg"].map(|name| folder.join(name));
    report::write_json(&figures, &results)?;
    println!("figures   {}", figures.display());
    if picture::write(&picture, &results)? {
        println!("picture   {}", picture.display());
    }
    Ok(())
}

fn one(choice: &Choice, case: &Case, home: &Home, folder: &Path) -> Result<Outcome> {
    let own = repository::fresh_folder(&folder.join(case.name))?;
    let rounds = match (case.whole_run, case.work) {
        (Some(operations), _) => whole_run::run(case, operations, &choice.effort, home, &own)?,
        (None, Work::Idle) => idle::run(case, &choice.effort, home, &own)?,
        (None, _) => turns::run(case, &choice.effort, home, &own)?,
    };
    Ok(Outcome::new(case, rounds))
}
