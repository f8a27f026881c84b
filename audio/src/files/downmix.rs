//! One channel of several.

/// Correlation of a channel with the others below which it is taken for one of inverted polarity. That of recordings
/// with two microphones stays above, that of the two sides of a cable with crossed wires is -1.
const INVERTED: f64 = -0.3;

/// The mean of the channels that are not silent, each of `frames` samples, with those of inverted polarity turned.
///
/// What is in two channels with opposite signs, as one side of a balanced line, cancels out in a plain mean. The
/// channels are joined from the loudest one; whichever is negatively correlated with the sum of those before it is
/// subtracted instead of added.
pub(super) fn downmix(channels: &[Vec<f32>], frames: usize) -> Vec<f32> {
    let sounding: Vec<&[f32]> =
        channels.iter().map(Vec::as_slice).filter(|x| x.iter().any(|&x| x != 0.0)).collect();
    match sounding.as_slice() {
        [] => vec![0.0; frames],
        [only] => only.to_vec(),
        several => {
            let signs = signs(several);
            let weight = 1.0 / several.len() as f32;
            let sum = |frame: usize| -> f32 {
                several.iter().zip(&signs).map(|(channel, sign)| channel[frame] * sign).sum()
            };
            (0..frames).map(|frame| sum(frame) * weight).collect()
        }
    }
}

/// For each channel, 1, or -1 where its polarity is inverted.
fn signs(channels: &[&[f32]]) -> Vec<f32> {
    let mut signs = vec![1.0; channels.len()];
    let powers: Vec<f64> = channels.iter().map(|channel| power(channel)).collect();
    let mut order: Vec<usize> = (0..channels.len()).collect();
    order.sort_by(|&a, &b| powers[b].total_cmp(&powers[a]));
    let mut sum = vec![0.0; channels.first().map_or(0, |channel| channel.len())];
    for index in order {
        if correlation(&sum, channels[index]) < INVERTED {
            signs[index] = -1.0;
        }
        sum.iter_mut().zip(channels[index]).for_each(|(sum, x)| *sum += x * signs[index]);
    }
    signs
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|&x| f64::from(x).powi(2)).sum()
}

/// Pearson's correlation coefficient, in -1..=1; 0 where one of the two does not vary.
fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |x: &[f32]| x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len().max(1) as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (&a, &b) in a.iter().zip(b) {
        let (a, b) = (f64::from(a) - mean_a, f64::from(b) - mean_b);
        product += a * b;
        square_a += a * a;
        square_b += b * b;
    }
    let scale = (square_a * square_b).sqrt();
    if scale > 0.0 { product / scale } else { 0.0 }
}
