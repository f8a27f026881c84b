//! The stream of events to a reader who may be slow.

use std::{sync::mpsc, thread};

use duplex_core::{ConversationEvent as Event, Shown};
use duplex_runtime::{EventReader, Stop, WhenFull, event_queue};

fn shown(number: u64) -> Shown {
    Shown { at_ms: number, event: Event::UserIdle { silence_ms: number, times: 1 } }
}

fn lost(at_ms: u64, events: u64) -> Shown {
    Shown { at_ms, event: Event::Lost { events } }
}

fn ended(at_ms: u64) -> Shown {
    Shown { at_ms, event: Event::CallEnded }
}

fn rest(reader: EventReader) -> Vec<Shown> {
    reader.collect()
}

#[test]
fn a_reader_that_never_reads_loses_events_and_is_told_how_many() {
    let (mut writer, reader) = event_queue(3, WhenFull::Lose);
    (0..10).for_each(|number| writer.put(shown(number)));
    writer.put(ended(10));
    drop(writer);
    assert_eq!(rest(reader), [shown(0), shown(1), shown(2), lost(3, 7), ended(10)]);
}

#[test]
fn what_was_lost_is_counted_where_it_is_missing() {
    let (mut writer, mut reader) = event_queue(2, WhenFull::Lose);
    (0..4).for_each(|number| writer.put(shown(number)));
    let begin: Vec<_> = reader.by_ref().take(2).collect();
    assert_eq!(begin, [shown(0), shown(1)]);
    writer.put(shown(4));
    writer.put(shown(5));
    drop(writer);
    assert_eq!(rest(reader), [lost(2, 2), shown(4), lost(5, 1)]);
}

#[test]
fn every_event_is_read_or_counted_as_lost() {
    let (mut writer, reader) = event_queue(4, WhenFull::Lose);
    let reading = thread::spawn(move || rest(reader));
    (0..10_000).for_each(|number| writer.put(shown(number)));
    drop(writer);
    let read = reading.join().unwrap();
    let mut next = 0;
    for Shown { event, .. } in read {
        match event {
            Event::UserIdle { silence_ms, .. } => {
                assert_eq!(silence_ms, next);
                next += 1;
            }
            Event::Lost { events } => next += events,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(next, 10_000);
}

#[test]
fn a_writer_that_waits_loses_nothing() {
    let (mut writer, reader) = event_queue(2, WhenFull::Wait(Stop::default()));
    let writing = thread::spawn(move || (0..1_000).for_each(|number| writer.put(shown(number))));
    assert_eq!(rest(reader), (0..1_000).map(shown).collect::<Vec<_>>());
    writing.join().unwrap();
}

#[test]
fn a_writer_that_waits_goes_on_once_the_call_is_stopped() {
    let stop = Stop::default();
    let (mut writer, reader) = event_queue(1, WhenFull::Wait(stop.clone()));
    let (begun, begins) = mpsc::channel();
    let writing = thread::spawn(move || {
        writer.put(shown(0));
        begun.send(()).unwrap();
        writer.put(shown(1));
    });
    begins.recv().unwrap();
    stop.stop();
    writing.join().unwrap();
    assert_eq!(rest(reader), [shown(0), lost(1, 1)]);
}

#[test]
fn nobody_waits_for_a_reader_that_is_gone() {
    for when_full in [WhenFull::Lose, WhenFull::Wait(Stop::default())] {
        let (mut writer, reader) = event_queue(1, when_full);
        writer.put(shown(0));
        drop(reader);
        (1..100).for_each(|number| writer.put(shown(number)));
    }
}

#[test]
fn a_stream_is_over_once_its_last_event_was_read() {
    let (mut writer, mut reader) = event_queue(2, WhenFull::Lose);
    assert!(reader.try_next().is_none() && !reader.is_over());
    writer.put(ended(1));
    drop(writer);
    assert!(!reader.is_over());
    assert_eq!(reader.try_next(), Some(ended(1)));
    assert!(reader.is_over() && reader.next().is_none());
}
