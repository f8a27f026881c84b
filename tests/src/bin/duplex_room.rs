//! `duplex-room`: the path from a loudspeaker to a microphone, for a program that opens the computer's devices
//! (docs/room-rig.md).

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    rig::main()
}

#[cfg(target_os = "linux")]
mod rig {
    use std::{
        env,
        error::Error,
        ffi::OsString,
        io::Read as _,
        process::{Child, ExitCode, ExitStatus, Stdio},
        sync::{
            Arc,
            atomic::{AtomicBool, Ordering},
        },
        thread,
    };

    use clap::Parser;
    use duplex_harness::{
        device_room::{self, DeviceRoomOptions},
        sound_server::SoundServer,
    };

    /// Carries sound from a loudspeaker of the sound server to a virtual microphone, with an echo, a user and noise
    #[derive(Debug, Parser)]
    #[command(version)]
    struct Args {
        #[command(flatten)]
        room: DeviceRoomOptions,

        /// End once standard input is closed
        #[arg(long)]
        end_with_stdin: bool,

        /// A program to run with a sound server of its own, in the room; the room ends with it
        #[arg(last = true, value_name = "PROGRAM")]
        program: Vec<OsString>,
    }

    #[expect(clippy::print_stderr, reason = "where a program's errors go")]
    pub(super) fn main() -> ExitCode {
        let args = Args::parse();
        let run = match args.program.split_first() {
            Some((program, rest)) => with_server(program, rest),
            None => room(&args),
        };
        run.unwrap_or_else(|error| {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        })
    }

    fn room(args: &Args) -> Result<ExitCode, Box<dyn Error>> {
        let stop = Arc::new(AtomicBool::new(false));
        let stops = Arc::clone(&stop);
        ctrlc::set_handler(move || stops.store(true, Ordering::Relaxed))?;
        if args.end_with_stdin {
            let stops = Arc::clone(&stop);
            thread::spawn(move || {
                let mut byte = [0];
                while std::io::stdin().read(&mut byte).is_ok_and(|read| read > 0) {}
                stops.store(true, Ordering::Relaxed);
            });
        }
        device_room::run(&args.room, &stop)?;
        Ok(ExitCode::SUCCESS)
    }

    fn with_server(program: &OsString, rest: &[OsString]) -> Result<ExitCode, Box<dyn Error>> {
        // Ctrl-C reaches the program and the room as well: both end, and this does after them.
        ctrlc::set_handler(|| {})?;
        let server = SoundServer::start()?;
        let own = env::args_os().skip(1).take_while(|arg| arg != "--");
        let mut room = server
            .command(env::current_exe()?)
            .args(own)
            .arg("--end-with-stdin")
            .stdin(Stdio::piped())
            .spawn()?;
        let ended = server.command(program).args(rest).status();
        let status = end(&mut room)?;
        if !status.success() {
            return Err(format!("the room ended with {status}").into());
        }
        let code = ended?.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
        Ok(ExitCode::from(code))
    }

    fn end(room: &mut Child) -> std::io::Result<ExitStatus> {
        drop(room.stdin.take());
        room.wait()
    }
}
