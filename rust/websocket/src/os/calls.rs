//! One receive or send on one socket: now, or within a time.

#[cfg(unix)]
pub(crate) use unix::*;
#[cfg(not(unix))]
pub(crate) use windows::*;

#[cfg(unix)]
mod unix {
    use std::io::{self, IoSlice, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use rustix::net::{RecvFlags, SendFlags, recv, send};

    /// Socket options have a granularity of a tick or so; less than this is not asked for.
    const SHORTEST: Duration = Duration::from_millis(1);

    /// A peer that is gone is an error, not a signal.
    #[cfg(not(target_vendor = "apple"))]
    const NOW: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);
    /// The same: Apple's sockets have an option for it, which std and socket2 set.
    #[cfg(target_vendor = "apple")]
    const NOW: SendFlags = SendFlags::DONTWAIT;

    /// Makes a connected socket, which blocks, ready for the calls below.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(crate) fn attach(_: &TcpStream) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn receive_now(stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        let (_, read) = recv(stream, buffer, RecvFlags::DONTWAIT)?;
        Ok(read)
    }

    pub(crate) fn send_now(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(stream, bytes, NOW)?)
    }

    /// Blocks for at most `left`, perhaps for less than half of it. `option` is what the socket's time-out was last set to.
    ///
    /// # Errors
    /// `WouldBlock` at the end of the time; `Interrupted` by a signal.
    pub(crate) fn receive_within(
        stream: &TcpStream,
        buffer: &mut [u8],
        option: &mut Option<Duration>,
        left: Duration,
    ) -> io::Result<usize> {
        if let Some(timeout) = to_set(*option, left) {
            stream.set_read_timeout(Some(timeout))?;
            *option = Some(timeout);
        }
        let (_, read) = recv(stream, buffer, RecvFlags::empty())?;
        Ok(read)
    }

    /// As [`receive_within`]; takes a part when there is no room for all.
    ///
    /// # Errors
    /// As of `receive_within`.
    pub(crate) fn send_within(
        mut stream: &TcpStream,
        parts: &[IoSlice<'_>],
        option: &mut Option<Duration>,
        left: Duration,
    ) -> io::Result<usize> {
        if let Some(timeout) = to_set(*option, left) {
            stream.set_write_timeout(Some(timeout))?;
            *option = Some(timeout);
        }
        match parts {
            [one] => stream.write(one),
            _ => stream.write_vectored(parts),
        }
    }

    /// The time-out to set; `None`: that of before will do, so that messages in quick succession cost no call more.
    ///
    /// Linux keeps these times on a wheel (`kernel/time/timer.c`) whose teeth are up to an eighth of the way apart, and rounds up.
    /// So that the call ends in time all the same, a ninth of it is left for a wait with a better clock.
    fn to_set(option: Option<Duration>, left: Duration) -> Option<Duration> {
        let longest = (left / 9 * 8).max(SHORTEST);
        let will_do = option.is_some_and(|set| set <= longest && set >= left / 2);
        (!will_do).then(|| (left / 8 * 7).max(SHORTEST))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_socket_option_is_kept_while_it_is_near_enough() {
            let second = Duration::from_secs(1);
            for (set, left, keeps) in [
                (None, second, false),
                (Some(second), second, false),
                (Some(second), second * 8 / 7, true),
                (Some(second), second * 2, true),
                (Some(second), second * 3, false),
                (Some(SHORTEST), SHORTEST, true),
            ] {
                assert_eq!(to_set(set, left).is_none(), keeps, "{set:?} {left:?}");
            }
        }

        #[test]
        fn what_is_set_ends_in_time_though_rounded_up_and_is_kept_for_the_next_message() {
            for left in [1_u64, 3, 20, 999, 10_000, 130_000].map(Duration::from_millis) {
                let set = to_set(None, left).unwrap();
                assert!(set == SHORTEST || set * 9 / 8 <= left, "{left:?}");
                assert_eq!(to_set(Some(set), left - left / 100), None, "{left:?}");
            }
        }
    }
}

#[cfg(not(unix))]
mod windows {
    use std::io::{self, ErrorKind, IoSlice, Read, Write};
    use std::net::TcpStream;
    use std::time::Duration;

    use super::super::{Direction, Ready, wait};

    /// Makes a connected socket, which blocks, ready for the calls below.
    pub(crate) fn attach(stream: &TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)
    }

    pub(crate) fn receive_now(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
        stream.read(buffer)
    }

    pub(crate) fn send_now(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
        stream.write(bytes)
    }

    /// Blocks for at most `left`. There is no option to set here.
    ///
    /// # Errors
    /// `WouldBlock` at the end of the time.
    pub(crate) fn receive_within(
        stream: &TcpStream,
        buffer: &mut [u8],
        _: &mut Option<Duration>,
        left: Duration,
    ) -> io::Result<usize> {
        match wait(stream, Direction::Read, left) {
            Ready::NotYet => Err(ErrorKind::WouldBlock.into()),
            Ready::Fine | Ready::Trouble => receive_now(stream, buffer),
        }
    }

    /// As [`receive_within`]; takes a part when there is no room for all.
    ///
    /// # Errors
    /// As of `receive_within`.
    pub(crate) fn send_within(
        mut stream: &TcpStream,
        parts: &[IoSlice<'_>],
        _: &mut Option<Duration>,
        left: Duration,
    ) -> io::Result<usize> {
        match wait(stream, Direction::Write, left) {
            Ready::NotYet => Err(ErrorKind::WouldBlock.into()),
            Ready::Fine | Ready::Trouble => stream.write_vectored(parts),
        }
    }
}
