//! Holds many short calls with a server on this machine, two at once, and fails where it is not afterwards
//! what it was before: `cargo run --release -p duplex-harness --example thousand_calls -- ADDRESS:PORT
//! PROCESS CALLS`. `make soak WHAT=thousand-calls` starts the server. Reads `/proc`, so it needs Linux.

#![expect(clippy::print_stdout, reason = "this is a program")]

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use duplex_audio::{Clip, pcm};
use duplex_core::SAMPLE_RATE;
use tungstenite::{Error as SocketError, HandshakeError, Message, WebSocket, client::client};

type Error = Box<dyn std::error::Error + Send + Sync>;
type Socket = WebSocket<TcpStream>;

/// As many as the server takes.
const AT_ONCE: usize = 2;
/// Nothing that a call waits for takes longer, on any machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// Sound of a message.
const MESSAGE: Duration = Duration::from_millis(20);
/// Memory that may be kept for calls to come, such as what an allocator does not give back.
const MORE_KB: u64 = 32 << 10;
/// Threads and files that may be in use at one moment and not at another. What every call leaves is more.
const MORE_THREADS: u64 = 2;
const MORE_FILES: usize = 8;
/// How often the server is looked at.
const LOOKS: usize = 10;

/// How a call goes.
#[derive(Clone, Copy)]
enum Kind {
    /// Hangs up at once, as it should.
    Short,
    /// Is gone in the middle of a question, without a word.
    Vanishes,
    /// Hangs up when the question is asked.
    Asks,
    /// Hangs up when the answer begins.
    Hears,
}

const KINDS: [Kind; 6] =
    [Kind::Short, Kind::Vanishes, Kind::Asks, Kind::Short, Kind::Vanishes, Kind::Hears];

/// What the server takes, the processes that it has started included.
#[derive(Clone, Copy, Debug)]
struct Taken {
    memory_kb: u64,
    threads: u64,
    files: usize,
}

fn main() -> Result<(), Error> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, process, calls] = args.as_slice() else {
        return Err("the address, the process and the number of calls are needed".into());
    };
    let (address, process): (SocketAddr, u32) = (address.parse()?, process.parse()?);
    let each = calls.parse::<usize>()?.div_ceil(LOOKS).max(KINDS.len());
    if !address.ip().is_loopback() {
        return Err("only a server on this machine is called".into());
    }
    let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("speech/q03.flac");
    let question: Vec<i16> =
        Clip::read(clip)?.mono(SAMPLE_RATE).iter().map(|&sample| pcm::quantise(sample)).collect();
    until_ready(address)?;

    let began = Instant::now();
    hold(address, &question, each)?;
    let before = settled(process, None)?;
    println!("{each:>5} calls: {before:?}");
    let mut after = before;
    for look in 2..=LOOKS {
        hold(address, &question, each)?;
        after = settled(process, Some(before))?;
        println!("{:>5} calls: {after:?}", look * each);
    }
    // Every place is free again.
    let last = [(); AT_ONCE].map(|()| connect(address));
    last.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().try_for_each(bye)?;

    if after.leaves_more_than(&before) {
        return Err(format!("threads or files are left over: {before:?}, then {after:?}").into());
    }
    if after.memory_kb > before.memory_kb + MORE_KB {
        return Err(format!("the memory grows: {before:?}, then {after:?}").into());
    }
    println!(
        "{} calls in {} s, from {} to {} MB, {} threads",
        LOOKS * each,
        began.elapsed().as_secs(),
        before.memory_kb >> 10,
        after.memory_kb >> 10,
        after.threads
    );
    Ok(())
}

impl Taken {
    /// Whether threads or files of calls that have ended are left over.
    fn leaves_more_than(&self, before: &Self) -> bool {
        self.threads > before.threads + MORE_THREADS || self.files > before.files + MORE_FILES
    }
}

/// Holds so many calls, each kind in turn.
fn hold(address: SocketAddr, question: &[i16], count: usize) -> Result<(), Error> {
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        let worker = || -> Result<(), Error> {
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= count {
                    return Ok(());
                }
                call(address, question, KINDS[number % KINDS.len()])?;
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|worker| match worker.join() {
            Ok(result) => result,
            Err(_) => Err("a call panicked".into()),
        })
    })
}

