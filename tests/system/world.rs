//! A run whose host names and clock a test changes while it goes on: JMeter's process is started with `world.c` before its
//! system library.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use system::jmeter::Jmeter;

/// What the processes in it believe.
pub struct World {
    library: PathBuf,
    /// Is there while names cannot be looked up.
    names_down: PathBuf,
    clock: PathBuf,
}

impl World {
    /// One as it is: with names, and with the machine's time.
    pub fn new(folder: &Path) -> Self {
        let library = folder.join("world.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("system/world.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
        let compiled = compiler.arg(&library).arg(source).arg("-ldl").status();
        assert!(compiled.expect("Rust needs a C compiler too").success());
        let clock = folder.join("clock");
        std::fs::write(&clock, 0_i64.to_ne_bytes()).unwrap();
        Self {
            library,
            names_down: folder.join("names-down"),
            clock,
        }
    }

    /// Takes the names of `world.c` away.
    pub fn lose_names(&self) {
        File::create(&self.names_down).unwrap();
    }

    /// Gives them back.
    pub fn heal_names(&self) {
        std::fs::remove_file(&self.names_down).unwrap();
    }

    /// Puts the wall clock so many seconds ahead of the machine's.
    pub fn step_clock(&self, seconds: i64) {
        let file = OpenOptions::new().write(true).open(&self.clock).unwrap();
        file.write_all_at(&seconds.to_ne_bytes(), 0).unwrap();
    }

    /// Has a run take place in it.
    pub fn around(&self, run: Jmeter) -> Jmeter {
        run.environment("LD_PRELOAD", &self.library)
            .environment("WORLD_NAMES_DOWN", &self.names_down)
            .environment("WORLD_CLOCK", &self.clock)
    }
}
