//! The model store: which models there are, where they are stored, and how they are downloaded and checked.
//!
//! [`Store`] is the principal type: a folder of models. It knows the models of the built-in [`Manifest`] by name,
//! downloads them with pip, and accepts any other single file by its path or its URL ([`ModelSource`]). A file appears
//! in the store complete and checked, or not at all: everything is made next to its final place and then renamed.
//!
//! Nothing here loads a model, keeps a thread, or prints: the caller of a pull passes a [`Progress`].

mod convert;
mod digest;
mod error;
mod fetch;
mod files;
mod http;
mod manifest;
mod pip;
mod progress;
mod source;
mod store;

pub use convert::ConvertError;
pub use digest::Sha256;
pub use error::Error;
pub use manifest::{Conversion, Convert, Manifest, Member, Model, ModelFile, Role, Wheel};
pub use progress::{Progress, Silent, Stage};
pub use source::{ModelSource, SourceError};
pub use store::{Pulled, Status, Store};

#[cfg(test)]
mod tests;
