//! The thread that keeps a microphone and a loudspeaker open.

use std::{
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    DeviceInfo, OpenError, Side, SideMeter, StreamFormat, Wanted,
    stream::{self, Home, Open, Opening, Trouble},
};
use crate::{
    call_audio::{CallAudio, LoudspeakerEnd, MicrophoneEnd, Volume},
    units::{FRAME_MILLIS, PLAYOUT_FRAME},
};

/// How often it is looked how the devices are.
const LOOK: Duration = Duration::from_millis(FRAME_MILLIS);

/// A device that gives or takes nothing for this long is lost.
const STALLED: Duration = Duration::from_millis(800);

/// The first callback may take longer.
const FIRST: Duration = Duration::from_millis(3_000);

/// Time between two tries to open a device.
const RETRY: Duration = Duration::from_millis(400);

/// How often it is looked whether the device that is wanted has come back, or the system has another default.
const COMPARE: Duration = Duration::from_millis(1_000);

/// How long an end of the call may take to come back from a callback that was dropped.
const RETURN: Duration = Duration::from_millis(200);

/// The most blocks that a side without a device moves at once.
const MOST_BLOCKS: u64 = 50;

/// Something that happened to a device. Nothing of it is an error of the call: the devices mend it by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceNews {
    /// A device is in use from now on.
    Opened {
        /// The side.
        side: Side,
        /// Its name.
        name: String,
        /// How its samples come.
        format: StreamFormat,
        /// Another one was wanted and is not there.
        instead_of: Option<String>,
    },
    /// The device is gone, or gives nothing.
    Lost {
        /// The side.
        side: Side,
        /// Its name.
        name: String,
        /// What the system says.
        why: String,
    },
    /// There is none to take its place now; it is looked for.
    Missing {
        /// The side.
        side: Side,
        /// Why there is none.
        why: OpenError,
    },
    /// A device that was chosen cannot be used; the one before stays.
    Refused {
        /// The side.
        side: Side,
        /// Why.
        why: OpenError,
    },
}

enum Message {
    Choose(Side, Wanted),
    Next(Side),
    Close,
}

/// A microphone and a loudspeaker that are kept open. See the [module documentation](super). Dropping it closes both,
/// and with them the call.
pub struct Devices {
    messages: Sender<Message>,
    thread: Option<JoinHandle<()>>,
    microphone: Arc<SideMeter>,
    loudspeaker: Arc<SideMeter>,
    volume: Volume,
}

impl Devices {
    /// Opens both sides. `audio` is of a call on a device like [`CALL_FORMAT`](super::CALL_FORMAT); `news` is called on
    /// the devices' own thread.
    ///
    /// # Errors
    /// [`OpenError`], if one of them cannot be opened, or the system has no thread. What is lost later is no error: it
    /// is looked for.
    pub fn open(
        audio: CallAudio,
        microphone: Wanted,
        loudspeaker: Wanted,
        news: impl FnMut(DeviceNews) + Send + 'static,
    ) -> Result<Self, OpenError> {
        let CallAudio { microphone: microphone_end, loudspeaker: loudspeaker_end } = audio;
        let volume = loudspeaker_end.volume();
        let mut microphone =
            Kept::new(Side::Microphone, microphone, microphone_end, stream::microphone);
        let mut loudspeaker =
            Kept::new(Side::Loudspeaker, loudspeaker, loudspeaker_end, stream::loudspeaker);
        let meters = [Arc::clone(&microphone.meter), Arc::clone(&loudspeaker.meter)];
        let (messages, received) = channel();
        let (opened, first) = channel();
        // The streams of some systems cannot be moved to another thread: they are opened on the one that keeps them.
        let keep = move || {
            let (trouble, troubles) = channel();
            let mut system = System { host: None, id: None, trouble, news: Box::new(news) };
            let first = loudspeaker.start(&mut system).and_then(|()| microphone.start(&mut system));
            let is_open = first.is_ok();
            if opened.send(first).is_ok() && is_open {
                keep_open(&mut system, (&mut microphone, &mut loudspeaker), &received, &troubles);
            }
        };
        let spawned = std::thread::Builder::new().name("devices".to_owned()).spawn(keep);
        let thread = spawned.map_err(|error| OpenError::System(error.to_string()))?;
        let died = || OpenError::System("opening it panicked".to_owned());
        first.recv().unwrap_or_else(|_| Err(died()))?;
        let [microphone, loudspeaker] = meters;
        Ok(Self { messages, thread: Some(thread), microphone, loudspeaker, volume })
    }

