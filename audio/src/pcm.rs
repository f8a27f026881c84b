//! 16-bit PCM as sent over a connection: signed, little-endian, mono.

use crate::units::sane;

/// Full scale as an integer.
const FULL_SCALE: f32 = 32_768.0;

/// Bytes per sample.
pub const SAMPLE_BYTES: usize = size_of::<i16>();

/// A message that ends in the middle of a sample. What follows it cannot be interpreted either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of {bytes} bytes ends in the middle of a sample")]
pub struct HalfSample {
    /// Length of the message.
    pub bytes: usize,
}

/// Appends the samples of a message to `samples`.
///
/// # Errors
/// [`HalfSample`] if the number of bytes is odd; nothing is appended then.
pub fn decode(message: &[u8], samples: &mut Vec<f32>) -> Result<(), HalfSample> {
    let (pairs, rest) = message.as_chunks::<SAMPLE_BYTES>();
    if !rest.is_empty() {
        return Err(HalfSample { bytes: message.len() });
    }
    samples.extend(pairs.iter().map(|&pair| f32::from(i16::from_le_bytes(pair)) / FULL_SCALE));
    Ok(())
}

/// The sample as the nearest integer; clipped at full scale, and 0 for NaN.
pub fn quantise(sample: f32) -> i16 {
    // The cast saturates: positive full scale is one step beyond the range of an i16.
    (sane(sample) * FULL_SCALE).round() as i16
}

/// The message that contains `samples`.
pub fn encode(samples: &[i16]) -> Vec<u8> {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}
