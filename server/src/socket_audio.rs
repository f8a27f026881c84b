//! A sound device whose other end is a connection.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::body::Bytes;
use duplex_audio::{
    Acoustics, JitterBuffer, JitterCounters, JitterOptions, MICROPHONE_FRAME, PLAYOUT_FRAME,
    RateError, Resampler, Scene, pcm,
};
use duplex_core::SAMPLE_RATE;
use duplex_runtime::SessionStep;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{captions::captions, packer::Packer};

/// Audio of the peer that may wait to be heard.
pub(crate) const MOST_AHEAD: Duration = Duration::from_secs(1);

/// A peer of which this much audio was dropped in a row does not keep to the clock.
const FLOOD: Duration = Duration::from_secs(10);

/// Messages that may wait to be sent: over two seconds of audio.
const OUTBOX: usize = 128;

/// A message for the peer.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// Audio, as PCM.
    Sound(Bytes),
    /// A JSON object.
    Text(String),
}

/// Why a message from the peer is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum IngressError {
    /// It is not PCM: it ends in the middle of a sample.
    #[error(transparent)]
    Half(#[from] pcm::HalfSample),
    /// There is too much of it.
    #[error("sound comes faster than it can be heard: {} s of it were dropped", .0.as_secs())]
    Flood(Duration),
}

/// Receives the peer's audio, on the connection's side.
pub(crate) struct PcmIngress {
    rate: Resampler,
    decoded: Vec<f32>,
    resampled: Vec<f32>,
    buffer: SharedJitterBuffer,
}

/// The peer's audio on its way from the connection to the call.
#[derive(Clone)]
pub(crate) struct SharedJitterBuffer(Arc<Mutex<JitterBuffer>>);

impl SharedJitterBuffer {
    /// Locked only while a message or a frame is copied.
    fn lock(&self) -> MutexGuard<'_, JitterBuffer> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters of the buffer, in samples at the session rate.
    pub(crate) fn counters(&self) -> JitterCounters {
        self.lock().counters()
    }
}

impl PcmIngress {
    /// Takes a message.
    ///
    /// # Errors
    /// [`IngressError`], after which the connection is closed.
    pub(crate) fn push(&mut self, message: &[u8]) -> Result<(), IngressError> {
        self.decoded.clear();
        self.resampled.clear();
        pcm::decode(message, &mut self.decoded)?;
        self.rate.process(&self.decoded, &mut self.resampled);
        let dropped = self.buffer.lock().push(&self.resampled);
        let dropped = Duration::from_secs_f64(dropped as f64 / f64::from(SAMPLE_RATE));
        if dropped > FLOOD { Err(IngressError::Flood(dropped)) } else { Ok(()) }
    }

    /// The buffer that the messages go to.
    pub(crate) fn buffer(&self) -> SharedJitterBuffer {
        self.buffer.clone()
    }
}

/// The sound device of the call. It is over once nobody takes what it sends.
pub(crate) struct SocketAudio {
    buffer: SharedJitterBuffer,
    packer: Packer,
    outbox: Outbox,
}

/// Sends the peer the events of the conversation.
pub(crate) struct EventSink {
    outbox: Outbox,
}

/// The queue of messages for the peer.
#[derive(Clone)]
struct Outbox {
    sender: Sender<Outgoing>,
    /// A message found no room, or the receiver is gone: the call is over.
    over: Arc<AtomicBool>,
}

impl Outbox {
    fn put(&self, message: Outgoing) {
        if self.sender.try_send(message).is_err() {
            self.over.store(true, Relaxed);
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }
}

/// The connection's end of the queue.
pub(crate) struct Inbox {
    receiver: Receiver<Outgoing>,
    over: Arc<AtomicBool>,
}

impl Inbox {
    /// The next message; none once the call is over.
    ///
    /// # Errors
    /// [`OutboxOverflow`]: a message was lost, so that what follows would not make sense.
    pub(crate) async fn next(&mut self) -> Result<Option<Outgoing>, OutboxOverflow> {
        let message = self.receiver.recv().await;
        if self.over.load(Relaxed) { Err(OutboxOverflow) } else { Ok(message) }
    }

