//! SOCKS5 (RFC 1928) with user and password (RFC 1929). Host names go to the proxy, which looks them up.

use std::io;
use std::net::IpAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::tcp::Socket;
use crate::{Code, Error, Proxy};

const VERSION: u8 = 5;
const NO_LOGIN: u8 = 0;
const PASSWORD: u8 = 2;
const NONE_ACCEPTABLE: u8 = 0xff;
const CONNECT: u8 = 1;

/// Address types (RFC 1928 section 5).
const IPV4: u8 = 1;
const NAME: u8 = 3;
const IPV6: u8 = 4;

/// Asks the proxy at the other end of `socket` to connect to `host` and `port`. Reads not one byte more than its answers, as all
/// that follows belongs to the connection.
pub(crate) async fn connect(proxy: &Proxy, host: &str, port: u16, socket: &mut Socket) -> Result<(), Error> {
    let mut steps = Steps { proxy, socket };
    steps.log_in().await?;
    let mut request = vec![VERSION, CONNECT, 0];
    request.extend(address(host).ok_or_else(|| {
        steps.fault(
            Code::ProxyRefused,
            format!("{host:?} is longer than SOCKS5 can say"),
        )
    })?);
    request.extend(port.to_be_bytes());
    steps.write(&request).await?;
    let [version, reply, _, kind] = steps.read().await?;
    if version != VERSION {
        return Err(steps.malformed(&[version, reply, 0, kind]));
    }
    if reply != 0 {
        return Err(refusal(&steps, reply, host, port));
    }
    // The address that the proxy uses; nobody wants to know.
    match kind {
        IPV4 => drop(steps.read::<6>().await?),
        IPV6 => drop(steps.read::<18>().await?),
        NAME => {
            let [length] = steps.read().await?;
            for _ in 0..usize::from(length) + 2 {
                steps.read::<1>().await?;
            }
        }
        _ => return Err(steps.malformed(&[version, reply, 0, kind])),
    }
    Ok(())
}

/// One exchange with the proxy after the other.
struct Steps<'a> {
    proxy: &'a Proxy,
    socket: &'a mut Socket,
}

impl Steps<'_> {
    async fn log_in(&mut self) -> Result<(), Error> {
        let hello: &[u8] = match self.proxy.login {
            Some(_) => &[VERSION, 2, NO_LOGIN, PASSWORD],
            None => &[VERSION, 1, NO_LOGIN],
        };
        self.write(hello).await?;
        match (self.read().await?, &self.proxy.login) {
            ([VERSION, NO_LOGIN], _) => Ok(()),
            ([VERSION, PASSWORD], Some((user, password))) => {
                let login = login(user, password).ok_or_else(|| {
                    self.fault(
                        Code::ProxyAuth,
                        "user or password is longer than 255 bytes".into(),
                    )
                })?;
                self.write(&login).await?;
                match self.read().await? {
                    [_, 0] => Ok(()),
                    [_, status] => Err(self.fault(
                        Code::ProxyAuth,
                        format!("user and password were not accepted (status {status})"),
                    )),
                }
            }
            ([VERSION, NONE_ACCEPTABLE], login) => Err(self.fault(
                Code::ProxyAuth,
                match login {
                    Some(_) => "it wants neither no login nor user and password".into(),
                    None => "it wants a login".into(),
                },
            )),
            (answer, _) => Err(self.malformed(&answer)),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.socket.write_all(bytes).await;
        written.map_err(|error| self.closed(&error))
    }

    async fn read<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        match self.socket.read_exact(&mut bytes).await {
            Ok(_) => Ok(bytes),
            Err(error) => Err(self.closed(&error)),
        }
    }

    fn closed(&self, error: &io::Error) -> Error {
        Error::ProxyClosed {
            proxy: self.proxy.address(),
            what: match error.kind() {
                io::ErrorKind::UnexpectedEof => "ended the connection within its answer".into(),
                _ => error.to_string(),
            },
        }
    }

    fn malformed(&self, answer: &[u8]) -> Error {
        Error::ProxyMalformed {
            proxy: self.proxy.address(),
            what: format!("answered {answer:?}, which is not SOCKS5"),
        }
    }

    fn fault(&self, code: Code, what: String) -> Error {
        Error::Socks {
            proxy: self.proxy.address(),
            code,
            what,
        }
    }
}

/// Type and address of the host as a request has them; `None` when the name is too long.
fn address(host: &str) -> Option<Vec<u8>> {
    Some(match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => [&[IPV4][..], &ip.octets()].concat(),
        Ok(IpAddr::V6(ip)) => [&[IPV6][..], &ip.octets()].concat(),
        Err(_) => [&[NAME, u8::try_from(host.len()).ok()?][..], host.as_bytes()].concat(),
    })
}

/// RFC 1929 section 2.
fn login(user: &str, password: &str) -> Option<Vec<u8>> {
    let mut login = vec![1];
    for text in [user, password] {
        login.push(u8::try_from(text.len()).ok()?);
        login.extend(text.as_bytes());
    }
    Some(login)
}

/// RFC 1928 section 6.
fn refusal(steps: &Steps<'_>, reply: u8, host: &str, port: u16) -> Error {
    let (code, what) = match reply {
        1 => (Code::ProxyUnavailable, "general failure"),
        2 => (Code::ProxyRefused, "not allowed by its rules"),
        3 => (Code::ProxyUnavailable, "network unreachable"),
        4 => (Code::ProxyUnavailable, "host unreachable, or its name unknown"),
        5 => (Code::ProxyUnavailable, "connection refused"),
        6 => (Code::ProxyUnavailable, "TTL expired"),
        7 => (Code::ProxyRefused, "it does not know CONNECT"),
        8 => (Code::ProxyRefused, "it does not know this kind of address"),
        _ => (Code::ProxyRefused, "for a reason that is not in RFC 1928"),
    };
    steps.fault(
        code,
        format!("no connection to {host}:{port}: {what} (reply {reply})"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_written_as_address_or_name() {
        assert_eq!(address("10.0.0.1").unwrap(), [1, 10, 0, 0, 1]);
        assert_eq!(address("ab.c").unwrap(), [3, 4, b'a', b'b', b'.', b'c']);
        assert_eq!(address("::1").unwrap()[..2], [4, 0]);
        assert_eq!(address("[::1]").unwrap().len(), 17);
        assert_eq!(address(&"x".repeat(256)), None);
        assert_eq!(login("u", "pw").unwrap(), [1, 1, b'u', 2, b'p', b'w']);
        assert_eq!(login("u", &"x".repeat(256)), None);
    }
}
