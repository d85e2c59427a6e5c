//! The server from outside, over real sockets: every fault byte by byte, limits, plain requests, tokens, figures, log, TLS, the stop, the speed.

#[cfg(test)]
mod client;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod service;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod tokens;
