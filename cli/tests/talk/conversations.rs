use duplex_audio::Clip;
use duplex_core::{ConversationEvent as Event, UserKind};

use crate::talk::Desk;

#[test]
fn without_headphones_it_answers_the_user_and_not_itself_and_is_interrupted() {
    // Not one word alone: of five such, one was not obeyed while both sides spoke (docs/measurements-audio.md).
    let user =
        [("q02", "start_ms = 1500"), ("s03", "speaking_ms = 2500"), ("q01", "after_ms = 4000")];
    let desk = Desk::new("-12", &user);
    let mut talk = desk.talk(&["--record", "call.flac", "--transcript", "call"]);
    let (_, cut) = talk.reply();
    assert!(cut, "the user said stop");
    let (heard, cut) = talk.reply();
    assert!(heard.contains("Paris") && !cut, "{heard}");
    // Nothing of what the loudspeaker played was taken for the user, not even in the first seconds of the call.
    let turns = talk.turns(UserKind::Turn);
    assert_eq!(turns.len(), 2, "{turns:?}");
    assert_eq!(talk.turns(UserKind::Stop).len(), 1, "{:#?}", talk.seen());
    let cuts = talk.seen().iter().filter(|it| matches!(it.event, Event::ReplyCancelled { .. }));
    assert_eq!(cuts.count(), 1);

    desk.ctl("end");
    let folder = desk.server.folder().to_owned();
    let (exit, log, shown) = talk.end();
    assert_eq!(exit, Some(0), "{log}");
    assert!(matches!(shown.last().unwrap().event, Event::CallEnded));
    let page = std::fs::read_to_string(folder.join("call.md")).unwrap();
    assert!(page.contains("**You**") && page.contains("~~"), "{page}");
    let recording = Clip::read(folder.join("call.flac")).unwrap();
    let [microphone, loudspeaker] = &recording.channels[..] else { panic!("two sides") };
    let loudest = |side: &[f32]| side.iter().fold(0f32, |loudest, x| loudest.max(x.abs()));
    assert!(loudest(microphone) > 0.1 && loudest(loudspeaker) > 0.1);
}

#[test]
fn a_disk_that_is_full_ends_the_recording_and_not_the_call() {
    let desk = Desk::new("-20", &[]);
    let mut talk = desk.talk_with_files_of(64, &["--microphone", "none", "--record", "call.flac"]);
    talk.wait("the call", |event| matches!(event, Event::CallStarted { .. }).then_some(()));
    let tale = "Once upon a time there was a dog, and it lived in a small house by the sea.";
    for _ in 0..2 {
        desk.ctl(&format!("say {tale}"));
        assert_eq!(talk.reply().0.trim(), tale);
    }
    desk.ctl("end");
    let (exit, log, _) = talk.end();
    assert_eq!(exit, Some(0), "{log}");
    assert!(
        log.contains("call.flac: the recording ended") && log.contains("call goes on"),
        "{log}"
    );
}

#[test]
fn a_conversation_goes_on_where_it_was_saved() {
    let desk = Desk::new("-20", &[]);
    let mut first = desk.talk(&["--microphone", "none", "--transcript", "first"]);
    first.wait("the call", |event| matches!(event, Event::CallStarted { .. }).then_some(()));
    desk.ctl("text What is the capital of France?");
    let (heard, _) = first.reply();
    desk.ctl("end");
    assert_eq!(first.end().0, Some(0));

    let again = ["--microphone", "none", "--continue", "first.json", "--transcript", "second"];
    let mut second = desk.talk(&again);
    second.wait("the call", |event| matches!(event, Event::CallStarted { .. }).then_some(()));
    desk.ctl("say Goodbye.");
    assert_eq!(second.reply().0.trim(), "Goodbye.");
    second.interrupt();
    assert_eq!(second.end().0, Some(0));
    let page = std::fs::read_to_string(desk.server.folder().join("second.md")).unwrap();
    let place = |words: &str| page.find(words.trim()).unwrap_or_else(|| panic!("{words}: {page}"));
    assert!(place("What is the capital of France?") < place(&heard), "{page}");
    assert!(place(&heard) < place("Goodbye."), "{page}");
}
