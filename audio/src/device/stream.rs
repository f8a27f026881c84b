//! Finding devices, and opening streams on them.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed, mpsc::Sender},
    time::{Duration, Instant},
};

use cpal::{
    BufferSize, Data, ErrorKind, SampleFormat, StreamConfig, SupportedBufferSize,
    SupportedStreamConfig,
    traits::{DeviceTrait as _, HostTrait as _, StreamTrait as _},
};

use crossbeam_utils::atomic::AtomicCell;

use super::{
    BLOCK_MILLIS, DeviceInfo, OpenError, Player, Recorder, Side, SideMeter, StreamFormat, Wanted,
};
use crate::{
    call_audio::{LoudspeakerEnd, MicrophoneEnd, RATES},
    units::PLAYOUT_RATE,
};

/// How long a system may take to open a stream.
const PATIENCE: Duration = Duration::from_secs(3);

/// Sample formats that are converted, the best first.
const FORMATS: [SampleFormat; 7] = [
    SampleFormat::F32,
    SampleFormat::I16,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F64,
    SampleFormat::U8,
    SampleFormat::U16,
];

/// The system's sound: the one called `id`, so that another is not taken for it while it is gone; else its default.
pub(super) fn host(id: Option<cpal::HostId>) -> Result<cpal::Host, OpenError> {
    let failed = |error: cpal::Error| OpenError::System(error.to_string());
    match id {
        Some(id) => cpal::host_from_id(id).map_err(failed),
        // Its own way to choose ends the program where there is no sound at all.
        None => {
            let mut why = String::from("there is none");
            for id in cpal::available_hosts() {
                match cpal::host_from_id(id) {
                    Ok(host) => return Ok(host),
                    Err(error) => why = error.to_string(),
                }
            }
            Err(OpenError::System(why))
        }
    }
}

/// A device that might be used.
pub(super) struct Candidate {
    pub(super) device: cpal::Device,
    pub(super) info: DeviceInfo,
}

/// What a device of the default kind is called where the system does not say.
const NAMELESS: &str = "unnamed device";

fn name_of(device: &cpal::Device) -> String {
    let name = device.description().map(|it| it.name().to_owned());
    // What cannot be shown has no place in a name.
    let name = name.unwrap_or_default().replace(char::is_control, " ");
    if name.trim().is_empty() { NAMELESS.to_owned() } else { name }
}

pub(super) fn id_of(device: &cpal::Device) -> String {
    device.id().map(|id| id.id().to_owned()).unwrap_or_default()
}

/// Whether a source of PulseAudio is what a sink plays.
fn is_monitor(device: &cpal::Device) -> bool {
    device.id().is_ok_and(|id| id.id().ends_with(".monitor"))
}

fn default_config(side: Side, device: &cpal::Device) -> Result<SupportedStreamConfig, cpal::Error> {
    match side {
        Side::Microphone => device.default_input_config(),
        Side::Loudspeaker => device.default_output_config(),
    }
}

fn default_device(host: &cpal::Host, side: Side) -> Option<cpal::Device> {
    match side {
        Side::Microphone => host.default_input_device(),
        Side::Loudspeaker => host.default_output_device(),
    }
}

/// All devices of a side.
pub(super) fn candidates(host: &cpal::Host, side: Side) -> Result<Vec<Candidate>, OpenError> {
    let failed = |error: cpal::Error| OpenError::System(error.to_string());
    let default = default_device(host, side).map(|it| id_of(&it));
    let devices = host.devices().map_err(failed)?;
    let fits = |device: &cpal::Device| match side {
        Side::Microphone => device.supports_input(),
        Side::Loudspeaker => device.supports_output(),
    };
    let candidate = |device: cpal::Device| {
        let id = id_of(&device);
        let format = match default_config(side, &device) {
            Ok(config) => Some(StreamFormat {
                rate: config.sample_rate(),
                channels: config.channels(),
                sample: config.sample_format().to_string(),
                block: None,
            }),
            Err(error) if error.kind() == ErrorKind::DeviceBusy => None,
            // A plugin of ALSA, say, for hardware that this computer does not have.
            Err(_) => return None,
        };
        let info = DeviceInfo {
            side,
            name: name_of(&device),
            is_default: default.as_ref() == Some(&id),
            is_monitor: side == Side::Microphone && is_monitor(&device),
            id,
            format,
        };
        Some(Candidate { device, info })
    };
    Ok(devices.filter(fits).filter_map(candidate).collect())
}

