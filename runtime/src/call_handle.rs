//! What steers a live call from outside.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use duplex_core::{Command, CommandId, Refusal};

use crate::inbox::Inbox;

/// Why a command did not reach a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No call could carry it out.
    #[error("{0}")]
    Refused(Refusal),
    /// The session has too much to do. It may be sent again.
    #[error("the call has too much to do: send the command again")]
    Busy,
    /// The call is over.
    #[error("the call is over")]
    Over,
}

/// Steers a call, from any thread. Clones steer the same call, which may be over.
#[derive(Clone)]
pub struct CallHandle {
    inbox: Inbox,
    sent: Arc<AtomicU32>,
}

impl CallHandle {
    /// Of a call with so many commands of its own.
    pub(crate) fn new(inbox: Inbox, commands: u32) -> Self {
        Self { inbox, sent: Arc::new(AtomicU32::new(commands)) }
    }

    /// Sends a command without waiting, and gives its number. It is carried out with the session's next step; whether it
    /// was refused there is told by [`ConversationEvent::Refused`](duplex_core::ConversationEvent::Refused).
    ///
    /// # Errors
    /// The command did not reach the call; nothing of it is done.
    pub fn send(&self, command: Command) -> Result<CommandId, CommandError> {
        command.check().map_err(CommandError::Refused)?;
        let id = CommandId(self.sent.fetch_add(1, Relaxed).wrapping_add(1));
        self.inbox.command(id, command)?;
        Ok(id)
    }
}

impl std::fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallHandle").field("sent", &self.sent).finish_non_exhaustive()
    }
}
