//! Small pictures as SVG: lines, steps, points and bars over two axes ([`Chart`]), and lines of bars one below the other ([`Rows`]).
//!
//! Here live axes, colours and how much of a picture its letters may take. Not here: what is worth drawing, and the page around it.
//!
//! Numbers in, text out: no file, no font, no window. A picture names its fonts and leaves them to whoever shows it. It is drawn in a
//! few colours of one palette, so a page can turn it dark by a few rules of CSS ([`dark_rules`]), which a picture of its own
//! ([`Picture::document`]) carries with it. However many values there are, a picture stays small: what falls on one spot is drawn once.
//!
//! ```
//! use charts::{Axis, Chart, Series, Tone};
//!
//! let connected = [(0.0, 0.0), (0.2, 1.0), (1.4, 2.0)];
//! let picture = Chart::new("Two users")
//!     .across(Axis::linear("seconds"))
//!     .up(Axis::linear("users connected"))
//!     .with(Series::steps("connected", Tone::Blue, connected))
//!     .level(2.0, "all 2 users")
//!     .draw();
//! assert!(picture.document().starts_with("<svg"));
//! ```

mod axis;
mod chart;
mod paper;
mod rows;
mod tone;

pub use axis::{Axis, duration, number};
pub use chart::{Chart, Series};
pub use paper::Picture;
pub use rows::{Bar, Rows};
pub use tone::{Tone, dark_rules};
