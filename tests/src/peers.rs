//! Programs of other people for the other end of a connection: where `script/test` puts them, and how they are started.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Process, nice};
use crate::serve::get;
use crate::{Error, Result, at, during, repository};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server that is not ours. Dropping it ends it.
pub struct Peer {
    _process: Process,
    address: SocketAddr,
}

impl Peer {
    /// The fuzzing server of Autobahn's cases, which leaves its report in `folder`. It computes when nobody else
    /// wants to. `which` chooses cases, as `-i 12.*`.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn fuzzing(folder: &Path, which: &[&str]) -> Result<Self> {
        let mut command = nice(installed("venv/bin/kosoku")?);
        command.env("PYTHONUNBUFFERED", "1");
        command.args(["-m", "fuzzingserver", "-o"]).arg(folder);
        command.args(which).arg("127.0.0.1:0");
        Self::that_says("kosoku", &mut command)
    }

    /// The server on Python's `websockets`, which compresses when asked, plain or with TLS.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn python(tls: Option<&Certificates>) -> Result<Self> {
        Self::python_with(&[], tls)
    }

    /// The same, which pings each connection every second and drops those that do not answer.
    ///
    /// # Errors
    /// As [`Peer::python`].
    pub fn python_that_pings(tls: Option<&Certificates>) -> Result<Self> {
        Self::python_with(&["--ping", "1"], tls)
    }

    fn python_with(options: &[&str], tls: Option<&Certificates>) -> Result<Self> {
        let mut command = Command::new(installed("venv/bin/python")?);
        command.arg(script("server.py")).args(options);
        if let Some(certificates) = tls {
            let [.., both] = certificates.server();
            command.arg("--tls").arg(both);
        }
        Self::that_says("Python's websockets", &mut command)
    }

    /// The server on Node's `ws`, which compresses when asked, plain or with TLS.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn node(tls: Option<&Certificates>) -> Result<Self> {
        let mut command = Command::new("node");
        command
            .arg(script("server.js"))
            .arg(installed("node/node_modules/ws")?);
        if let Some(certificates) = tls {
            let [.., both] = certificates.server();
            command.arg(both);
        }
        Self::that_says("Node's ws", &mut command)
    }

    /// Servers of several protocols over WebSocket.
    ///
    /// # Errors
    /// When they are not installed or do not start.
    pub fn protocols() -> Result<Self> {
        let mut command = Command::new("node");
        command
            .arg(script("protocols.js"))
            .arg(installed("node/node_modules")?);
        Self::that_says("protocols.js", &mut command)
    }

    /// A SignalR hub.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn signalr() -> Result<Self> {
        Self::aio("signalr.py", &[])
    }

    /// The stand-in for Genesys Cloud's notification service, with these options.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn genesys(options: &[&str]) -> Result<Self> {
        Self::aio("genesys.py", options)
    }

    fn aio(name: &str, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(installed("aio/bin/python")?);
        command.arg(script(name)).args(options);
        Self::that_says(name, &mut command)
    }

    /// nginx with this configuration, its files in `folder`.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn nginx(folder: &Path, address: SocketAddr, http: &str) -> Result<Self> {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {}/{kind};\n", folder.display()))
            .concat();
        // One process, so that its end is the end of all.
        let text = format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/error.log;\n\
             events {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n{temporary}{http}\n}}\n",
            folder.display()
        );
        let file = written(folder, "nginx.conf", &text)?;
        let mut command = Command::new("nginx");
        command
            .arg("-c")
            .arg(file)
            .arg("-e")
            .arg(folder.join("error.log"));
        Self::that_listens("nginx", &mut command, address)
    }

    /// HAProxy with this configuration.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn haproxy(folder: &Path, address: SocketAddr, sections: &str) -> Result<Self> {
        let text = format!(
            "global\n  maxconn 4096\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 300s\n  \
             timeout server 300s\n  timeout tunnel 300s\n{sections}\n"
        );
        let file = written(folder, "haproxy.cfg", &text)?;
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(file);
        Self::that_listens("HAProxy", &mut command, address)
    }

    /// Envoy with this configuration.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn envoy(folder: &Path, address: SocketAddr, text: &str) -> Result<Self> {
        let file = written(folder, "envoy.yaml", text)?;
        let mut command = Command::new(installed("limiters/venv/bin/envoy")?);
        command.args(["--disable-hot-restart", "--concurrency", "1", "-l", "error", "-c"]);
        Self::that_listens("Envoy", command.arg(file), address)
    }

    /// Traefik with this middleware before one server.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn traefik(folder: &Path, address: SocketAddr, behind: SocketAddr, middleware: &str) -> Result<Self> {
        let text = format!(
            "http:\n  routers:\n    all: {{rule: \"PathPrefix(`/`)\", service: inside, middlewares: [limit]}}\n    \
             ready: {{rule: \"Path(`/ready`)\", priority: 100, service: inside}}\n  \
             middlewares:\n    limit: {{{middleware}}}\n  \
             services:\n    inside: {{loadBalancer: {{servers: [{{url: \"http://{behind}\"}}]}}}}\n"
        );
        let file = written(folder, "traefik.yml", &text)?;
        let mut command = Command::new(installed("limiters/venv/bin/traefik")?);
        command.args([
            "--global.checknewversion=false",
            "--global.sendanonymoususage=false",
        ]);
        command.arg(format!("--entrypoints.outside.address={address}"));
        command.arg(format!("--providers.file.filename={}", file.display()));
        let peer = Self::that_listens("Traefik", &mut command, address)?;
        // It listens before it has read where to, and answers 404 until then; past the limit, which sees none of these.
        let deadline = Instant::now() + PATIENCE;
        let ready = || get(address, "/ready").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"));
        while !ready() {
            if Instant::now() > deadline {
                return Err(Error::Content {
                    what: "Traefik".to_owned(),
                    why: "does not lead to the server behind it".to_owned(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(peer)
    }

    /// A server behind express-rate-limit, `headers` or `silent`.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn express(headers: &str) -> Result<Self> {
        let mut command = Command::new("node");
        command
            .arg(script("limits.js"))
            .arg(installed("limiters/node")?)
            .arg(headers);
        Self::that_says("express-rate-limit", &mut command)
    }

    /// One of the servers in `tests/java`, on the libraries of the limiters.
    ///
    /// # Errors
    /// When they are not installed, or it does not start.
    pub fn java(source: &str) -> Result<Self> {
        Self::java_with("limiters/jars", source)
    }

    /// Spring's STOMP broker.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn spring_stomp() -> Result<Self> {
        Self::java_with("recipes/jars", "SpringStomp.java")
    }

    fn java_with(jars: &str, source: &str) -> Result<Self> {
        let jars = installed(jars)?.join("*");
        let mut command = Command::new("java");
        command.args(["-Xmx128m", "-cp"]).arg(jars);
        command.arg(repository::root().join("tests/java").join(source));
        Self::that_says(source, &mut command)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A `ws` address on it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.address)
    }

    /// A `wss` address on it, by the name that certificates here are for.
    #[must_use]
    pub fn tls_url(&self, path: &str) -> String {
        format!("wss://localhost:{}{path}", self.address.port())
    }

    /// Prometheus, which fetches the figures of one target each second.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub fn prometheus(folder: &Path, target: SocketAddr) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(at(folder))?;
        let text = format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n- job_name: wsb\n  static_configs:\n  - targets: ['{target}']\n"
        );
        let file = written(folder, "prometheus.yml", &text)?;
        let address = free_address()?;
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address={address}"));
        Self::that_listens("Prometheus", &mut command, address)
    }

    fn that_says(name: &str, command: &mut Command) -> Result<Self> {
        let process = Process::start(name, command)?;
        let line = process.wait_for_line("listening on ws://", PATIENCE)?.text;
        let address = line
            .rsplit("ws://")
            .next()
            .and_then(|address| address.trim().parse().ok());
        let address = address.ok_or_else(|| Error::Content {
            what: format!("the first line of {name}"),
            why: line.clone(),
        })?;
        Ok(Self {
            _process: process,
            address,
        })
    }

    fn that_listens(name: &str, command: &mut Command, address: SocketAddr) -> Result<Self> {
        let process = Process::start(name, command)?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            if process.ends_within(Duration::from_millis(20)) || Instant::now() > deadline {
                let ended = process.wait(Duration::ZERO)?;
                return Err(Error::Ended {
                    what: name.to_owned(),
                    status: ended.status.to_string(),
                    tail: ended.text(),
                });
            }
        }
        Ok(Self {
            _process: process,
            address,
        })
    }
}

