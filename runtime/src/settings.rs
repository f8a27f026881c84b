//! What is a call's own.

use std::sync::Arc;

/// What the models are told of a call.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// What the reply model is told about its task.
    pub(crate) instructions: Arc<str>,
}
