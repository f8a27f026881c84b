//! A call on this computer's devices, from its beginning to its end.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use duplex_audio::device::{CALL_FORMAT, DeviceNews, Devices, Side, Wanted};
use duplex_core::{Command, ConversationEvent, SessionChange, Shown, UserKind};
use duplex_runtime::{
    Call, CallHandle, CallOptions, CommandError, Engine, EventWriter, Outcome, SessionStep, Stop,
};

use super::{
    choices::Choices,
    earlier,
    minutes::{Minutes, SavedLine},
    panel::{DeviceLine, Panel, Wish},
    wake::Wake,
};
use crate::failure::{Exit, Failure};
use crate::view::Said;

/// How often levels and the like are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Steps in which the volume is turned stay within this, in dB.
const VOLUMES: std::ops::RangeInclusive<i32> = -40..=12;

/// Pace, in thousandths of the voice's own.
const SPEEDS: std::ops::RangeInclusive<i32> = 500..=2000;

/// What a call is to be like.
pub(crate) struct Plan {
    pub(crate) microphone: Wanted,
    pub(crate) loudspeaker: Wanted,
    pub(crate) options: CallOptions,
    /// What was said before.
    pub(crate) earlier: Vec<SavedLine>,
    /// Where the conversation is saved when the call ends, without extension.
    pub(crate) transcript: Option<PathBuf>,
    /// Devices, volume and pace of the last call, to be remembered for the next.
    pub(crate) choices: Choices,
    /// The phrase that wakes the assistant, where it sleeps.
    pub(crate) wake: Option<Wake>,
}

/// The ends of what steers and shows a call.
pub(crate) struct Ends {
    /// What is asked for.
    pub(crate) wishes: Receiver<Wish>,
    /// How things stand.
    pub(crate) panel: Arc<Panel>,
    /// Who shows the conversation.
    pub(crate) events: EventWriter,
    pub(crate) stop: Stop,
}

/// What is kept of the conversation while it runs.
type Kept = Arc<Mutex<Minutes>>;

fn lock(minutes: &Kept) -> MutexGuard<'_, Minutes> {
    minutes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call that is over.
pub(crate) struct Held {
    pub(crate) outcome: Outcome,
    /// What was said.
    pub(crate) said: Vec<Said>,
    /// Where the conversation was saved, if anywhere.
    pub(crate) saved: Option<PathBuf>,
}

/// Holds a call until somebody ends it.
///
/// # Errors
/// The devices cannot be opened, or the call cannot begin.
pub(crate) fn hold(engine: &Arc<Engine>, plan: Plan, ends: Ends) -> Result<Held, Failure> {
    let Ends { wishes, panel, mut events, stop } = ends;
    let minutes: Kept = Arc::new(Mutex::new(Minutes::new(plan.earlier.clone())));
    let (seen, turns) = std::sync::mpsc::channel();
    let observer = {
        let (panel, minutes) = (Arc::clone(&panel), Arc::clone(&minutes));
        let is_waking = plan.wake.is_some();
        Box::new(move |step: SessionStep<'_>| {
            panel.clock.store(step.at.as_millis(), Relaxed);
            for event in step.conversation() {
                let shown = Shown::new(step.at, event.clone());
                lock(&minutes).see(&shown);
                if is_waking
                    && let ConversationEvent::UserTurn { text, kind: UserKind::Turn, .. } = event
                {
                    // Nobody hears it once the call ends.
                    _ = seen.send(text.clone());
                }
            }
            events.see(step);
        })
    };
    let (call, audio) =
        Call::on_device(Arc::clone(engine), CALL_FORMAT, plan.options, stop.clone(), observer)?;
    let handle = call.handle();
    for command in earlier::commands(&plan.earlier) {
        send(&handle, &panel, command);
    }
    let devices = {
        let panel = Arc::clone(&panel);
        let news = move |news| tell(&panel, news);
        Devices::open(audio, plan.microphone, plan.loudspeaker, news)?
    };
    let mut talk = Talk {
        handle,
        devices,
        panel,
        minutes,
        transcript: plan.transcript,
        choices: plan.choices,
        is_muted: false,
        chosen: (false, false),
        wake: plan.wake,
    };
    talk.begin();
    let call = std::thread::spawn(move || call.join());
    while !call.is_finished() {
        match wishes.recv_timeout(LOOK) {
            Ok(Wish::Quit) => stop.stop(),
            Ok(wish) => talk.grant(wish),
            Err(RecvTimeoutError::Timeout) => {}
            // Nobody is left who could wish anything; the call goes on until it is stopped.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(LOOK),
        }
        talk.look();
        for said in turns.try_iter() {
            talk.wake(Some(said.as_str()));
        }
        talk.wake(None);
    }
    let outcome = call.join().map_err(|_| Failure::new(Exit::Io, "the call's thread died"))??;
    let said = lock(&talk.minutes).said().to_vec();
    let saved = talk.end()?;
    Ok(Held { outcome, said, saved })
}