/// A port of this machine that is free now, for servers that cannot choose one themselves.
///
/// # Errors
/// The socket's.
pub fn free_address() -> Result<SocketAddr> {
    let free = || TcpListener::bind("127.0.0.1:0")?.local_addr();
    free().map_err(during("finding a free port"))
}

/// Certificates that openssl made for a test: an authority, and what it signed for `localhost` and for a client.
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// The password of [`Certificates::client_store`].
    pub const PASSWORD: &'static str = "of no secret";

    /// Makes them in a folder.
    ///
    /// # Errors
    /// When openssl is missing or refuses.
    pub fn new(folder: &Path) -> Result<Self> {
        let folder = repository::fresh_folder(folder)?;
        let made = Self { folder };
        made.openssl("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Tests -keyout ca.key -out ca.pem")?;
        for (name, extension) in [
            ("server", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            ("client", "extendedKeyUsage=clientAuth"),
        ] {
            written(&made.folder, &format!("{name}.ext"), extension)?;
            made.openssl(&format!(
                "req -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
            ))?;
            made.openssl(&format!(
                "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile {name}.ext -out {name}.pem"
            ))?;
        }
        let mut both = String::new();
        for part in ["server.pem", "server.key"] {
            let path = made.folder.join(part);
            both += &std::fs::read_to_string(&path).map_err(at(&path))?;
        }
        written(&made.folder, "server-both.pem", &both)?;
        written(&made.folder, "password", Self::PASSWORD)?;
        made.openssl(
            "pkcs12 -export -in client.pem -inkey client.key -passout file:password -out client.p12",
        )?;
        Ok(made)
    }

    /// The authority's certificate.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The server's certificate, its key, and both in one file.
    #[must_use]
    pub fn server(&self) -> [PathBuf; 3] {
        ["server.pem", "server.key", "server-both.pem"].map(|name| self.folder.join(name))
    }

    /// The client's certificate and key as PKCS#12.
    #[must_use]
    pub fn client_store(&self) -> PathBuf {
        self.folder.join("client.p12")
    }

    fn openssl(&self, arguments: &str) -> Result<()> {
        let mut command = Command::new("openssl");
        command.current_dir(&self.folder).args(arguments.split(' '));
        let ended = Process::start("openssl", &mut command)?.wait(PATIENCE)?;
        if ended.status.success() {
            return Ok(());
        }
        Err(Error::Ended {
            what: "openssl".to_owned(),
            status: ended.status.to_string(),
            tail: ended.text(),
        })
    }
}

fn written(folder: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).map_err(at(&path))?;
    Ok(path)
}

fn script(name: &str) -> PathBuf {
    repository::root().join("tests/peers").join(name)
}

fn installed(path: &str) -> Result<PathBuf> {
    let path = repository::build().join("peers").join(path);
    if path.exists() {
        return Ok(path);
    }
    Err(Error::Content {
        what: path.display().to_string(),
        why: "is missing; `script/test` or `script/limiters` installs it".to_owned(),
    })
}
