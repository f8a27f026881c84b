//! Trims the silence around an utterance: short before it, so that it is heard at once, and after it as long as its
//! punctuation asks for.

use super::normalise::Stop;

/// Length of the windows for which loudness is measured.
const WINDOW_MS: usize = 5;
/// Peak of a window, relative to full scale, from which it is audible.
const AUDIBLE: f32 = 0.01;
/// Length kept before the first audible window; faded in.
const LEAD_IN_MS: usize = 10;
/// Length kept after the last audible window, where speech decays; its end is faded out. Counts as part of the pause.
const TAIL_MS: usize = 30;
/// Length of the fade at either end, so that the cut does not click.
const FADE_MS: usize = 5;

/// Silence after an utterance, in milliseconds.
const fn pause_ms(stop: Option<Stop>) -> usize {
    match stop {
        None => 0,
        Some(Stop::Comma) => 120,
        Some(Stop::Colon | Stop::Semicolon) => 180,
        Some(Stop::Period | Stop::Exclamation | Stop::Question) => 250,
    }
}

/// Passes an utterance through, piece by piece, without the silence around it.
pub(super) struct Trim {
    rate: usize,
    /// Samples cut off before the first audible one; none while everything was silent.
    cut: Option<usize>,
    /// Samples received before `held`.
    passed: usize,
    /// What may turn out to be the silence at the end.
    held: Vec<f32>,
    /// Number of samples in `held` that belong to the speech or its decay.
    owed: usize,
}

impl Trim {
    pub(super) fn new(sample_rate: u32) -> Self {
        Self { rate: sample_rate as usize, cut: None, passed: 0, held: Vec::new(), owed: 0 }
    }

    /// Position in the output of a sample of the utterance.
    pub(super) fn place(&self, sample: usize) -> usize {
        sample.saturating_sub(self.cut.unwrap_or(self.passed))
    }

    /// Takes the next piece; returns what is certainly not the silence at the end, possibly nothing.
    pub(super) fn push(&mut self, samples: &[f32]) -> Vec<f32> {
        self.held.extend_from_slice(samples);
        let window = self.samples(WINDOW_MS);
        if self.cut.is_none() {
            let audible = self.held.chunks(window).position(is_audible);
            let onset = audible.map_or(self.held.len(), |index| index * window);
            let silence = onset.saturating_sub(self.samples(LEAD_IN_MS));
            self.held.drain(..silence);
            self.passed += silence;
            if audible.is_none() {
                return Vec::new();
            }
            self.cut = Some(self.passed);
            let fade = self.samples(FADE_MS).min(self.held.len());
            for (index, sample) in self.held[..fade].iter_mut().enumerate() {
                *sample *= index as f32 / fade as f32;
            }
        }
        if let Some(last) = self.held.chunks(window).rposition(is_audible) {
            self.owed = (last + 1) * window + self.samples(TAIL_MS);
        }
        let heard = self.owed.min(self.held.len().saturating_sub(self.samples(FADE_MS)));
        self.owed -= heard;
        self.passed += heard;
        self.held.drain(..heard).collect()
    }

    /// Ends the utterance: returns the rest of its speech, and the pause that its punctuation asks for.
    pub(super) fn finish(mut self, stop: Option<Stop>) -> Vec<f32> {
        if self.cut.is_none() {
            return Vec::new();
        }
        let fade = self.samples(FADE_MS);
        self.held.truncate(self.owed.max(fade));
        let last = self.held.len().saturating_sub(fade);
        for (index, sample) in self.held[last..].iter_mut().rev().enumerate() {
            *sample *= index as f32 / fade as f32;
        }
        let decayed = self.samples(TAIL_MS).saturating_sub(self.owed);
        let pause = self.samples(pause_ms(stop)).saturating_sub(decayed);
        self.held.resize(pause.max(self.held.len()), 0.0);
        self.held
    }

    const fn samples(&self, milliseconds: usize) -> usize {
        milliseconds * self.rate / 1000
    }
}

fn is_audible(window: &[f32]) -> bool {
    window.iter().any(|sample| sample.abs() >= AUDIBLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 1000;

    /// A full-scale tone with silence around it, in pieces, trimmed.
    fn trim(
        before: usize,
        tone: usize,
        after: usize,
        piece: usize,
        stop: Option<Stop>,
    ) -> Vec<f32> {
        let signal: Vec<f32> = [vec![0.0; before], vec![0.5; tone], vec![0.001; after]].concat();
        let mut trim = Trim::new(RATE);
        let mut out = Vec::new();
        for samples in signal.chunks(piece) {
            out.extend(trim.push(samples));
        }
        out.extend(trim.finish(stop));
        out
    }

    #[test]
    fn silence_before_is_cut_to_the_lead_in() {
        let out = trim(400, 200, 300, 64, None);
        let onset = out.iter().position(|&sample| sample > 0.4).unwrap();
        assert!((LEAD_IN_MS..=LEAD_IN_MS + WINDOW_MS).contains(&onset), "{onset}");
    }

    #[test]
    fn silence_behind_is_as_long_as_the_stop_asks() {
        for (stop, pause) in [(None, 0), (Some(Stop::Comma), 120), (Some(Stop::Period), 250)] {
            let out = trim(50, 200, 400, 64, stop);
            let end = out.iter().rposition(|&sample| sample > 0.4).unwrap() + 1;
            let rest = out.len() - end;
            assert!(
                (pause..=pause.max(TAIL_MS) + WINDOW_MS + FADE_MS).contains(&rest),
                "{stop:?}: {rest}"
            );
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same() {
        let whole = trim(100, 200, 100, 10_000, Some(Stop::Comma));
        for piece in [10, 50, 65] {
            let parts = trim(100, 200, 100, piece, Some(Stop::Comma));
            assert!(parts.len().abs_diff(whole.len()) <= 2 * WINDOW_MS, "{piece}");
        }
    }

    #[test]
    fn a_pause_in_the_middle_is_kept() {
        let mut trim = Trim::new(RATE);
        let mut out = Vec::new();
        for piece in [vec![0.5; 100], vec![0.0; 300], vec![0.5; 100]] {
            out.extend(trim.push(&piece));
        }
        out.extend(trim.finish(None));
        assert_eq!(out.len(), 500);
    }

    #[test]
    fn all_silence_gives_nothing() {
        assert!(trim(500, 0, 0, 64, Some(Stop::Period)).is_empty());
    }
}
