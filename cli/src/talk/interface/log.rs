//! What would be written over the picture: it waits, and is a notice where it is a warning.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal as _, PipeReader, PipeWriter, Read as _, Write as _},
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::layer::{Context, Layer};

use crate::talk::panel::Panel;

/// Of what others write meanwhile the last bytes are kept, so many.
const KEPT: usize = 64 * 1024;

/// A byte that nobody writes in a text.
const MARK: u8 = 0;
/// How long what was written takes at most until it is kept.
const PATIENCE: Duration = Duration::from_millis(200);

static PICTURE: Mutex<Option<Picture>> = Mutex::new(None);

/// What stands in for the log while there is a picture.
struct Picture {
    panel: Arc<Panel>,
    /// Standard error, where it is the terminal: libraries and child processes write to it as they like.
    held: Option<Held>,
}

struct Held {
    real: OwnedFd,
    writer: PipeWriter,
    written: Arc<Mutex<Vec<u8>>>,
    /// Says that all is kept that was written before [`MARK`].
    marked: Receiver<()>,
}

/// From now on warnings are notices, and what is written to standard error waits where it would destroy the picture.
pub(super) fn hold(panel: &Arc<Panel>) {
    let held = io::stderr().is_terminal().then(Held::start).and_then(Result::ok);
    *picture() = Some(Picture { panel: Arc::clone(panel), held });
}

/// Ends what [`hold`] began. What waited is written now.
pub(super) fn release() {
    let held = picture().take().and_then(|picture| picture.held);
    let Some(Held { real, mut writer, written, marked }) = held else { return };
    if rustix::stdio::dup2_stderr(&real).is_ok() {
        if writer.write_all(&[MARK]).is_ok() {
            _ = marked.recv_timeout(PATIENCE);
        }
        let written = std::mem::take(&mut *lock(&written));
        // With the terminal gone nobody can see it.
        _ = io::stderr().write_all(&written);
    }
}

/// Says something on the picture.
pub(super) fn notice(text: String, is_warning: bool) {
    let panel = picture().as_ref().map(|picture| Arc::clone(&picture.panel));
    if let Some(panel) = panel {
        panel.notice(text, is_warning);
    }
}

fn picture() -> MutexGuard<'static, Option<Picture>> {
    lock(&PICTURE)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    fn start() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let real = rustix::io::dup(rustix::stdio::stderr())?;
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let keeper = Arc::clone(&written);
        let (mark, marked) = channel();
        // It ends with the last writer.
        let keep = move || keep(reader, &keeper, &mark);
        thread::Builder::new().name("stderr".to_owned()).spawn(keep)?;
        rustix::stdio::dup2_stderr(&writer)?;
        Ok(Self { real, writer, written, marked })
    }
}

fn keep(mut reader: PipeReader, written: &Mutex<Vec<u8>>, mark: &Sender<()>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = reader.read(&mut buffer) {
        let mut written = lock(written);
        written.extend(buffer[..read].iter().filter(|&&byte| byte != MARK));
        let more = written.len().saturating_sub(KEPT);
        written.drain(..more);
        if buffer[..read].contains(&MARK) {
            // Nobody waits for it any more where it came late.
            _ = mark.send(());
        }
    }
}

/// Makes notices of warnings while there is a picture.
pub(crate) struct Notices;

impl<S: Subscriber> Layer<S> for Notices {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= Level::WARN && picture().is_some() {
            let mut words = Words::default();
            event.record(&mut words);
            notice(words.0, true);
        }
    }
}

/// An event in words: its message, and the fields after it.
#[derive(Default)]
struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A string takes whatever is written to it.
        _ = match field.name() {
            "message" => {
                let rest = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{rest}")
            }
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::*;

    #[test]
    fn a_warning_is_a_notice_while_there_is_a_picture() {
        let panel = Arc::new(Panel::new());
        *picture() = Some(Picture { panel: Arc::clone(&panel), held: None });
        let subscriber = tracing_subscriber::registry().with(Notices);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(tries = 3, "the server does not answer");
            tracing::info!("not for people");
        });
        *picture() = None;
        let notices = panel.take_notices();
        assert_eq!(notices.len(), 1);
        assert_eq!(notices[0].text, "the server does not answer tries=3");
        assert!(notices[0].is_warning);
    }
}
