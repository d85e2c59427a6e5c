//! Where JMeter's threads wait for their turn: a port on which each of them is held until its client is to go on. A thread
//! that waits costs nothing, so one client can be measured while the others stand still with their compilers warm.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use system::{Error, Result};

/// How long a thread may take to say its word once it is here.
const WORD: Duration = Duration::from_secs(20);

/// A gate for the threads of one client.
pub struct Gate {
    address: SocketAddr,
    waiting: Arc<Waiting>,
}

#[derive(Default)]
struct Waiting {
    threads: Mutex<Vec<TcpStream>>,
    news: Condvar,
}

impl Gate {
    /// A closed gate on a free port. It stands until the program ends.
    ///
    /// # Errors
    /// When there is no port.
    pub fn open_port() -> Result<Self> {
        let io = |source| Error::Io {
            what: "the port at which clients wait".to_owned(),
            source,
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(io)?;
        let address = listener.local_addr().map_err(io)?;
        let waiting = Arc::new(Waiting::default());
        let here = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if let Ok(stream) = stream.and_then(read_word) {
                    here.lock().push(stream);
                    here.news.notify_all();
                }
            }
        });
        Ok(Self { address, waiting })
    }

    /// Where threads wait.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until so many threads are here; false when the time is over before.
    pub fn holds_within(&self, threads: u32, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut here = self.waiting.lock();
        while here.len() < threads as usize {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            here = self
                .waiting
                .news
                .wait_timeout(here, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    /// How many threads are here.
    pub fn held(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Lets all go that are here.
    pub fn release(&self) {
        let threads = std::mem::take(&mut *self.waiting.lock());
        // The end of its connection is what a thread waits for.
        drop(threads);
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes what the thread sends: a connection that is ended with unread bytes is reset, and its sample would fail.
fn read_word(mut stream: TcpStream) -> std::io::Result<TcpStream> {
    stream.set_read_timeout(Some(WORD))?;
    let mut word = [0; 7];
    stream.read_exact(&mut word)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn threads_are_held_until_they_are_released() {
        let gate = Gate::open_port().unwrap();
        let mut threads: Vec<TcpStream> = (0..3)
            .map(|_| {
                let mut stream = TcpStream::connect(gate.address()).unwrap();
                stream.write_all(b"waiting").unwrap();
                stream
            })
            .collect();
        assert!(gate.holds_within(3, WORD));
        assert!(!gate.holds_within(4, Duration::ZERO));
        gate.release();
        assert_eq!(gate.held(), 0);
        for stream in &mut threads {
            assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0, "an orderly end");
        }
    }
}
