//! A real JMeter without its window: homes, one run of a plan, and the messages that stop a run from outside.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::jtl::{self, Sample};
use crate::process::{Ended, Line, Process};
use crate::{Error, Result, at, during, repository};

/// The heap of a run: small, so that several fit on one machine, and always the same.
const HEAP: [&str; 2] = ["-Xms512m", "-Xmx1g"];
/// How long JMeter may take from its start to the plan's first thread. On a busy machine it starts slowly.
const START: Duration = Duration::from_secs(90);
/// JMeter prints this when the plan begins.
const RUNNING: &str = "Waiting for possible Shutdown";
/// JMeter prints this when the plan's last thread has ended.
const END_OF_PLAN: &str = "Tidying up";
/// JMeter prints this when all its work is done; what follows is the end of the JVM.
const END_OF_RUN: &str = "... end of run";

/// A JMeter installation.
#[derive(Debug, Clone)]
pub struct Home {
    folder: PathBuf,
}

impl Home {
    /// The one that `script/build` makes, with our jar in it.
    ///
    /// # Errors
    /// When it is not built.
    pub fn assembled() -> Result<Self> {
        let home = Self {
            folder: repository::build().join("jmeter"),
        };
        if home.launcher().is_file() {
            return Ok(home);
        }
        Err(Error::NotBuilt(home.launcher().display().to_string()))
    }

    /// A copy of the assembled one with the WebSocket samplers that teams use today. They are fetched when missing, and
    /// are in no product.
    ///
    /// # Errors
    /// When the samplers cannot be fetched or the copy fails.
    pub fn with_incumbent() -> Result<Self> {
        static MADE: OnceLock<std::result::Result<Home, String>> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            Self::with_incumbent_in(&repository::build().join("jmeter-incumbent"))
                .map_err(|error| error.to_string())
        });
        made.clone().map_err(|why| Error::Content {
            what: "the home with the incumbent".to_owned(),
            why,
        })
    }

    /// The same copy in a folder of the caller's, which is emptied first.
    ///
    /// # Errors
    /// As [`Home::with_incumbent`].
    pub fn with_incumbent_in(folder: &Path) -> Result<Self> {
        let samplers = incumbent_jar()?;
        let home = Self::assembled()?.copy_to(folder)?;
        let name = samplers.file_name().expect("a jar has a name").to_owned();
        copy(&samplers, &home.extensions().join(name))?;
        Ok(home)
    }

    /// A copy in another folder, which is emptied first. Files are hard links: replace them, never write into them.
    ///
    /// # Errors
    /// The file system's.
    pub fn copy_to(&self, folder: &Path) -> Result<Self> {
        let folder = repository::fresh_folder(folder)?;
        link_tree(&self.folder, &folder)?;
        Ok(Self { folder })
    }

    /// The folder of plugins, `lib/ext`.
    #[must_use]
    pub fn extensions(&self) -> PathBuf {
        self.folder.join("lib/ext")
    }

    /// The folder of libraries, `lib`.
    #[must_use]
    pub fn libraries(&self) -> PathBuf {
        self.folder.join("lib")
    }

    /// Our jar in this home.
    ///
    /// # Errors
    /// None, or several.
    pub fn plugin(&self) -> Result<PathBuf> {
        repository::only_jar(&self.extensions(), "ws-backoff-")
    }

    /// JMeter's jar to start.
    #[must_use]
    pub fn launcher(&self) -> PathBuf {
        self.folder.join("bin/ApacheJMeter.jar")
    }
}

/// The incumbent's jar, fetched by its coordinates when it is not there yet.
fn incumbent_jar() -> Result<PathBuf> {
    let folder = repository::build().join("incumbent");
    if let Ok(jar) = repository::only_jar(&folder, "jmeter-websocket-samplers-") {
        return Ok(jar);
    }
    let mut gradle = Command::new("gradle");
    gradle
        .arg("-q")
        .arg("-p")
        .arg(repository::root().join("tests/incumbent"));
    gradle
        .arg("--project-cache-dir")
        .arg(folder.join("cache"))
        .arg("fetch");
    let ended = Process::start("gradle", &mut gradle)?.wait(Duration::from_secs(300))?;
    if !ended.status.success() {
        return Err(Error::Ended {
            what: "gradle".into(),
            status: ended.status.to_string(),
            tail: ended.text(),
        });
    }
    repository::only_jar(&folder, "jmeter-websocket-samplers-")
}