/// A running call, and what is asked of it.
struct Talk {
    handle: CallHandle,
    devices: Devices,
    panel: Arc<Panel>,
    minutes: Kept,
    transcript: Option<PathBuf>,
    choices: Choices,
    is_muted: bool,
    /// Whether another microphone, and another loudspeaker, was chosen by key: it is remembered.
    chosen: (bool, bool),
    wake: Option<Wake>,
}

impl Talk {
    fn begin(&mut self) {
        let volume = self.choices.volume_db;
        self.devices.volume().set_db(volume as f32);
        let speed = self.choices.speed.unwrap_or(1000);
        self.panel.set_voice(volume, speed);
        if let Some(wake) = &mut self.wake {
            let change = wake.sleep();
            self.panel.is_asleep.store(true, Relaxed);
            self.panel
                .notice(format!("asleep until you say \u{201c}{}\u{201d}", wake.phrase()), false);
            self.change(change);
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::ToggleMute => self.mute(!self.is_muted),
            Wish::Mute(mute) => self.mute(mute),
            Wish::Press(true) => self.send(Command::Press),
            Wish::Press(false) => self.send(Command::Release),
            Wish::Stop => self.send(Command::Cancel),
            Wish::Text(text) => self.send(Command::UserText(text)),
            Wish::Say(text) => self.send(Command::Say { text, interruptible: true }),
            Wish::Again => {
                let text = lock(&self.minutes).last_reply().to_owned();
                if text.is_empty() {
                    self.panel.notice("nothing was said yet", false);
                } else {
                    self.send(Command::Say { text, interruptible: true });
                }
            }
            Wish::Save => self.save(),
            Wish::Volume(by) => {
                let volume = (self.choices.volume_db + by).clamp(*VOLUMES.start(), *VOLUMES.end());
                self.choices.volume_db = volume;
                self.devices.volume().set_db(volume as f32);
                self.panel.set_voice(volume, self.panel.voice().1);
            }
            Wish::Speed(by) => {
                let now = i32::from(self.panel.voice().1);
                let speed = (now + by).clamp(*SPEEDS.start(), *SPEEDS.end()) as u16;
                self.choices.speed = Some(speed);
                self.panel.set_voice(self.choices.volume_db, speed);
                self.change(SessionChange { speed: Some(speed), ..SessionChange::default() });
            }
            Wish::NextMicrophone => {
                self.chosen.0 = true;
                self.devices.choose_next(Side::Microphone);
            }
            Wish::NextLoudspeaker => {
                self.chosen.1 = true;
                self.devices.choose_next(Side::Loudspeaker);
            }
            Wish::Quit => {}
        }
    }

    fn mute(&mut self, mute: bool) {
        self.is_muted = mute;
        self.send(if mute { Command::Mute } else { Command::Unmute });
    }

    fn change(&self, change: SessionChange) {
        self.send(Command::Configure(Box::new(change)));
    }

