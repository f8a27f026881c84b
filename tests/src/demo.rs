//! The demo's call: one user, one question after another, and everything that makes a conversation
//! difficult.

use std::collections::BTreeMap;

use duplex_audio::{
    Clip, FileError, noise,
    room::{Anchor, Cue, RoomOptions, Sound},
};
use duplex_core::{SAMPLE_RATE, Samples};

use crate::{case::Expectation, report::Expect};

/// Level of the cough, in dB of full scale: that of a person at the microphone.
const COUGH_DB: f32 = -24.0;

macro_rules! clip {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../speech/", $name, ".flac")).as_slice())
    };
}

/// A script: its cues, and the expectations of each.
pub type Script = (Vec<Cue>, BTreeMap<String, Vec<Expect>>);

/// The demo's room: loudspeaker echo at -12 dB, noise 20 dB below the user.
pub fn room() -> RoomOptions {
    RoomOptions {
        echo_db: Some(-12.0),
        snr_db: Some(20.0),
        tail_ms: 5_000,
        ..RoomOptions::default()
    }
}

/// A question; a backchannel and a cough during the answer; a new question during the answer; a
/// sentence with a pause of one second inside; a command to stop.
///
/// # Errors
/// The clips are compiled into the program; reading them fails only if it is damaged.
pub fn script() -> Result<Script, FileError> {
    let ms = Samples::from_millis;
    let speech = |(name, bytes): (&str, &[u8])| -> Result<Sound, FileError> {
        Ok(Sound::from_session(Clip::decode(name, bytes)?.mono(SAMPLE_RATE)))
    };
    let mut cough = noise::cough(7);
    let gain = 10f32.powf((COUGH_DB - noise::active_level_db(&cough)) / 20.0);
    cough.iter_mut().for_each(|sample| *sample *= gain);
    let paused = speech(clip!("p01a"))?.then(ms(1_000), &speech(clip!("p01b"))?);
    let cues = [
        ("question", speech(clip!("q22"))?, Anchor::Start(ms(1_000)), vec![Expect::Respond]),
        ("uh-huh", speech(clip!("b01"))?, Anchor::Speaking(ms(1_500)), vec![Expect::Ignore]),
        ("cough", Sound::from_session(cough), Anchor::Speaking(ms(1_200)), vec![Expect::Ignore]),
        (
            "interruption",
            speech(clip!("i01"))?,
            Anchor::Speaking(ms(1_000)),
            vec![Expect::Stop, Expect::Respond],
        ),
        ("pause", paused, Anchor::Quiet(ms(1_500)), vec![Expect::Wait, Expect::Respond]),
        ("stop", speech(clip!("s01"))?, Anchor::Speaking(ms(1_500)), vec![Expect::Stop]),
    ];
    let expect = cues.iter().map(|(id, _, _, expect)| ((*id).to_owned(), expect.clone())).collect();
    let cue = |(id, sound, anchor, outcomes)| {
        let answer_within = Expectation { outcomes, ..Expectation::default() }.answer_within();
        Cue { answer_within, ..Cue::new(id, sound, anchor) }
    };
    Ok((cues.into_iter().map(cue).collect(), expect))
}