/// The device that is wanted; none where none is.
pub(super) fn find(
    host: &cpal::Host,
    side: Side,
    wanted: &Wanted,
) -> Result<Option<cpal::Device>, OpenError> {
    let name = match wanted {
        Wanted::Nothing => return Ok(None),
        Wanted::Default => {
            let device = default_device(host, side).filter(|it| {
                // Whoever hears only what the loudspeaker plays hears nobody.
                side == Side::Loudspeaker || !is_monitor(it)
            });
            return device.map(Some).ok_or(OpenError::None(side));
        }
        Wanted::Named(name) => name,
    };
    let usable = |it: &Candidate| !it.info.is_monitor || it.info.id == *name;
    let all: Vec<_> = candidates(host, side)?.into_iter().filter(usable).collect();
    let infos: Vec<_> = all.iter().map(|it| &it.info).collect();
    let place = choose(side, &infos, name)?;
    Ok(all.into_iter().nth(place).map(|it| it.device))
}

/// The place of the device that `wanted` names: by its identifier, by its name, or as the only one that has it in its
/// name.
fn choose(side: Side, devices: &[&DeviceInfo], wanted: &str) -> Result<usize, OpenError> {
    let exact = |it: &&DeviceInfo| it.id == wanted || it.name == wanted;
    if let Some(place) = devices.iter().position(exact) {
        return Ok(place);
    }
    let part = wanted.to_lowercase();
    let has = |place: &usize| devices[*place].name.to_lowercase().contains(&part);
    let alike: Vec<_> = (0..devices.len()).filter(has).collect();
    let quoted = |places: &[usize]| {
        let names: Vec<_> =
            places.iter().map(|&place| format!("`{}`", devices[place].name)).collect();
        names.join(", ")
    };
    let wanted = wanted.to_owned();
    match alike[..] {
        [place] => Ok(place),
        [] if devices.is_empty() => Err(OpenError::None(side)),
        [] => {
            let known = quoted(&(0..devices.len()).collect::<Vec<_>>());
            Err(OpenError::Unknown { side, wanted, known })
        }
        _ => Err(OpenError::Ambiguous { wanted, known: quoted(&alike) }),
    }
}

/// Ends a stream on a thread of its own: where the system has ended it already, that may take for ever. Without a thread
/// it is ended here.
fn close(stream: cpal::Stream) {
    _ = std::thread::Builder::new().name("closing".to_owned()).spawn(move || drop(stream));
}

/// A stream that runs, and is [closed](close) when this is dropped.
pub(super) struct Open {
    stream: Option<cpal::Stream>,
    pub(super) name: String,
    pub(super) id: String,
    pub(super) format: StreamFormat,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stream.take().into_iter().for_each(close);
    }
}

/// What a stream says of itself.
pub(super) struct Trouble {
    pub(super) side: Side,
    /// Which stream of the side.
    pub(super) number: u64,
    pub(super) why: String,
}

/// What both sides share when a stream is opened.
pub(super) struct Opening<'a> {
    pub(super) side: Side,
    pub(super) device: &'a cpal::Device,
    pub(super) number: u64,
    pub(super) meter: Arc<SideMeter>,
    pub(super) trouble: Sender<Trouble>,
}

