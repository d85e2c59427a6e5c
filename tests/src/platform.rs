//! A jar on another platform: the elements in a JMeter that is run by a Java for another C library or another machine, against our
//! server on this one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::jmeter::{Finished, Home, Jmeter};
use crate::plan::{Group, Plan};
use crate::serve::Serve;
use crate::{Error, Result, at, repository};

const USERS: u32 = 20;
/// Fewer than come at once, so that most are refused first.
const LIMIT: [&str; 2] = ["--limit", "token-bucket rate=10 burst=5"];
/// A machine that is imitated takes minutes for what takes seconds.
const PATIENCE: Duration = Duration::from_secs(900);

/// What is tried, and by what.
#[derive(Debug)]
pub struct Trial {
    /// The program `java` of that platform.
    pub java: PathBuf,
    /// The plugin; of several libraries in it the JVM takes its own.
    pub jar: PathBuf,
    /// Where the JMeter home and the run go; emptied first.
    pub folder: PathBuf,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Samples, all of which passed.
    pub samples: usize,
    /// Upgrades and requests that were refused, and tried again.
    pub refused: u64,
}

impl Trial {
    /// Runs the plans.
    ///
    /// # Errors
    /// When a sample failed, none was refused, or JMeter did not get that far.
    pub fn run(&self) -> Result<Outcome> {
        let home = Home::assembled()?.copy_to(&self.folder.join("jmeter"))?;
        let old = home.plugin()?;
        std::fs::remove_file(&old).map_err(at(&old))?;
        std::fs::copy(&self.jar, &old).map_err(at(&self.jar))?;
        let certificate = self.folder.join("server.pem");
        let named = certificate.display().to_string();
        let serve = Serve::start(&LIMIT)?;
        let tls = Serve::start(&["--limit", "none", "--tls", "--cert-out", &named])?;
        let plan = plan(&serve, &tls, &certificate).write(&self.folder.join("plan.jmx"))?;
        let run = Jmeter::new(&home, &plan, &self.folder.join("run")).java(&self.java);
        let finished = run.patience(PATIENCE).run(PATIENCE)?;
        judged(&finished, serve.stats()?.refused)
    }
}

/// Users who are refused and come back, speak and leave; others over TLS; and others with HTTP requests in a Retry.
fn plan(serve: &Serve, tls: &Serve, certificate: &Path) -> Plan {
    let certificate = certificate.display().to_string();
    let said = [("wsb.payload", "hello")];
    let talk = |group: Group| {
        group
            .sampler("Exchange", "exchange", &said)
            .sampler("Ping", "ping", &[])
            .sampler("Close", "close", &[])
    };
    let plain = Group::new("plain", USERS).connect("connect", &[("wsb.url", &serve.url("/"))]);
    let trusting = [("wsb.url", tls.tls_url("/")), ("wsb.tls.caFile", certificate)];
    let trusting = trusting.each_ref().map(|(key, value)| (*key, value.as_str()));
    let secure = Group::new("TLS", USERS / 4).connect("connect", &trusting);
    let request = Group::inner().http("request", serve.address().port(), "/", &Group::inner());
    let hidden = [("wsb.retry.attemptsShown", "ignore")];
    let retried = Group::new("HTTP", USERS / 4).controller("Retry", "retry", &hidden, &request);
    Plan::of(talk(plain)).and(talk(secure)).and(retried)
}

fn judged(finished: &Finished, refused: u64) -> Result<Outcome> {
    let wrong = |why: String| Error::Content {
        what: "the run on that platform".to_owned(),
        why,
    };
    let samples = finished.samples()?;
    if let Some(failed) = samples.iter().find(|sample| !sample.success) {
        return Err(wrong(format!("{failed:?}\n{}", finished.ended.text())));
    }
    let expected = (USERS + USERS / 4) * 4 + USERS / 4;
    if samples.len() != expected as usize || refused == 0 {
        return Err(wrong(format!(
            "{} samples of {expected}, {refused} refusals\n{}",
            samples.len(),
            finished.ended.text()
        )));
    }
    Ok(Outcome {
        samples: samples.len(),
        refused,
    })
}

/// Where trials leave their files.
#[must_use]
pub fn folder(platform: &str) -> PathBuf {
    repository::build().join("platforms").join(platform)
}
