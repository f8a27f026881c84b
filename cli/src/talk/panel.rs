//! What the parts of a running `duplex talk` tell each other: the sound and the call tell the interface how things
//! stand ([`Panel`]), and whoever has a key, a socket or a signal asks for something ([`Wish`]).

use std::{
    collections::VecDeque,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    },
};

/// Something that the person at the terminal asks for, by key, by `duplex ctl` or by a signal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    /// Mute the microphone, or open it again.
    ToggleMute,
    /// Mute the microphone, or open it.
    Mute(bool),
    /// Push-to-talk, down (`true`) or up.
    Press(bool),
    /// Stop the reply that is spoken or prepared.
    Stop,
    /// Take this as if it had been said.
    Text(String),
    /// The assistant is to say exactly this.
    Say(String),
    /// Say the last reply again.
    Again,
    /// Save what was said so far.
    Save,
    /// Change the assistant's volume by so many dB.
    Volume(i32),
    /// Change the assistant's pace by so many thousandths of its own.
    Speed(i32),
    /// Take the next microphone, or the next loudspeaker, of those that there are.
    NextMicrophone,
    /// As [`NextMicrophone`](Self::NextMicrophone).
    NextLoudspeaker,
    /// End the call.
    Quit,
}

/// A device in use, as people know it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeviceLine {
    /// Its name; none while there is no device.
    pub(crate) name: Option<String>,
    /// Rate, channels and format, as in `48000 Hz, 2 channels, f32`.
    pub(crate) format: String,
}

/// A moment at which something happened that is no part of the conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    /// Milliseconds since the call began.
    pub(crate) at_ms: u64,
    /// What, in plain words.
    pub(crate) text: String,
    /// Something is wrong, and did not mend itself yet.
    pub(crate) is_warning: bool,
}

/// How things stand. Written by the sound, the call and the recorder; read by the interface. Nothing here is touched
/// in a device's callback but the atomics.
#[derive(Debug)]
pub(crate) struct Panel {
    /// Time of the call, in ms.
    pub(crate) clock: AtomicU64,
    /// Level of the microphone, in dBFS, as the bits of an `f32`.
    microphone_db: AtomicU32,
    /// Level of the loudspeaker, in dBFS, as the bits of an `f32`.
    loudspeaker_db: AtomicU32,
    /// Whether the call is recorded.
    pub(crate) is_recording: AtomicBool,
    /// Whether the assistant sleeps until it hears its phrase.
    pub(crate) is_asleep: AtomicBool,
    /// Times that the loudspeaker had nothing in the middle of a word, and that sound of the microphone was lost.
    pub(crate) underruns: AtomicU64,
    /// As [`underruns`](Self::underruns).
    pub(crate) overruns: AtomicU64,
    /// Nobody looks at it: what is to be said goes into the log.
    is_logged: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    microphone: DeviceLine,
    loudspeaker: DeviceLine,
    /// The volume of the assistant, in dB, and its pace, in thousandths.
    volume_db: i32,
    speed: u16,
    notices: VecDeque<Notice>,
}

impl Panel {
    /// Before the call.
    pub(crate) fn new() -> Self {
        let silent = f32::NEG_INFINITY.to_bits();
        Self {
            clock: AtomicU64::new(0),
            microphone_db: AtomicU32::new(silent),
            loudspeaker_db: AtomicU32::new(silent),
            is_recording: AtomicBool::new(false),
            is_asleep: AtomicBool::new(false),
            underruns: AtomicU64::new(0),
            overruns: AtomicU64::new(0),
            is_logged: false,
            state: Mutex::new(State { speed: 1000, ..State::default() }),
        }
    }

    /// Before a call that is shown to a program: what it is told besides the stream of events is in the log.
    pub(crate) fn logged() -> Self {
        Self { is_logged: true, ..Self::new() }
    }

    /// Levels of microphone and loudspeaker, in dBFS; negative infinity is silence.
    pub(crate) fn levels(&self) -> (f32, f32) {
        let level = |bits: &AtomicU32| f32::from_bits(bits.load(Relaxed));
        (level(&self.microphone_db), level(&self.loudspeaker_db))
    }

    /// Takes the newest levels, in dBFS.
    pub(crate) fn set_levels(&self, microphone: f32, loudspeaker: f32) {
        self.microphone_db.store(microphone.to_bits(), Relaxed);
        self.loudspeaker_db.store(loudspeaker.to_bits(), Relaxed);
    }

    /// The devices in use: microphone and loudspeaker.
    pub(crate) fn devices(&self) -> (DeviceLine, DeviceLine) {
        let state = self.state();
        (state.microphone.clone(), state.loudspeaker.clone())
    }

    /// Takes the microphone in use.
    pub(crate) fn set_microphone(&self, device: DeviceLine) {
        self.state().microphone = device;
    }

    /// Takes the loudspeaker in use.
    pub(crate) fn set_loudspeaker(&self, device: DeviceLine) {
        self.state().loudspeaker = device;
    }

    /// Volume in dB, and pace in thousandths.
    pub(crate) fn voice(&self) -> (i32, u16) {
        let state = self.state();
        (state.volume_db, state.speed)
    }

    /// Takes volume in dB, and pace in thousandths.
    pub(crate) fn set_voice(&self, volume_db: i32, speed: u16) {
        let mut state = self.state();
        (state.volume_db, state.speed) = (volume_db, speed);
    }

    /// Says something that is no part of the conversation.
    pub(crate) fn notice(&self, text: impl Into<String>, is_warning: bool) {
        if self.is_logged {
            let text = text.into();
            if is_warning {
                tracing::warn!("{text}");
            } else {
                tracing::info!("{text}");
            }
            return;
        }
        let at_ms = self.clock.load(Relaxed);
        self.state().notices.push_back(Notice { at_ms, text: text.into(), is_warning });
    }

    /// What was said since this was last asked.
    pub(crate) fn take_notices(&self) -> Vec<Notice> {
        self.state().notices.drain(..).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