impl Opening<'_> {
    fn failed(&self, error: &cpal::Error) -> OpenError {
        let (side, name, why) = (self.side, name_of(self.device), error.to_string());
        match error.kind() {
            ErrorKind::DeviceBusy => OpenError::Busy { side, name },
            ErrorKind::PermissionDenied => OpenError::Denied { side, name, why },
            ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation => {
                OpenError::Format { side, name, why }
            }
            ErrorKind::HostUnavailable => OpenError::System(why),
            ErrorKind::DeviceNotAvailable => OpenError::None(side),
            _ => OpenError::Failed { side, name, why },
        }
    }

    /// The format to open the device in: its own, where a call can be held in it.
    fn config(&self) -> Result<SupportedStreamConfig, OpenError> {
        let fits = |config: &SupportedStreamConfig| {
            RATES.contains(&config.sample_rate()) && FORMATS.contains(&config.sample_format())
        };
        let own = default_config(self.side, self.device);
        if let Ok(own) = &own
            && fits(own)
        {
            return Ok(*own);
        }
        let ranges: Vec<_> = match self.side {
            Side::Microphone => self.device.supported_input_configs().map(Iterator::collect),
            Side::Loudspeaker => self.device.supported_output_configs().map(Iterator::collect),
        }
        .map_err(|error| self.failed(&error))?;
        let usable = ranges.into_iter().filter_map(|range| {
            let rate = PLAYOUT_RATE.clamp(range.min_sample_rate(), range.max_sample_rate());
            let config = range.try_with_sample_rate(rate)?;
            let format = FORMATS.iter().position(|&it| it == config.sample_format())?;
            fits(&config).then_some((config.channels().abs_diff(1), format, config))
        });
        let best = usable.min_by_key(|(channels, format, _)| (*format, *channels));
        best.map(|(.., config)| config).ok_or_else(|| match own {
            Err(error) => self.failed(&error),
            Ok(own) => OpenError::Format {
                side: self.side,
                name: name_of(self.device),
                why: format!("{} Hz, {}", own.sample_rate(), own.sample_format()),
            },
        })
    }

    /// What is done when the stream says that something is wrong.
    fn listener(&self) -> impl FnMut(cpal::Error) + Send + 'static {
        let (side, number) = (self.side, self.number);
        let (meter, trouble) = (Arc::clone(&self.meter), self.trouble.clone());
        move |error: cpal::Error| match error.kind() {
            ErrorKind::Xrun => _ = meter.glitches.fetch_add(1, Relaxed),
            // It goes on.
            ErrorKind::RealtimeDenied | ErrorKind::DeviceChanged => {}
            _ => _ = trouble.send(Trouble { side, number, why: error.to_string() }),
        }
    }

    /// Opens a stream in [blocks](BLOCK_MILLIS) that are short, or where the device refuses those in its own, by `build`.
    fn open(
        &self,
        config: &SupportedStreamConfig,
        mut build: impl FnMut(StreamConfig) -> Result<cpal::Stream, Attempt>,
    ) -> Result<Open, OpenError> {
        let rate = config.sample_rate();
        let block = (u64::from(rate) * BLOCK_MILLIS / 1000) as u32;
        let block = match *config.buffer_size() {
            SupportedBufferSize::Range { min, max } => block.clamp(min, max.max(min)),
            SupportedBufferSize::Unknown => block,
        };
        let mut last = None;
        for size in [BufferSize::Fixed(block), BufferSize::Default] {
            let stream = build(StreamConfig {
                channels: config.channels(),
                sample_rate: rate,
                buffer_size: size,
            });
            let error = match stream {
                Ok(stream) => match stream.play() {
                    Ok(()) => return Ok(self.opened(config, stream)),
                    Err(error) => {
                        close(stream);
                        self.failed(&error)
                    }
                },
                Err(Attempt::Refused(error)) => self.failed(&error),
                // The end of the call is still on its way back from the first try.
                Err(Attempt::NoEnd) => break,
            };
            last.get_or_insert(error);
        }
        Err(last.unwrap_or(OpenError::None(self.side)))
    }

    fn opened(&self, config: &SupportedStreamConfig, stream: cpal::Stream) -> Open {
        let format = StreamFormat {
            rate: config.sample_rate(),
            channels: config.channels(),
            sample: config.sample_format().to_string(),
            block: stream.buffer_size().ok(),
        };
        Open { stream: Some(stream), name: name_of(self.device), id: id_of(self.device), format }
    }
}

/// Why a stream was not built.
enum Attempt {
    Refused(cpal::Error),
    NoEnd,
}

/// What a callback works with, for as long as nobody takes it away. Neither side ever waits for the other here.
type Lent<T> = Arc<AtomicCell<Option<Box<T>>>>;

/// An end of the call, or the way to get it back from the callback that has it. Some systems never drop the callback of
/// a stream that they have ended.
pub(super) struct Home<E> {
    end: Option<E>,
    recall: Box<dyn FnMut() -> Option<E> + Send>,
}

impl<E> Home<E> {
    pub(super) fn new(end: E) -> Self {
        Self { end: Some(end), recall: Box::new(|| None) }
    }

