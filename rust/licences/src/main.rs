//! The command line: `check` refuses a dependency whose licence is not allowed, `collect` writes the notices that the jar
//! carries, `sbom` the bill of materials beside it. The reading of cargo's answers is in `packages`, the judgement in `policy`, the
//! notices in `notices`, the bill in `sbom`. In no product.

mod notices;
mod packages;
mod policy;
mod sbom;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Licences of the crates that this workspace is built from.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Judge the licence of every dependency against the list of allowed ones; exit 1 names the offenders
    Check,
    /// Write name, version, licence and licence texts of everything that is linked into the native library
    Collect {
        /// The file to write
        #[arg(long)]
        out: PathBuf,
        /// The package whose linked dependencies are meant
        #[arg(long, default_value = "ws-backoff")]
        package: String,
    },
    /// Write the bill of materials of what is linked into the native libraries, CycloneDX in JSON
    Sbom {
        /// The version of the jar
        #[arg(long)]
        of: String,
        /// The file to write
        #[arg(long)]
        out: PathBuf,
    },
}

/// All that can go wrong here.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cargo could not be started: {0}")]
    Start(std::io::Error),
    #[error("cargo {command} failed:\n{stderr}")]
    Cargo { command: String, stderr: String },
    #[error("cargo's answer is not what this program knows: {0}")]
    Answer(#[from] serde_json::Error),
    #[error("{path}: {source}")]
    File { path: String, source: std::io::Error },
    #[error("cargo tree names {0}, which cargo metadata does not")]
    Unknown(String),
    #[error("{0} has no licence file and no licence whose text is known")]
    NoText(String),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Check => check(),
        Command::Collect { out, package } => collect(&package, &out),
        Command::Sbom { of, out } => bill(&of, &out),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("licences: {error}");
        ExitCode::from(2)
    })
}

fn check() -> Result<ExitCode, Error> {
    let packages = packages::dependencies()?;
    let offenders = policy::offenders(&packages);
    for (package, why) in &offenders {
        println!("{} {}: {why}", package.name, package.version);
    }
    if offenders.is_empty() {
        println!("{} dependencies, every licence is allowed", packages.len());
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "{} of {} dependencies have a licence that is not allowed.",
        offenders.len(),
        packages.len()
    );
    println!("Allowed: {}", policy::ALLOWED.join(", "));
    Ok(ExitCode::FAILURE)
}

fn collect(package: &str, out: &Path) -> Result<ExitCode, Error> {
    let linked = packages::linked_into(package, packages::dependencies()?)?;
    put(out, &notices::write(&linked)?)?;
    println!("{}: notices of {} packages", out.display(), linked.len());
    Ok(ExitCode::SUCCESS)
}

fn bill(version: &str, out: &Path) -> Result<ExitCode, Error> {
    let linked = packages::linked_into("ws-backoff", packages::dependencies()?)?;
    put(out, &sbom::write(version, &linked))?;
    println!("{}: {} packages", out.display(), linked.len());
    Ok(ExitCode::SUCCESS)
}

fn put(out: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(out, text).map_err(|source| Error::File {
        path: out.display().to_string(),
        source,
    })
}
