//! The agent in this process: Duplex itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use duplex_audio::{Acoustics, MICROPHONE_FRAME, PLAYOUT_FRAME, Scene};
use duplex_runtime::{
    Call, CallError, CallOptions, Charges, Engine, Outcome, SessionStep, Stop, run_virtual,
};

use crate::{collect::Collector, observe::Observer, record::notices};

use super::{Agent, AgentError, AgentReport, Directions, ReportedLine, watch::Watch};

/// Runs calls with the engine of this process.
pub struct Local {
    name: String,
    engine: Arc<Engine>,
    options: Box<dyn Fn() -> CallOptions + Send + Sync>,
    charges: Option<Charges>,
    observes: bool,
}

impl Local {
    /// An agent called `name` that runs each call with the options that `options` returns: in real
    /// time, or, with `charges`, as a virtual call, as fast as the models allow.
    pub fn new(
        name: impl Into<String>,
        engine: Arc<Engine>,
        options: impl Fn() -> CallOptions + Send + Sync + 'static,
        charges: Option<Charges>,
    ) -> Self {
        Self { name: name.into(), engine, options: Box::new(options), charges, observes: false }
    }

    /// Keeps what the session observes of the user's sounds, for [`AgentReport::moments`].
    #[must_use]
    pub fn observing(self) -> Self {
        Self { observes: true, ..self }
    }
}

impl std::fmt::Debug for Local {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, engine, charges, observes, options: _ } = self;
        f.debug_struct("Local")
            .field("name", name)
            .field("engine", engine)
            .field("charges", charges)
            .field("observes", observes)
            .finish()
    }
}

impl Agent for Local {
    fn name(&self) -> String {
        match self.charges {
            Some(_) => format!("{} (virtual)", self.name),
            None => self.name.clone(),
        }
    }

    fn call(&self, room: Box<dyn Acoustics>, stop: &Stop) -> Result<AgentReport, AgentError> {
        self.directed(room, Directions::default(), stop)
    }

    fn directed(
        &self,
        room: Box<dyn Acoustics>,
        directions: Directions,
        stop: &Stop,
    ) -> Result<AgentReport, AgentError> {
        let watch = Arc::<Mutex<Watch>>::default();
        let room = Box::new(Watched { room, stop: stop.clone(), watch: Arc::clone(&watch) });
        let mut options = (self.options)();
        options.script.extend(directions.commands);
        options.journal = directions.journal.or(options.journal);
        // `stop` ends all of the caller's calls: a call that has ended by itself must not set it.
        let own = Stop::default();
        let collector = Collector::default();
        let moments = self.observes.then(|| Observer::new(options.policy.clone()));
        let observer = {
            let (collector, moments) = (collector.clone(), moments.clone());
            Box::new(move |seen: SessionStep<'_>| {
                collector.see(seen);
                if let Some(moments) = &moments {
                    moments.see(seen);
                }
            })
        };
        let outcome = match &self.charges {
            Some(charges) => run_virtual(&self.engine, room, options, charges, &own, observer),
            None => Call::start(Arc::clone(&self.engine), room, options, own, observer)
                .and_then(Call::join),
        };
        let Outcome { transcript, error, .. } = outcome.map_err(broken)?;
        if let Some(error) = error {
            return Err(broken(error));
        }
        let said =
            |line: duplex_core::Line| ReportedLine { speaker: line.speaker, text: line.text };
        let clock = match self.charges {
            Some(_) => super::Clock::default(),
            None => watch.lock().unwrap_or_else(PoisonError::into_inner).clock(),
        };
        Ok(AgentReport {
            transcript: transcript.into_iter().map(said).collect(),
            decisions: notices(&collector.collected()),
            clock,
            moments: moments.map(|moments| moments.take()).unwrap_or_default(),
        })
    }
}

fn broken(error: CallError) -> AgentError {
    AgentError::Broken(error.to_string())
}

/// A room that measures when its frames come, and that ends the call once `stop` is set.
struct Watched {
    room: Box<dyn Acoustics>,
    stop: Stop,
    watch: Arc<Mutex<Watch>>,
}

impl Acoustics for Watched {
    fn exchange(
        &mut self,
        playout: &[f32; PLAYOUT_FRAME],
        microphone: &mut [f32; MICROPHONE_FRAME],
    ) -> Scene {
        // Uncontended: the other handle is used only once the call has ended.
        self.watch.lock().unwrap_or_else(PoisonError::into_inner).frame(Instant::now());
        match self.room.exchange(playout, microphone) {
            Scene::Running if self.stop.is_stopped() => Scene::Over,
            scene => scene,
        }
    }
}