    /// The end, taken back from a callback that has it. One that runs at the moment is waited for.
    pub(super) fn end(&mut self, patience: Duration) -> Option<&mut E> {
        let deadline = Instant::now() + patience;
        while self.end.is_none() {
            self.end = (self.recall)();
            if self.end.is_none() {
                if Instant::now() >= deadline {
                    return None;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        self.end.as_mut()
    }

    /// Takes it out, wrapped for a callback.
    fn lend<T: Send + 'static>(
        &mut self,
        wrap: impl FnOnce(E) -> Result<T, Box<E>>,
        into_end: fn(T) -> E,
    ) -> Option<Lent<T>>
    where
        E: 'static,
    {
        self.end(PATIENCE)?;
        match wrap(self.end.take()?) {
            Ok(it) => {
                let lent = Arc::new(AtomicCell::new(Some(Box::new(it))));
                let owned = Arc::clone(&lent);
                self.recall = Box::new(move || owned.take().map(|it| into_end(*it)));
                Some(lent)
            }
            Err(end) => {
                self.end = Some(*end);
                None
            }
        }
    }
}

/// Calls `$with` with the Rust type of a sample format.
macro_rules! by_format {
    ($format:expr, $data:expr, $slice:ident, $call:expr) => {
        match $format {
            SampleFormat::F32 => $data.$slice::<f32>().map($call),
            SampleFormat::I16 => $data.$slice::<i16>().map($call),
            SampleFormat::I32 => $data.$slice::<i32>().map($call),
            SampleFormat::I24 => $data.$slice::<cpal::I24>().map($call),
            SampleFormat::F64 => $data.$slice::<f64>().map($call),
            SampleFormat::U8 => $data.$slice::<u8>().map($call),
            SampleFormat::U16 => $data.$slice::<u16>().map($call),
            _ => None,
        }
    };
}

/// Opens a microphone that records into the call's end.
///
/// # Errors
/// [`OpenError`]; the end stays at home.
pub(super) fn microphone(
    opening: &Opening<'_>,
    home: &mut Home<MicrophoneEnd>,
) -> Result<Open, OpenError> {
    let config = opening.config()?;
    let (channels, rate) = (usize::from(config.channels()), config.sample_rate());
    let format = config.sample_format();
    opening.open(&config, |stream| {
        let wrap = |end| {
            let recorder = Recorder::new(end, channels, rate, Arc::clone(&opening.meter));
            recorder.map_err(|refused| Box::new(refused.0))
        };
        let lent = home.lend(wrap, Recorder::into_end).ok_or(Attempt::NoEnd)?;
        let record = move |data: &Data, _: &cpal::InputCallbackInfo| {
            if let Some(mut recorder) = lent.take() {
                _ = by_format!(format, data, as_slice, |block| recorder.record(block));
                lent.store(Some(recorder));
            }
        };
        let listener = opening.listener();
        let built =
            opening.device.build_input_stream_raw(stream, format, record, listener, Some(PATIENCE));
        built.map_err(Attempt::Refused)
    })
}

/// Opens a loudspeaker that plays what the call's end has.
///
/// # Errors
/// [`OpenError`]; the end stays at home.
pub(super) fn loudspeaker(
    opening: &Opening<'_>,
    home: &mut Home<LoudspeakerEnd>,
) -> Result<Open, OpenError> {
    let config = opening.config()?;
    let (channels, rate) = (usize::from(config.channels()), config.sample_rate());
    let format = config.sample_format();
    opening.open(&config, |stream| {
        let wrap = |end| {
            let player = Player::new(end, channels, rate, Arc::clone(&opening.meter));
            player.map_err(|refused| Box::new(refused.0))
        };
        let lent = home.lend(wrap, Player::into_end).ok_or(Attempt::NoEnd)?;
        let play = move |data: &mut Data, _: &cpal::OutputCallbackInfo| {
            if let Some(mut player) = lent.take() {
                _ = by_format!(format, data, as_slice_mut, |block| player.play(block));
                lent.store(Some(player));
            }
        };
        let listener = opening.listener();
        let built =
            opening.device.build_output_stream_raw(stream, format, play, listener, Some(PATIENCE));
        built.map_err(Attempt::Refused)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(names: &[&str]) -> Vec<DeviceInfo> {
        let info = |name: &&str| DeviceInfo {
            side: Side::Microphone,
            name: (*name).to_owned(),
            id: name.to_lowercase().replace(' ', "_"),
            is_default: false,
            format: None,
            is_monitor: false,
        };
        names.iter().map(info).collect()
    }

    fn chosen(names: &[&str], wanted: &str) -> Result<usize, OpenError> {
        let devices = named(names);
        choose(Side::Microphone, &devices.iter().collect::<Vec<_>>(), wanted)
    }

    #[test]
    fn a_device_is_found_by_its_name_by_its_identifier_and_by_a_part_that_only_it_has() {
        let names = ["USB Headset", "Built-in Audio", "Built-in"];
        assert_eq!(chosen(&names, "Built-in"), Ok(2));
        assert_eq!(chosen(&names, "usb_headset"), Ok(0));
        assert_eq!(chosen(&names, "headset"), Ok(0));
        assert_eq!(chosen(&names, "audio"), Ok(1));
    }

    #[test]
    fn a_name_that_says_too_little_or_nothing_is_answered_with_those_that_there_are() {
        let names = ["USB Headset", "USB Camera", "Built-in"];
        let error = |wanted: &str| chosen(&names, wanted).unwrap_err().to_string();
        assert_eq!(error("usb"), "`usb` may be any of these: `USB Headset`, `USB Camera`");
        assert_eq!(
            error("webcam"),
            "there is no microphone called `webcam`; there are: `USB Headset`, `USB Camera`, `Built-in`"
        );
        assert_eq!(chosen(&[], "webcam"), Err(OpenError::None(Side::Microphone)));
    }
}