    /// Closes the queue.
    pub(crate) fn close(&mut self) {
        self.receiver.close();
    }
}

/// The peer does not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("what is sent is not read")]
pub(crate) struct OutboxOverflow;

/// The sound device of a call and the connection's side of it, for a peer of `rate` samples per
/// second.
///
/// # Errors
/// The rate is not a valid sample rate.
pub(crate) fn socket_audio(
    rate: u32,
    lead: Duration,
) -> Result<(SocketAudio, EventSink, PcmIngress, Inbox), RateError> {
    let options = JitterOptions { lead, most: MOST_AHEAD, catch_up: true };
    let buffer = SharedJitterBuffer(Arc::new(Mutex::new(JitterBuffer::new(SAMPLE_RATE, options))));
    let (sender, receiver) = channel(OUTBOX);
    let over = Arc::<AtomicBool>::default();
    let inbox = Inbox { receiver, over: Arc::clone(&over) };
    let outbox = Outbox { sender, over };
    let ingress = PcmIngress {
        rate: Resampler::new(rate, SAMPLE_RATE)?,
        decoded: Vec::new(),
        resampled: Vec::new(),
        buffer: buffer.clone(),
    };
    let audio = SocketAudio { buffer, packer: Packer::new(rate)?, outbox: outbox.clone() };
    Ok((audio, EventSink { outbox }, ingress, inbox))
}

impl Acoustics for SocketAudio {
    fn exchange(
        &mut self,
        playout: &[f32; PLAYOUT_FRAME],
        microphone: &mut [f32; MICROPHONE_FRAME],
    ) -> Scene {
        self.buffer.lock().pull(microphone);
        let outbox = &self.outbox;
        self.packer.push(playout, &mut |message| outbox.put(Outgoing::Sound(message.into())));
        if outbox.is_over() { Scene::Over } else { Scene::Running }
    }
}

impl EventSink {
    /// Sends what the peer is to know of a step.
    pub(crate) fn see(&self, seen: SessionStep<'_>) {
        for event in seen.conversation().flat_map(captions) {
            match serde_json::to_string(&event) {
                Ok(text) => self.outbox.put(Outgoing::Text(text)),
                Err(error) => tracing::error!("a caption cannot be written: {error}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAD: Duration = Duration::from_millis(20);
    const SILENCE: [f32; PLAYOUT_FRAME] = [0.0; PLAYOUT_FRAME];
    const SOUND: [f32; PLAYOUT_FRAME] = [0.25; PLAYOUT_FRAME];

    fn hear(audio: &mut SocketAudio) -> f32 {
        let mut microphone = [f32::NAN; MICROPHONE_FRAME];
        audio.exchange(&SILENCE, &mut microphone);
        microphone[MICROPHONE_FRAME / 2]
    }

    #[test]
    fn what_the_peer_says_is_heard_and_silence_where_it_says_nothing() {
        let (mut audio, _events, mut ingress, _inbox) = socket_audio(16_000, LEAD).unwrap();
        assert_eq!(hear(&mut audio), 0.0);
        ingress.push(&[0x00, 0x40].repeat(320)).unwrap();
        let heard: Vec<f32> = (0..4).map(|_| hear(&mut audio)).collect();
        assert_eq!(heard, [0.5, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn a_peer_that_keeps_to_the_clock_is_never_a_flood() {
        let (mut audio, _events, mut ingress, _inbox) = socket_audio(8_000, LEAD).unwrap();
        for _ in 0..10_000 {
            ingress.push(&[0x00, 0x40].repeat(160)).unwrap();
            hear(&mut audio);
            hear(&mut audio);
        }
        assert_eq!(ingress.buffer().counters().dropped, 0);
    }

    #[test]
    fn a_file_sent_at_once_is_a_flood() {
        let (_audio, _events, mut ingress, _inbox) = socket_audio(16_000, LEAD).unwrap();
        let second = [0x00, 0x40].repeat(16_000);
        let taken = (0..60).take_while(|_| ingress.push(&second).is_ok()).count();
        assert_eq!(taken, 11, "one that is kept and ten that are dropped");
        let error = ingress.push(&second).unwrap_err();
        assert!(matches!(error, IngressError::Flood(_)), "{error}");
    }

    #[test]
    fn the_device_is_over_once_the_peer_does_not_read() {
        let (mut audio, events, _ingress, mut inbox) = socket_audio(16_000, LEAD).unwrap();
        let mut microphone = [0.0; MICROPHONE_FRAME];
        let frames = (0..1_000)
            .take_while(|_| audio.exchange(&SOUND, &mut microphone) == Scene::Running)
            .count();
        assert!((2 * OUTBOX..2 * OUTBOX + 4).contains(&frames), "{frames}");
        // The connection does not continue with what still waits.
        drop(events);
        let next = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert_eq!(next.block_on(inbox.next()).unwrap_err(), OutboxOverflow);
    }
}
