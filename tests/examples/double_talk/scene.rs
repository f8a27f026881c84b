//! The voices and the rooms.

use std::path::Path;

use duplex_audio::{
    Clip, EchoPath, ImpulseResponse, MICROPHONE_FRAME,
    noise::{self, active_level_db},
};
use duplex_core::SAMPLE_RATE;

pub(crate) const SECOND: usize = SAMPLE_RATE as usize;

/// Active speech level of the user and of the assistant, in dBFS.
const USER_DB: f32 = -26.0;
const ASSISTANT_DB: f32 = -23.0;

/// Level of the room's noise.
const NOISE_DB: f32 = -65.0;

/// The assistant's voice; no user has it.
const ASSISTANT: &str = "bf_emma";

pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) samples: Vec<f32>,
}

pub(crate) struct Set {
    /// The assistant, without an end.
    far: Vec<f32>,
    /// What users say, by synthetic voices, and by people.
    pub(crate) users: Vec<(&'static str, Vec<Said>)>,
    pub(crate) rooms: Vec<(&'static str, ImpulseResponse)>,
}

pub(crate) fn read(path: impl AsRef<Path>) -> Vec<f32> {
    Clip::read(path).expect("the clip can be read").mono(SAMPLE_RATE)
}

fn at_level(samples: Vec<f32>, db: f32) -> Vec<f32> {
    let gain = 10f32.powf((db - active_level_db(&samples)) / 20.0);
    samples.into_iter().map(|x| x * gain).collect()
}

impl Set {
    /// The clips of tests/speech, and the people and rooms of `folder`.
    pub(crate) fn read(folder: Option<&Path>) -> Self {
        let speech = Path::new(env!("CARGO_MANIFEST_DIR")).join("speech");
        let (mut far, mut synthetic) = (Vec::new(), Vec::new());
        for fields in lines(&speech) {
            let samples = read(speech.join(format!("{}.flac", fields[0])));
            if fields[2] == ASSISTANT {
                far.extend(at_level(samples, ASSISTANT_DB));
                far.extend([0.0; SECOND / 5]);
            } else if fields[1] != "backchannel" {
                let samples = at_level(samples, USER_DB);
                synthetic.push(Said { text: fields[5].clone(), samples });
            }
        }
        let mut users = vec![("synthetic", synthetic)];
        let decaying =
            |ms| ImpulseResponse::decaying(61, std::time::Duration::from_millis(ms), 3.0);
        let mut rooms = vec![("made, 250 ms", decaying(250)), ("made, 500 ms", decaying(500))];
        if let Some(folder) = folder {
            let is_read = |fields: &Vec<String>| {
                fields[0].starts_with("ls-") && fields[3].parse().is_ok_and(|long: f32| long < 10.0)
            };
            let said = |fields: Vec<String>| Said {
                text: fields[9].clone(),
                samples: at_level(read(folder.join(&fields[0])), USER_DB),
            };
            users.push(("people", lines(folder).filter(is_read).map(said).collect()));
            for (name, file) in [("office", "rir-officeA-000.flac"), ("hall", "rir-sb1.flac")] {
                let measured = ImpulseResponse::measured(read(folder.join(file)));
                rooms.push((name, measured.expect("it is no silence")));
            }
        }
        Self { far, users, rooms }
    }

    /// So many samples of the assistant.
    pub(crate) fn far(&self, length: usize) -> Vec<f32> {
        self.far.iter().copied().cycle().take(length).collect()
    }

    /// What the microphone hears of `far`. The delay is what `delay_ms` gives for each 10 ms.
    pub(crate) fn echo(
        far: &[f32],
        room: &ImpulseResponse,
        gain_db: f32,
        delay_ms: impl Fn(usize) -> u64,
    ) -> Vec<f32> {
        let delay = |n| std::time::Duration::from_millis(delay_ms(n));
        let longest = std::time::Duration::from_millis(500);
        let mut path = EchoPath::new(longest, gain_db, room);
        let mut echo = Vec::with_capacity(far.len());
        for (n, far) in far.as_chunks().0.iter().enumerate() {
            path.set_delay(delay(n));
            let mut frame = [0.0; MICROPHONE_FRAME];
            path.step(far, &mut frame);
            echo.extend(frame);
        }
        echo
    }

    /// The microphone: `near`, `echo` and the room's noise.
    pub(crate) fn microphone(near: &[f32], echo: &[f32]) -> Vec<f32> {
        let floor = 10f32.powf(NOISE_DB / 20.0);
        let sounds = near.iter().zip(echo).zip(noise::pink(9));
        sounds.map(|((near, echo), noise)| near + echo + floor * noise).collect()
    }
}

/// The fields of the lines of a manifest.
pub(crate) fn lines(folder: &Path) -> impl Iterator<Item = Vec<String>> + use<> {
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).expect("it is there");
    let lines: Vec<Vec<String>> = manifest
        .lines()
        .skip(1)
        .map(|line| line.split('\t').map(str::to_owned).collect())
        .collect();
    lines.into_iter()
}
