//! The terminal while a call has it: taken, lent to the shell, and given back whatever happens.

use std::{
    io,
    panic::{self, PanicHookInfo},
    sync::{
        Arc, Mutex, Once, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering::SeqCst},
    },
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

use ratatui::crossterm::{
    cursor::Show,
    event::{
        DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange, Event,
        KeyboardEnhancementFlags as Flags, PopKeyboardEnhancementFlags,
        PushKeyboardEnhancementFlags,
    },
    queue,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use rustix::process::{Signal, kill_current_process_group};

use super::log;
use crate::talk::panel::Panel;

/// What is taken of the terminal, and has to be given back.
static TAKEN: AtomicU8 = AtomicU8::new(0);
const RAW: u8 = 1;
const SCREEN: u8 = 2;
const KEYS: u8 = 4;
const REPORTS: u8 = 8;

/// Whose panic ends the interface.
static OWNER: Mutex<Option<ThreadId>> = Mutex::new(None);

/// How long the shell takes at most to stop this program.
const STOPPED: Duration = Duration::from_millis(300);

/// Gives the terminal back as it was, if it was taken. Whoever ends the program without unwinding calls this first.
pub(crate) fn give_back() {
    let taken = TAKEN.swap(0, SeqCst);
    if taken == 0 {
        return log::release();
    }
    let mut bytes = Vec::new();
    // Writing to a vector cannot fail.
    if taken & KEYS != 0 {
        _ = queue!(bytes, PopKeyboardEnhancementFlags);
    }
    if taken & REPORTS != 0 {
        _ = queue!(bytes, DisableFocusChange, DisableBracketedPaste);
    }
    if taken & SCREEN != 0 {
        _ = queue!(bytes, LeaveAlternateScreen, Show);
    }
    // The terminal may be gone; and who panics may hold the lock of standard output.
    _ = write(&bytes);
    if taken & RAW != 0 {
        _ = disable_raw_mode();
    }
    log::release();
}

/// Writes to standard output past its lock.
pub(super) fn write(mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(rustix::stdio::stdout(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The terminal, until this is dropped.
pub(super) struct Taken {
    /// The picture has a screen of its own.
    has_screen: bool,
    /// Keys come one by one, and are not shown.
    has_keys: bool,
    tells_releases: bool,
    panel: Arc<Panel>,
    continued: Arc<AtomicBool>,
}

impl Taken {
    /// Takes the terminal: keys one by one, and for a picture a screen of its own.
    ///
    /// # Errors
    /// The terminal is gone.
    pub(super) fn take(has_screen: bool, has_keys: bool, panel: Arc<Panel>) -> io::Result<Self> {
        static HOOK: Once = Once::new();
        HOOK.call_once(|| {
            let before = panic::take_hook();
            panic::set_hook(Box::new(move |panic| on_panic(panic, &before)));
        });
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread::current().id());
        let continued = Arc::<AtomicBool>::default();
        signal_hook::flag::register(signal_hook::consts::SIGCONT, Arc::clone(&continued))?;
        let taken = Self { has_screen, has_keys, tells_releases: false, panel, continued };
        taken.start()?;
        Ok(taken)
    }

    fn start(&self) -> io::Result<()> {
        log::hold(&self.panel);
        if self.has_keys {
            enable_raw_mode()?;
            TAKEN.fetch_or(RAW, SeqCst);
        }
        let mut bytes = Vec::new();
        if self.has_screen {
            queue!(bytes, EnterAlternateScreen)?;
            TAKEN.fetch_or(SCREEN, SeqCst);
        }
        if self.has_keys {
            queue!(bytes, EnableBracketedPaste, EnableFocusChange)?;
            TAKEN.fetch_or(REPORTS, SeqCst);
        }
        if self.tells_releases {
            queue!(bytes, PushKeyboardEnhancementFlags(flags(false)))?;
            TAKEN.fetch_or(KEYS, SeqCst);
        }
        write(&bytes)
    }

    /// From now on the terminal tells when keys are released: one that can.
    pub(super) fn tell_releases(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        queue!(bytes, PushKeyboardEnhancementFlags(flags(false)))?;
        TAKEN.fetch_or(KEYS, SeqCst);
        self.tells_releases = true;
        write(&bytes)
    }

    /// While a line `is_typed`, the terminal makes text of the keys, as an input method does; else it tells of each.
    pub(super) fn type_text(&self, is_typed: bool) -> io::Result<()> {
        if !self.tells_releases {
            return Ok(());
        }
        let mut bytes = Vec::new();
        queue!(bytes, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags(flags(is_typed)))?;
        write(&bytes)
    }

    /// Whether the program was stopped and goes on: the shell has had the terminal, which is taken again here.
    pub(super) fn was_continued(&self) -> io::Result<bool> {
        if !self.continued.swap(false, SeqCst) {
            return Ok(false);
        }
        give_back();
        self.start()?;
        Ok(true)
    }

    /// Lends the terminal to the shell until the program is continued.
    pub(super) fn lend(&self) -> io::Result<()> {
        give_back();
        self.continued.store(false, SeqCst);
        // All of the job, or the shell would wait for the rest of it.
        kill_current_process_group(Signal::TSTP)?;
        // The signal may reach another thread first. Where no shell could continue the program, it is not stopped.
        let since = Instant::now();
        while !self.continued.swap(false, SeqCst) && since.elapsed() < STOPPED {
            thread::sleep(Duration::from_millis(5));
        }
        self.start()
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        give_back();
        *OWNER.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn flags(is_typed: bool) -> Flags {
    match is_typed {
        true => Flags::DISAMBIGUATE_ESCAPE_CODES,
        false => {
            Flags::DISAMBIGUATE_ESCAPE_CODES
                | Flags::REPORT_EVENT_TYPES
                | Flags::REPORT_ALTERNATE_KEYS
                | Flags::REPORT_ALL_KEYS_AS_ESCAPE_CODES
        }
    }
}

/// A panic of the interface, or of the program, ends the picture. One of another thread does not: whoever waits for
/// that thread says what follows from it.
fn on_panic(panic: &PanicHookInfo<'_>, before: &dyn Fn(&PanicHookInfo<'_>)) {
    let current = thread::current();
    let is_owner = *OWNER.lock().unwrap_or_else(PoisonError::into_inner) == Some(current.id());
    if TAKEN.load(SeqCst) == 0 || is_owner || current.name() == Some("main") {
        give_back();
    } else {
        log::notice(format!("a part of the program failed: {panic}"), true);
    }
    before(panic);
}

/// Where keys come from.
pub(super) trait Keys {
    /// What was done within `timeout`: as soon as anything was.
    ///
    /// # Errors
    /// The terminal is gone.
    fn wait(&mut self, timeout: Duration) -> io::Result<Vec<Event>>;

    /// Whether the terminal can tell when keys are released.
    ///
    /// # Errors
    /// The terminal is gone.
    fn can_tell_releases(&mut self) -> io::Result<bool> {
        Ok(false)
    }
}

/// No keys at all.
pub(super) struct NoKeys;

impl Keys for NoKeys {
    fn wait(&mut self, timeout: Duration) -> io::Result<Vec<Event>> {
        thread::sleep(timeout);
        Ok(Vec::new())
    }
}
