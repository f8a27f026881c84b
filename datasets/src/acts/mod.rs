//! The classifier of wording ([`Wording`](duplex_core::words::Wording)): fitted to the phrasings of
//! `datasets/text/acts.toml`.
//!
//! [`Phrasings::read`] takes the file, [`fit()`] makes the table that `duplex-core` holds, [`Report`] says how good it
//! is on groups of phrasings that were left out. The same file gives the same table, byte for byte.

mod fit;
mod phrasings;
mod report;
mod sparse;

pub use fit::fit;
pub use phrasings::{Phrasings, PhrasingsError};
pub use report::Report;
