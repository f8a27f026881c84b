//! Packs a steady stream of frames into messages, without the silence between replies.

use std::time::Duration;

use duplex_audio::{PLAYOUT_RATE, RateError, Resampler, pcm};

/// Audio per message.
const MESSAGE: Duration = Duration::from_millis(20);

/// Silence that is still sent after the last sound: the peer's buffer must not run empty between
/// words.
const HANGOVER: Duration = Duration::from_millis(200);

/// Packs what the loudspeaker would play into messages, at the peer's rate.
///
/// A message leaves once its last sample was played, so nothing runs ahead of the clock. Silence
/// that lasts is not sent: the audio after it is to be played when it comes, so that neither a late
/// message nor a slightly fast clock adds up over a call.
pub(crate) struct Packer {
    rate: Resampler,
    resampled: Vec<f32>,
    pending: Vec<i16>,
    /// Samples of a message, and of the silence that ends a reply.
    message: usize,
    hangover: usize,
    /// Silent samples since the last sound.
    quiet: usize,
}

impl Packer {
    /// A packer for a peer that plays `rate` samples per second.
    ///
    /// # Errors
    /// The rate is not a valid sample rate.
    pub(crate) fn new(rate: u32) -> Result<Self, RateError> {
        let samples = |length: Duration| (u128::from(rate) * length.as_millis() / 1000) as usize;
        Ok(Self {
            rate: Resampler::new(PLAYOUT_RATE, rate)?,
            resampled: Vec::new(),
            pending: Vec::new(),
            message: samples(MESSAGE),
            hangover: samples(HANGOVER),
            quiet: usize::MAX,
        })
    }

    /// Takes a frame at the playout rate, and hands each complete message to `send`.
    pub(crate) fn push(&mut self, frame: &[f32], send: &mut dyn FnMut(Vec<u8>)) {
        self.resampled.clear();
        self.rate.process(frame, &mut self.resampled);
        let before = self.pending.len();
        self.pending.extend(self.resampled.iter().map(|&sample| pcm::quantise(sample)));
        let silent = self.pending[before..].iter().all(|&sample| sample == 0);
        self.quiet = if silent { self.quiet.saturating_add(self.resampled.len()) } else { 0 };
        if self.quiet > self.hangover {
            self.pending.clear();
        }
        while self.pending.len() >= self.message {
            send(pcm::encode(&self.pending[..self.message]));
            self.pending.drain(..self.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use duplex_audio::PLAYOUT_FRAME;

    use super::*;

    /// The messages, each with the number of the frame after which it left.
    fn messages(rate: u32, levels: impl IntoIterator<Item = f32>) -> Vec<(usize, Vec<u8>)> {
        let mut packer = Packer::new(rate).unwrap();
        let mut messages = Vec::new();
        for (index, level) in levels.into_iter().enumerate() {
            let frame: Vec<f32> =
                (0..PLAYOUT_FRAME).map(|n| level * (n as f32 * 0.05).sin()).collect();
            packer.push(&frame, &mut |message| messages.push((index, message)));
        }
        messages
    }

    fn spoken(frames: usize) -> impl Iterator<Item = f32> {
        std::iter::repeat_n(0.3, frames)
    }

    fn silent(frames: usize) -> impl Iterator<Item = f32> {
        std::iter::repeat_n(0.0, frames)
    }

    #[test]
    fn a_message_leaves_every_second_frame_and_never_early() {
        for rate in [8_000, 16_000, 24_000, 44_100, 48_000] {
            let messages = messages(rate, spoken(100));
            let bytes: usize = messages.iter().map(|(_, message)| message.len()).sum();
            let sent = bytes as f64 / 2.0 / f64::from(rate);
            assert!((0.97..=1.0).contains(&sent), "{rate} Hz: {sent} s of 1 s");
            assert!(messages.iter().all(|(_, message)| message.len() == rate as usize / 50 * 2));
            for (index, (after, _)) in messages.iter().enumerate() {
                let played = (after + 1) * 10;
                assert!((index + 1) * 20 <= played + 1, "{rate} Hz: message {index} at {played}");
            }
        }
    }

    #[test]
    fn silence_that_lasts_is_not_sent() {
        assert!(messages(16_000, silent(500)).is_empty());
        let messages = messages(16_000, spoken(10).chain(silent(500)));
        let last = messages.last().map(|&(after, _)| after);
        assert!(last.is_some_and(|after| (28..=32).contains(&after)), "{last:?}");
    }

    #[test]
    fn a_pause_between_words_is_sent() {
        let frames = || spoken(10).chain(silent(15)).chain(spoken(10));
        let messages = messages(16_000, frames());
        assert_eq!(messages.len(), frames().count() / 2);
    }

    #[test]
    fn the_first_sound_after_silence_leaves_within_a_message() {
        for odd in [40, 41] {
            let messages = messages(48_000, silent(odd).chain(spoken(4)));
            assert_eq!(messages.first().map(|&(after, _)| after), Some(odd + 1));
        }
    }
}
