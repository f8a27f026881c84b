//! The weights of turn-taking: fitted to what was observed of scripted users.
//!
//! [`Table::read`] takes tables as `duplex test --observations` writes them, [`fit()`] makes
//! [`Weights`](duplex_core::Weights) of their `dev` rows, [`Report`] says how good they are on phrases and voices that
//! were left out, and what each feature is worth. [`source`] writes the weights as `duplex-core` holds them. The same
//! tables give the same weights, byte for byte.

mod fit;
mod logistic;
mod report;
mod table;

pub use fit::{Options, fit, source};
pub use report::{Report, page};
pub use table::{Row, Table, TableError};
