//! What is a call's own.

use std::sync::Arc;

/// What the models are told of a call.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What the reply model is told about its task.
    pub(crate) instructions: Arc<str>,
    /// How fast the assistant speaks, relative to the voice's own pace.
    pub(crate) speed: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { instructions: Arc::default(), speed: 1.0 }
    }
}