fn call(address: SocketAddr, question: &[i16], kind: Kind) -> Result<(), Error> {
    let mut socket = connect(address)?;
    let message = (SAMPLE_RATE as usize / 1000) * MESSAGE.as_millis() as usize;
    let silence = vec![0; message];
    let said = match kind {
        Kind::Short => &silence[..],
        Kind::Vanishes => &question[..question.len() / 2],
        Kind::Asks | Kind::Hears => question,
    };
    let mut line = said.chunks(message);
    let began = Instant::now();
    for number in 1u32.. {
        let sound = match (line.next(), kind) {
            (Some(sound), _) => sound,
            (None, Kind::Hears) => &silence,
            (None, Kind::Vanishes) => return Ok(()),
            (None, Kind::Short | Kind::Asks) => break,
        };
        socket.send(Message::binary(pcm::encode(sound)))?;
        let until = began + MESSAGE * number;
        if is_answered(&mut socket, until)? && matches!(kind, Kind::Hears) {
            break;
        }
        if began.elapsed() > PATIENCE {
            return Err("a question was never answered".into());
        }
    }
    bye(socket)
}

/// Reads until a moment; whether sound came.
fn is_answered(socket: &mut Socket, until: Instant) -> Result<bool, Error> {
    let mut sound = false;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(sound);
        }
        socket.get_ref().set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match socket.read() {
            Ok(message) => sound |= message.is_binary(),
            Err(SocketError::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Hangs up, and waits until the server has, too.
fn bye(mut socket: Socket) -> Result<(), Error> {
    socket.get_ref().set_read_timeout(Some(PATIENCE))?;
    socket.close(None)?;
    loop {
        match socket.read() {
            Ok(_) => {}
            Err(SocketError::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                return Err("the server never hangs up".into());
            }
            Err(_) => return Ok(()),
        }
    }
}

/// A call, as soon as there is a place for one.
fn connect(address: SocketAddr) -> Result<Socket, Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        match client(format!("ws://{address}/v1/audio/stream?rate={SAMPLE_RATE}"), stream) {
            Ok((socket, _)) => return Ok(socket),
            Err(HandshakeError::Failure(SocketError::Http(answer)))
                if answer.status() == 503 && Instant::now() < until =>
            {
                thread::sleep(MESSAGE);
            }
            Err(error) => return Err(format!("no place is free: {error}").into()),
        }
    }
}

fn until_ready(address: SocketAddr) -> Result<(), Error> {
    let until = Instant::now() + PATIENCE;
    loop {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: duplex\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        if answer.starts_with("HTTP/1.1 200") {
            return Ok(());
        }
        if Instant::now() > until {
            return Err("the server is never ready".into());
        }
        thread::sleep(MESSAGE);
    }
}

/// What the server takes once its calls have ended: as much as before, or what it still takes after a
/// while.
fn settled(process: u32, before: Option<Taken>) -> Result<Taken, Error> {
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        let taken = taken(process)?;
        if before.is_some_and(|before| !taken.leaves_more_than(&before)) || Instant::now() > until {
            return Ok(taken);
        }
        thread::sleep(MESSAGE);
    }
}

fn taken(process: u32) -> Result<Taken, Error> {
    let mut taken = Taken { memory_kb: 0, threads: 0, files: 0 };
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        // A process may end while it is looked at.
        let Ok(status) = fs::read_to_string(path.join("status")) else { continue };
        let field = |name: &str| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let is_ours = [field("Pid:"), field("PPid:")].contains(&Some(process.into()));
        if is_ours && path.file_name().is_some_and(|name| name != "self" && name != "thread-self") {
            taken.memory_kb += field("VmRSS:").unwrap_or(0);
            taken.threads += field("Threads:").unwrap_or(0);
            taken.files += fs::read_dir(path.join("fd")).map_or(0, Iterator::count);
        }
    }
    if taken.threads == 0 { Err("the server has ended".into()) } else { Ok(taken) }
}