    /// What a side shows.
    pub fn meter(&self, side: Side) -> &SideMeter {
        match side {
            Side::Microphone => &self.microphone,
            Side::Loudspeaker => &self.loudspeaker,
        }
    }

    /// The loudspeaker's volume.
    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    /// Takes another device from now on. Where it cannot be had, the one in use stays ([`DeviceNews::Refused`]).
    pub fn choose(&self, side: Side, wanted: Wanted) {
        _ = self.messages.send(Message::Choose(side, wanted));
    }

    /// Takes the next device of those that there are.
    pub fn choose_next(&self, side: Side) {
        _ = self.messages.send(Message::Next(side));
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        _ = self.messages.send(Message::Close);
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// The system's sound.
struct System {
    host: Option<cpal::Host>,
    /// The first that was reached; no other is taken for it while it is gone.
    id: Option<cpal::HostId>,
    trouble: Sender<Trouble>,
    news: Box<dyn FnMut(DeviceNews) + Send>,
}

impl System {
    fn host(&mut self) -> Result<&cpal::Host, OpenError> {
        let host = match self.host.take() {
            Some(host) => host,
            None => stream::host(self.id)?,
        };
        self.id = Some(host.id());
        Ok(self.host.insert(host))
    }

    fn tell(&mut self, news: DeviceNews) {
        (self.news)(news);
    }
}

/// Keeps both sides open until it is told to close them.
fn keep_open(
    system: &mut System,
    sides: (&mut Kept<MicrophoneEnd>, &mut Kept<LoudspeakerEnd>),
    messages: &Receiver<Message>,
    troubles: &Receiver<Trouble>,
) {
    let (microphone, loudspeaker) = sides;
    let (mut recorded, mut played) = (Pace::default(), Pace::default());
    loop {
        match messages.recv_timeout(LOOK) {
            Ok(Message::Choose(Side::Microphone, wanted)) => microphone.choose(system, wanted),
            Ok(Message::Choose(Side::Loudspeaker, wanted)) => loudspeaker.choose(system, wanted),
            Ok(Message::Next(Side::Microphone)) => microphone.choose_next(system),
            Ok(Message::Next(Side::Loudspeaker)) => loudspeaker.choose_next(system),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => break,
        }
        while let Ok(trouble) = troubles.try_recv() {
            match trouble.side {
                Side::Microphone => microphone.trouble(system, &trouble),
                Side::Loudspeaker => loudspeaker.trouble(system, &trouble),
            }
        }
        microphone.look(system);
        loudspeaker.look(system);
        // The microphone is the call's clock: without one, it goes on with silence.
        if microphone.open.is_none() {
            let end = microphone.home.end(Duration::ZERO);
            recorded.go_on(end, |end| end.record(&[0.0; PLAYOUT_FRAME]));
        } else {
            recorded = Pace::default();
        }
        // Whoever wants no loudspeaker reads: what is said to them counts as heard. One that is lost plays nothing.
        if loudspeaker.open.is_none() && loudspeaker.wanted == Wanted::Nothing {
            let end = loudspeaker.home.end(Duration::ZERO);
            played.go_on(end, |end| end.play(&mut [0.0; PLAYOUT_FRAME]));
        } else {
            played = Pace::default();
        }
    }
    // The ends come home first, and are dropped with it: the call is over whatever becomes of the streams.
    microphone.close();
    loudspeaker.close();
}

/// The clock of a side that has no device.
#[derive(Default)]
struct Pace {
    /// Since when, and how many blocks were due by then.
    since: Option<(Instant, u64)>,
}

impl Pace {
    /// Moves the blocks that are due by now.
    fn go_on<E>(&mut self, end: Option<&mut E>, mut block: impl FnMut(&mut E)) {
        let Some(end) = end else { return };
        let (since, given) = self.since.get_or_insert_with(|| (Instant::now(), 0));
        let due = since.elapsed().as_millis() as u64 / FRAME_MILLIS;
        // After a long time in which nobody looked, as on a machine that slept, not all of it is made up for.
        for _ in 0..due.saturating_sub(*given).min(MOST_BLOCKS) {
            block(end);
        }
        *given = due;
    }
}

/// A side, and the device that it has.
struct Kept<E> {
    side: Side,
    wanted: Wanted,
    open_on: OpenOn<E>,
    home: Home<E>,
    meter: Arc<SideMeter>,
    open: Option<Running>,
    /// Streams opened so far.
    number: u64,
    /// No device is looked for before this.
    not_before: Instant,
    /// It was said that there is none.
    is_missed: bool,
}

type OpenOn<E> = fn(&Opening<'_>, &mut Home<E>) -> Result<Open, OpenError>;

struct Running {
    open: Open,
    since: Instant,
    /// Samples of the side by then, and when they last became more.
    samples: u64,
    grew: Option<Instant>,
    /// When it was last compared with what is wanted.
    compared: Instant,
    /// It stands in for another.
    is_instead: bool,
}

impl<E: Send + 'static> Kept<E> {
    fn new(side: Side, wanted: Wanted, end: E, open_on: OpenOn<E>) -> Self {
        Self {
            side,
            wanted,
            open_on,
            home: Home::new(end),
            meter: Arc::default(),
            open: None,
            number: 0,
            not_before: Instant::now(),
            is_missed: false,
        }
    }

    /// Opens what is wanted, and nothing else.
    fn start(&mut self, system: &mut System) -> Result<(), OpenError> {
        let wanted = self.wanted.clone();
        if let Some(open) = self.open_device(system, &wanted)? {
            self.run(system, open, None);
        }
        Ok(())
    }

    fn open_device(
        &mut self,
        system: &mut System,
        wanted: &Wanted,
    ) -> Result<Option<Open>, OpenError> {
        if *wanted == Wanted::Nothing {
            return Ok(None);
        }
        let trouble = system.trouble.clone();
        let Some(device) = stream::find(system.host()?, self.side, wanted)? else {
            return Ok(None);
        };
        self.number += 1;
        let (side, number, meter) = (self.side, self.number, Arc::clone(&self.meter));
        let opening = Opening { side, device: &device, number, meter, trouble };
        (self.open_on)(&opening, &mut self.home).map(Some)
    }

    fn run(&mut self, system: &mut System, open: Open, instead_of: Option<String>) {
        let now = Instant::now();
        let (side, name, format) = (self.side, open.name.clone(), open.format.clone());
        let samples = self.meter.samples.load(Relaxed);
        let is_instead = instead_of.is_some();
        self.open =
            Some(Running { open, since: now, samples, grew: None, compared: now, is_instead });
        self.is_missed = false;
        system.tell(DeviceNews::Opened { side, name, format, instead_of });
    }

    /// Takes in what the stream in use says of itself.
    fn trouble(&mut self, system: &mut System, trouble: &Trouble) {
        if trouble.number == self.number {
            self.lose(system, &trouble.why);
        }
    }

    fn lose(&mut self, system: &mut System, why: &str) {
        let Some(name) = self.close() else { return };
        // A server that was restarted is reached anew.
        system.host = None;
        system.tell(DeviceNews::Lost { side: self.side, name, why: why.to_owned() });
    }

    /// Ends the stream, so that the call's end comes back. Gives its name.
    fn close(&mut self) -> Option<String> {
        let open = self.open.take()?.open;
        self.not_before = Instant::now();
        _ = self.home.end(RETURN);
        Some(open.name.clone())
    }

    fn look(&mut self, system: &mut System) {
        let now = Instant::now();
        match &mut self.open {
            Some(running) => {
                let samples = self.meter.samples.load(Relaxed);
                if samples != running.samples {
                    (running.samples, running.grew) = (samples, Some(now));
                }
                let quiet = now.duration_since(running.grew.unwrap_or(running.since));
                if quiet > if running.grew.is_some() { STALLED } else { FIRST } {
                    self.lose(system, "it gives nothing any more");
                } else if now.duration_since(running.compared) > COMPARE {
                    running.compared = now;
                    self.compare(system);
                }
            }
            None if self.wanted != Wanted::Nothing && now >= self.not_before => self.search(system),
            None => {}
        }
    }

    /// Goes back to the device that is wanted, where it is there again.
    fn compare(&mut self, system: &mut System) {
        let Some(running) = &self.open else { return };
        // To list all devices is no small matter for some systems: it is done for one that is missed.
        if !running.is_instead && self.wanted != Wanted::Default {
            return;
        }
        let Ok(host) = system.host() else { return };
        let Ok(Some(device)) = stream::find(host, self.side, &self.wanted) else { return };
        if stream::id_of(&device) != running.open.id {
            self.close();
            self.search(system);
        }
    }

    /// Opens what is wanted, or else the system's default.
    fn search(&mut self, system: &mut System) {
        let wanted = self.wanted.clone();
        let mut found = self.open_device(system, &wanted);
        let mut instead_of = None;
        if let (Err(_), Wanted::Named(name)) = (&found, &wanted) {
            let default = self.open_device(system, &Wanted::Default);
            if default.is_ok() {
                (found, instead_of) = (default, Some(name.clone()));
            }
        }
        match found {
            Ok(Some(open)) => self.run(system, open, instead_of),
            Ok(None) => {}
            Err(why) => {
                system.host = None;
                self.not_before = Instant::now() + RETRY;
                if !self.is_missed {
                    self.is_missed = true;
                    system.tell(DeviceNews::Missing { side: self.side, why });
                }
            }
        }
    }

    /// Changes to another device, if it can be had.
    fn choose(&mut self, system: &mut System, wanted: Wanted) {
        let side = self.side;
        let before = std::mem::replace(&mut self.wanted, wanted.clone());
        self.close();
        match self.open_device(system, &wanted) {
            Ok(Some(open)) => self.run(system, open, None),
            Ok(None) => {}
            Err(why) => {
                system.tell(DeviceNews::Refused { side, why });
                self.wanted = before;
                self.search(system);
            }
        }
    }

    fn choose_next(&mut self, system: &mut System) {
        let side = self.side;
        let all = system.host().and_then(|host| stream::candidates(host, side));
        let usable = |it: &DeviceInfo| !it.is_monitor;
        let all: Vec<_> = all.unwrap_or_default().into_iter().map(|it| it.info).collect();
        let all: Vec<_> = all.into_iter().filter(usable).collect();
        let now = self.open.as_ref().map(|running| running.open.id.as_str());
        let place = all.iter().position(|it| Some(it.id.as_str()) == now);
        let next = place.map_or(0, |place| (place + 1) % all.len());
        match all.get(next) {
            Some(next) if Some(next.id.as_str()) != now => {
                self.choose(system, Wanted::Named(next.id.clone()));
            }
            Some(_) | None => {
                system.tell(DeviceNews::Refused { side, why: OpenError::NoOther(side) });
            }
        }
    }
}