    fn send(&self, command: Command) {
        send(&self.handle, &self.panel, command);
    }

    /// Saves the conversation where it was asked to be, else beside where the program runs.
    fn save(&mut self) {
        let path = self.transcript.get_or_insert_with(|| {
            let now = chrono::Local::now().format("duplex-%Y-%m-%d-%H%M%S");
            PathBuf::from(now.to_string())
        });
        match lock(&self.minutes).save(path) {
            Ok(page) => self.panel.notice(format!("saved to {}", page.display()), false),
            Err(error) => {
                let text = format!("cannot save to {}: {error}", path.display());
                self.panel.notice(text, true);
            }
        }
    }

    fn look(&self) {
        let (microphone, loudspeaker) =
            (self.devices.meter(Side::Microphone), self.devices.meter(Side::Loudspeaker));
        self.panel.set_levels(microphone.level_db(), loudspeaker.level_db());
        self.panel.overruns.store(microphone.glitches(), Relaxed);
        self.panel.underruns.store(loudspeaker.glitches(), Relaxed);
    }

    /// Wakes the assistant, or lets it sleep again.
    fn wake(&mut self, said: Option<&str>) {
        let Some(wake) = &mut self.wake else { return };
        let Some(change) = wake.see(said, Instant::now()) else { return };
        let is_awake = wake.is_awake();
        let phrase = wake.phrase().to_owned();
        self.panel.is_asleep.store(!is_awake, Relaxed);
        self.change(change);
        if is_awake {
            self.send(Command::Respond);
            self.panel.notice("awake", false);
        } else {
            self.panel.notice(format!("asleep until you say \u{201c}{phrase}\u{201d}"), false);
        }
    }

    /// Keeps what is to be kept. Gives where the conversation was saved, if anywhere.
    fn end(mut self) -> Result<Option<PathBuf>, Failure> {
        let (microphone, loudspeaker) = self.panel.devices();
        if self.chosen.0 && microphone.name.is_some() {
            self.choices.microphone = microphone.name;
        }
        if self.chosen.1 && loudspeaker.name.is_some() {
            self.choices.loudspeaker = loudspeaker.name;
        }
        if let Err(error) = self.choices.store() {
            tracing::warn!("the devices cannot be remembered: {error}");
        }
        let minutes = lock(&self.minutes);
        let Some(path) = self.transcript.filter(|_| !minutes.said().is_empty()) else {
            return Ok(None);
        };
        let saved = minutes.save(&path).map_err(|error| {
            Failure::new(Exit::Io, format!("cannot save to {}: {error}", path.display()))
        })?;
        Ok(Some(saved))
    }
}

fn send(handle: &CallHandle, panel: &Panel, command: Command) {
    match handle.send(command) {
        // A call that is over has said so.
        Ok(_) | Err(CommandError::Over) => {}
        Err(error) => panel.notice(error.to_string(), true),
    }
}

/// Says what happened to a device.
fn tell(panel: &Panel, news: DeviceNews) {
    let set = |side, line| match side {
        Side::Microphone => panel.set_microphone(line),
        Side::Loudspeaker => panel.set_loudspeaker(line),
    };
    match news {
        DeviceNews::Opened { side, name, format, instead_of } => {
            let text = match instead_of {
                Some(wanted) => {
                    format!("the {side} `{wanted}` is not there; `{name}` takes its place")
                }
                None => format!("{side}: {name} ({format})"),
            };
            set(side, DeviceLine { name: Some(name), format: format.to_string() });
            panel.notice(text, false);
        }
        DeviceNews::Lost { side, name, why } => {
            set(side, DeviceLine::default());
            panel.notice(format!("the {side} `{name}` is lost: {why}"), true);
        }
        DeviceNews::Missing { side, why } => {
            set(side, DeviceLine::default());
            panel.notice(format!("{why}; waiting for a {side}"), true);
        }
        DeviceNews::Refused { side, why } => {
            panel.notice(format!("the {side} stays: {why}"), true);
        }
    }
}
