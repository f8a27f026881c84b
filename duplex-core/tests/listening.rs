//! Which voice activity frames count as voiced.

use duplex_core::{Action, DuplexSession, Event, Permille, Policy, Samples, SessionTime, VadFrame};

const FRAME: u64 = 512;

/// Plays speech frames with these probabilities, in thousandths, then silence. Gives the recognitions requested, as
/// `(requested at, audio to)`, in frames.
fn recognitions(probabilities: &[u16]) -> Vec<(u64, u64)> {
    let mut session = DuplexSession::new(Policy::default());
    let mut asked = Vec::new();
    let silence = std::iter::repeat_n((20, false), 20);
    let frames = probabilities.iter().map(|&probability| (probability, true)).chain(silence);
    for (index, (probability, speech)) in (1..).zip(frames) {
        let at = SessionTime(0) + Samples(index * FRAME);
        let frame =
            VadFrame { speech, probability: Permille(probability), level: -30, high_band_snr: 20 };
        for action in session.step(at, Event::VoiceActivity(frame)) {
            if let Action::Recognise { segment, to, .. } = action {
                asked.push((index, to.0 / FRAME));
                let text = "Tell me a story.".to_owned();
                let confidence = Permille(900);
                session.step(at, Event::Recognised { segment, to, text, confidence });
            }
        }
    }
    asked
}

#[test]
fn the_end_is_recognised_from_the_first_frame_in_which_the_voice_fades() {
    let mut probabilities = vec![950; 15];
    probabilities.extend([640, 340]);
    assert_eq!(recognitions(&probabilities), [(16, 16)]);
}

#[test]
fn a_voice_that_goes_on_faintly_is_recognised_to_its_end() {
    let mut probabilities = vec![950; 15];
    probabilities.extend([600; 40]);
    let last = recognitions(&probabilities).last().unwrap().1;
    assert!(last >= 15 + 40, "recognised only up to frame {last}");
}

#[test]
fn a_dip_inside_a_word_only_costs_another_recognition() {
    let mut probabilities = vec![950; 15];
    probabilities.push(500);
    probabilities.extend([950; 5]);
    assert_eq!(recognitions(&probabilities).last().unwrap().1, 22);
}
