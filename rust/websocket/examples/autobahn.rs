//! A client for Autobahn's fuzzing server: runs all its cases, echoes what comes, and asks for the report.
//!
//! `autobahn ADDRESS [--agent NAME] [--compression] [--cases FROM-TO]`, as `autobahn 127.0.0.1:9001 --compression`.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use websocket::{
    Answers, Connection, Cookies, Dial, Error, MessageKind, Names, Outgoing, Sources, Target, Tls,
    TlsOptions, USUAL_TTL, open,
};

/// The longest cases send thousands of messages.
const PATIENCE: Duration = Duration::from_secs(60);

/// The largest message of the cases is 16 MiB.
const MAX_MESSAGE: usize = 16 << 20;

struct Client {
    address: String,
    agent: String,
    compression: bool,
    runtime: Runtime,
    tls: Tls,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(std::env::args().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("autobahn: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<String>) -> Result<(), Failure> {
    let mut address = None;
    let mut agent = "ws-backoff".to_owned();
    let mut compression = false;
    let mut cases = None;
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--agent" => agent = rest.next().ok_or("--agent needs a name")?,
            "--compression" => compression = true,
            "--cases" => {
                let range = rest.next().ok_or("--cases needs a range as 1-10")?;
                let (from, to) = range.split_once('-').ok_or("--cases needs a range as 1-10")?;
                cases = Some((from.parse()?, to.parse()?));
            }
            _ => address = Some(argument),
        }
    }
    let client = Client {
        address: address.ok_or("the address of a fuzzing server is missing, as 127.0.0.1:9001")?,
        agent,
        compression,
        runtime: Builder::new_current_thread().enable_all().build()?,
        tls: Tls::new(&TlsOptions::default())?,
    };
    client.run(cases)
}

impl Client {
    fn run(&self, cases: Option<(u32, u32)>) -> Result<(), Failure> {
        let began = Instant::now();
        let count = self.open("getCaseCount")?.receive(PATIENCE)?;
        let count: u32 = count.as_text().ok_or("the case count is no text")?.parse()?;
        let (from, to) = cases.unwrap_or((1, count));
        for case in from..=to.min(count) {
            let mut connection = self.open(&format!("runCase?case={case}&agent={}", self.agent))?;
            // How it ends is for the server to judge.
            let _ = echo(&mut connection);
        }
        let mut report = self.open(&format!("updateReports?agent={}", self.agent))?;
        let _ = report.receive(PATIENCE);
        println!(
            "{count} cases, {from} to {} run in {:.1?}",
            to.min(count),
            began.elapsed()
        );
        Ok(())
    }

    fn open(&self, path: &str) -> Result<Connection, Failure> {
        let dial = Dial {
            target: Target::parse(&format!("ws://{}/{path}", self.address))?,
            headers: Vec::new(),
            login: None,
            subprotocols: Vec::new(),
            addresses: Vec::new(),
            names: Names::system(),
            name_ttl: USUAL_TTL,
            proxy: None,
            sources: Sources::default(),
            tls: self.tls.clone(),
            connect_timeout: PATIENCE,
            max_redirects: 0,
            plain: false,
            compression: self.compression,
            max_message: MAX_MESSAGE,
            answers: Answers::default(),
        };
        Ok(self
            .runtime
            .block_on(open(&dial, &Cookies::default(), PATIENCE))
            .result?)
    }
}

/// Sends back all messages until the connection ends.
fn echo(connection: &mut Connection) -> Result<(), Error> {
    loop {
        let received = connection.receive(PATIENCE)?;
        match received.kind {
            MessageKind::Text | MessageKind::Binary => {
                connection.send(&Outgoing::new(received.kind, &received.payload), PATIENCE)?;
            }
            MessageKind::Close => {
                connection.close(0, "", PATIENCE)?;
                return Ok(());
            }
            MessageKind::Ping | MessageKind::Pong => {}
        }
    }
}
