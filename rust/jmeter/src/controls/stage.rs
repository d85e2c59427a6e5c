//! What the steps of controls take place in, for tests.

use super::Scene;
use super::once::Flights;
use engine::cancel::Cancel;
use engine::gates::gate::Gates;
use engine::tracing::files::TraceFiles;
use engine::watching::board::Board;

/// A test run's shared things, and one cancel for all steps.
#[derive(Default)]
pub struct Stage {
    pub gates: Gates,
    pub flights: Flights,
    pub traces: TraceFiles,
    pub board: Board,
    pub cancel: Cancel,
}

impl Stage {
    pub fn scene(&self) -> Scene<'_> {
        Scene {
            gates: &self.gates,
            flights: &self.flights,
            traces: &self.traces,
            board: &self.board,
            cancel: &self.cancel,
        }
    }
}
