//! Both sides of a call, reduced to a few hundred points.

/// Points per side.
pub(super) const POINTS: usize = 340;

/// The loudest sample of each of a few hundred sections of equal length, for drawing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outline {
    /// The user's side.
    pub user: Vec<f32>,
    /// The assistant's side.
    pub assistant: Vec<f32>,
}

impl Outline {
    /// The outline of two tracks.
    pub fn of(user: &[f32], assistant: &[f32]) -> Self {
        Self { user: peaks(user), assistant: peaks(assistant) }
    }
}

fn peaks(track: &[f32]) -> Vec<f32> {
    let at = |point: usize| track.len() * point / POINTS;
    let peak = |point| track[at(point)..at(point + 1)].iter().fold(0.0f32, |a, b| a.max(b.abs()));
    (0..POINTS).map(peak).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_is_small_and_keeps_the_peaks_in_their_place() {
        let mut track = vec![0.0; 100_000];
        track[50_001] = -0.5;
        let outline = Outline::of(&track, &[]);
        assert_eq!(outline.user.len(), POINTS);
        assert_eq!(outline.user[POINTS / 2], 0.5);
        assert_eq!(outline.user.iter().filter(|peak| **peak > 0.0).count(), 1);
        assert!(outline.assistant.iter().all(|peak| *peak == 0.0));
    }
}
