//! Writes whole lines to a trace file, or none: a disk that is full must not leave half a line behind, nor fill the log.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// The longest that a line stays in memory while nothing follows it.
const FLUSH_AFTER: Duration = Duration::from_millis(200);

/// So much is written at once.
const ROOM: usize = 64 * 1024;

/// Where lines go.
pub trait Sink {
    /// Takes some bytes, at the end.
    ///
    /// # Errors
    /// What the system says.
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Takes the last bytes back, as well as it can.
    fn take_back(&mut self, bytes: u64);
}

impl Sink for File {
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn take_back(&mut self, bytes: u64) {
        // A device has no length to be cut.
        let _ = self
            .metadata()
            .and_then(|file| self.set_len(file.len().saturating_sub(bytes)));
    }
}

/// Opens a trace for appending. Nobody else may read it: addresses and hints in it may be secrets.
///
/// # Errors
/// What the system says; also for a pipe, which would wait for its reader, and with it the whole test.
pub fn open(path: &Path) -> io::Result<File> {
    #[cfg(unix)]
    if std::fs::metadata(path).is_ok_and(|about| std::os::unix::fs::FileTypeExt::is_fifo(&about.file_type()))
    {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "is a pipe, not a file",
        ));
    }
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    // std has file modes only there; elsewhere the folder's rights count.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes what comes until nobody is left to send it, or until something cannot be written: a trace with a hole in it would mislead.
/// The failure is told at once, where there is one; answers how many lines went unwritten.
pub fn write(mut sink: impl Sink, queue: &Receiver<String>, fails: impl FnOnce(&io::Error)) -> u64 {
    let mut buffer = String::with_capacity(ROOM);
    let failure = loop {
        let done = match queue.recv_timeout(FLUSH_AFTER) {
            Ok(lines) => {
                buffer.push_str(&lines);
                if buffer.len() < ROOM {
                    Ok(())
                } else {
                    put(&mut sink, &mut buffer)
                }
            }
            Err(RecvTimeoutError::Timeout) => put(&mut sink, &mut buffer),
            Err(RecvTimeoutError::Disconnected) => match put(&mut sink, &mut buffer) {
                Ok(()) => return 0,
                failed => failed,
            },
        };
        if let Err(error) = done {
            break error;
        }
    };
    fails(&failure);
    let mut lost = lines_of(&buffer);
    // Whoever sends must not wait for room.
    for lines in queue {
        lost += lines_of(&lines);
    }
    lost
}

/// Writes all of it. After a failure the sink ends with a whole line, and the buffer has what is not in it.
fn put(sink: &mut impl Sink, buffer: &mut String) -> io::Result<()> {
    let mut written = 0;
    while written < buffer.len() {
        let failure = match sink.put(&buffer.as_bytes()[written..]) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(more) => {
                written += more;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        let bytes = buffer.as_bytes();
        let whole = bytes[..written]
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |end| end + 1);
        if whole < written {
            sink.take_back((written - whole) as u64);
        }
        buffer.drain(..whole);
        return Err(failure);
    }
    buffer.clear();
    Ok(())
}

fn lines_of(text: &str) -> u64 {
    text.lines().count() as u64
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::mpsc::channel;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_reads_is_refused_in_place_of_waiting_for_its_reader() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let why = open(&pipe).unwrap_err().to_string();
        assert!(why.contains("pipe"), "{why}");
    }

    /// A disk with so much room.
    struct Disk<'a> {
        room: usize,
        content: &'a RefCell<Vec<u8>>,
    }

    impl Sink for Disk<'_> {
        fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut content = self.content.borrow_mut();
            let taken = bytes.len().min(self.room - content.len());
            if taken == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            content.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn take_back(&mut self, bytes: u64) {
            let mut content = self.content.borrow_mut();
            let whole = content.len() - usize::try_from(bytes).unwrap();
            content.truncate(whole);
        }
    }

    #[test]
    fn a_full_disk_leaves_whole_lines_is_told_once_and_what_is_lost_is_counted() {
        for room in [0, 1, 6, 7, 20, 70_000, 100_000] {
            let (sender, queue) = channel();
            for number in 0..20_000 {
                sender.send(format!("{number:05}x\n")).unwrap();
            }
            drop(sender);
            let content = RefCell::new(Vec::new());
            let mut told = Vec::new();
            let disk = Disk {
                room,
                content: &content,
            };
            let lost = write(disk, &queue, |error| told.push(error.kind()));
            let content = String::from_utf8(content.into_inner()).unwrap();
            assert!(content.is_empty() || content.ends_with('\n'), "room {room}");
            assert_eq!(content.lines().count(), room / 7, "room {room}");
            assert_eq!(lost + room as u64 / 7, 20_000, "room {room}");
            assert_eq!(told, [io::ErrorKind::StorageFull]);
        }
    }

    #[test]
    fn all_lines_are_written_where_there_is_room() {
        let (sender, queue) = channel();
        sender.send("one\ntwo\n".to_owned()).unwrap();
        drop(sender);
        let content = RefCell::new(Vec::new());
        let disk = Disk {
            room: 100,
            content: &content,
        };
        let lost = write(disk, &queue, |_| unreachable!("there is room"));
        assert_eq!(lost, 0);
        assert_eq!(*content.borrow(), b"one\ntwo\n");
    }
}