fn link_tree(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).map_err(at(from))? {
        let source = entry.map_err(at(from))?.path();
        let target = to.join(source.file_name().expect("an entry has a name"));
        if source.is_dir() {
            std::fs::create_dir(&target).map_err(at(&target))?;
            link_tree(&source, &target)?;
        } else if std::fs::hard_link(&source, &target).is_err() {
            // Another file system, or one without links.
            copy(&source, &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::copy(from, to).map(|_| ()).map_err(at(to))
}

/// One run of a plan, before it starts.
#[derive(Debug, Clone)]
pub struct Jmeter {
    home: Home,
    java: PathBuf,
    plan: PathBuf,
    folder: PathBuf,
    jvm: Vec<String>,
    environment: Vec<(String, PathBuf)>,
    properties: Vec<(String, String)>,
    arguments: Vec<String>,
    dashboard: bool,
    remote: Option<SocketAddr>,
    results: bool,
    patience: Duration,
}

impl Jmeter {
    /// A run of this plan that leaves all its files in `folder`, which is emptied first.
    #[must_use]
    pub fn new(home: &Home, plan: &Path, folder: &Path) -> Self {
        Self {
            home: home.clone(),
            java: "java".into(),
            plan: plan.to_owned(),
            folder: folder.to_owned(),
            jvm: HEAP.map(str::to_owned).into(),
            environment: Vec::new(),
            properties: Vec::new(),
            arguments: Vec::new(),
            dashboard: false,
            remote: None,
            results: true,
            patience: START,
        }
    }

    /// Sets a JMeter property (`-J`).
    #[must_use]
    pub fn property(mut self, name: &str, value: &(impl std::fmt::Display + ?Sized)) -> Self {
        self.properties.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds an argument of JMeter's command line, as `-X`.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds an option of the JVM; a later heap size wins.
    #[must_use]
    pub fn jvm(mut self, option: impl Into<String>) -> Self {
        self.jvm.push(option.into());
        self
    }

    /// Sets an environment variable that names a file.
    #[must_use]
    pub fn environment(mut self, name: &str, file: &Path) -> Self {
        self.environment.push((name.to_owned(), file.to_owned()));
        self
    }

    /// Runs on another Java.
    #[must_use]
    pub fn java(mut self, java: &Path) -> Self {
        java.clone_into(&mut self.java);
        self
    }

    /// How long it may take until the plan begins.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Has a JMeter server run the plan, without RMI's TLS; the server ends with the test.
    #[must_use]
    pub fn remote(mut self, server: SocketAddr) -> Self {
        self.remote = Some(server);
        self
    }

    /// Has JMeter make its HTML dashboard at the end.
    #[must_use]
    pub fn dashboard(mut self) -> Self {
        self.dashboard = true;
        self
    }

    /// Has JMeter write no result file.
    #[must_use]
    pub fn without_results(mut self) -> Self {
        self.results = false;
        self
    }

    /// Starts the run and returns when its plan has begun.
    ///
    /// # Errors
    /// When JMeter does not start, or refuses the plan.
    pub fn start(&self) -> Result<Running> {
        repository::fresh_folder(&self.folder)?;
        let files = Files {
            folder: self.folder.clone(),
        };
        let port = free_udp_port()?;
        let mut command = Command::new(&self.java);
        command.current_dir(&self.folder).args(&self.jvm);
        command.envs(self.environment.iter().map(|(name, file)| (name, file)));
        // JMeter keeps settings of its window there; a run must not depend on them.
        command.arg(format!(
            "-Djava.util.prefs.userRoot={}",
            self.folder.join("preferences").display()
        ));
        command
            .arg("-jar")
            .arg(self.home.launcher())
            .arg("-n")
            .arg("-t")
            .arg(&self.plan);
        command.arg("-j").arg(files.log());
        if self.results {
            command.arg("-l").arg(files.samples());
        }
        command
            .arg(format!("-Jjmeterengine.nongui.port={port}"))
            .arg(format!("-Jjmeterengine.nongui.maxport={port}"));
        if self.dashboard {
            command.arg("-e").arg("-o").arg(files.dashboard());
        }
        if let Some(server) = self.remote {
            command.args(["-X", "-Jserver.rmi.ssl.disable=true", "-R", &server.to_string()]);
        }
        for (name, value) in &self.properties {
            command.arg(format!("-J{name}={value}"));
        }
        command.args(&self.arguments);
        let process = Process::start("JMeter", &mut command)?;
        let began = process.wait_for_line(RUNNING, self.patience)?.at;
        Ok(Running {
            process,
            files,
            port,
            began,
        })
    }

    /// Runs the plan to its end.
    ///
    /// # Errors
    /// When it does not start, does not end in time, or ends with an error.
    pub fn run(&self, limit: Duration) -> Result<Finished> {
        let finished = self.start()?.finish(limit)?;
        if finished.ended.status.success() {
            return Ok(finished);
        }
        let status = finished.ended.status.to_string();
        Err(Error::Ended {
            what: "JMeter".to_owned(),
            status,
            tail: finished.ended.text(),
        })
    }
}

/// Where a run leaves what.
#[derive(Debug, Clone)]
pub struct Files {
    folder: PathBuf,
}

impl Files {
    /// The result file.
    #[must_use]
    pub fn samples(&self) -> PathBuf {
        self.folder.join("samples.jtl")
    }

    /// JMeter's log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("jmeter.log")
    }

    /// The dashboard's folder.
    #[must_use]
    pub fn dashboard(&self) -> PathBuf {
        self.folder.join("dashboard")
    }
}

/// A plan that runs. Dropping it kills JMeter.
pub struct Running {
    process: Process,
    files: Files,
    port: u16,
    began: Instant,
}

impl Running {
    /// JMeter's process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// When the plan began.
    #[must_use]
    pub fn began(&self) -> Instant {
        self.began
    }

    /// What JMeter's menu calls Stop: threads end now.
    ///
    /// # Errors
    /// The socket's.
    pub fn stop_now(&self) -> Result<()> {
        self.tell("StopTestNow")
    }

    /// What JMeter's menu calls Shutdown: threads end after their current sample.
    ///
    /// # Errors
    /// The socket's.
    pub fn shut_down(&self) -> Result<()> {
        self.tell("Shutdown")
    }

    /// Waits for JMeter's end; false while it still runs.
    #[must_use]
    pub fn ends_within(&self, limit: Duration) -> bool {
        self.process.ends_within(limit)
    }

    /// Waits for the end of the plan's threads, not for the dashboard; false while they still run.
    #[must_use]
    pub fn plan_ends_within(&self, limit: Duration) -> bool {
        self.process.wait_for_line(END_OF_PLAN, limit).is_ok() || self.process.ends_within(Duration::ZERO)
    }

    /// Waits until the run is over and only the JVM is left to end.
    ///
    /// # Errors
    /// When they have not in time.
    pub fn wait_for_end_of_run(&self, limit: Duration) -> Result<Line> {
        self.process.wait_for_line(END_OF_RUN, limit)
    }

    /// Waits for the end, whatever the exit code.
    ///
    /// # Errors
    /// When it has not ended in time.
    pub fn finish(self, limit: Duration) -> Result<Finished> {
        Ok(Finished {
            ended: self.process.wait(limit)?,
            files: self.files,
            began: self.began,
        })
    }

    fn tell(&self, message: &str) -> Result<()> {
        let send = || {
            UdpSocket::bind("127.0.0.1:0")?
                .send_to(message.as_bytes(), ("127.0.0.1", self.port))
                .map(|_| ())
        };
        send().map_err(during(format!("{message} to JMeter")))
    }
}

/// A run that is over.
pub struct Finished {
    /// How JMeter ended and what it printed.
    pub ended: Ended,
    /// What it left behind.
    pub files: Files,
    /// When the plan began.
    pub began: Instant,
}

impl Finished {
    /// The run, if JMeter ended well.
    ///
    /// # Errors
    /// When its exit code says otherwise.
    pub fn succeeded(self) -> Result<Self> {
        if self.ended.status.success() {
            return Ok(self);
        }
        let (status, tail) = (self.ended.status.to_string(), self.ended.text());
        Err(Error::Ended {
            what: "JMeter".to_owned(),
            status,
            tail,
        })
    }

    /// The rows of the result file.
    ///
    /// # Errors
    /// When there is none, or it is not as expected.
    pub fn samples(&self) -> Result<Vec<Sample>> {
        let file = self.files.samples();
        if file.is_file() {
            return jtl::read(&file);
        }
        // As when its engines do not start; JMeter's exit code says nothing of that.
        Err(Error::Content {
            what: file.display().to_string(),
            why: format!("JMeter did not write it. It printed:\n{}", self.ended.text()),
        })
    }

    /// JMeter's log.
    ///
    /// # Errors
    /// When there is none.
    pub fn log(&self) -> Result<String> {
        let path = self.files.log();
        std::fs::read_to_string(&path).map_err(at(&path))
    }

    /// From the last line of the plan to the end of the JVM.
    #[must_use]
    pub fn exit_time(&self) -> Option<Duration> {
        let end = self
            .ended
            .lines
            .iter()
            .rev()
            .find(|line| line.text.contains(END_OF_RUN))?;
        Some(self.ended.at.saturating_duration_since(end.at))
    }
}

/// A port for JMeter's stop messages that is free now.
fn free_udp_port() -> Result<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0").map_err(during("finding a free port"))?;
    Ok(socket.local_addr().map_err(during("finding a free port"))?.port())
}
