//! A call as it might have been, put together from clips: for looking at reports.

use std::path::Path;

use duplex_harness::report::{
    CallRecord, EventResult, Expect, Notice, Percentiles, Said, Spoken, Stage, Summary,
};

const RATE: u32 = duplex_core::SAMPLE_RATE;

fn clip(name: &str) -> Vec<f32> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("speech").join(name).with_extension("flac");
    let mut reader = claxon::FlacReader::open(path).expect("a clip of the repository");
    reader.samples().map(|sample| sample.expect("whole FLAC") as f32 / 32768.0).collect()
}

fn place(track: &mut [f32], at_ms: u64, clip: &[f32]) {
    let at = (at_ms * u64::from(RATE) / 1000) as usize;
    track[at..at + clip.len()].copy_from_slice(clip);
}

fn said(start_ms: u64, end_ms: u64, kind: &str, text: &str) -> Said {
    Said { start_ms, end_ms, text: text.into(), is_final: true, kind: kind.into() }
}

fn notice(at_ms: u64, kind: &str, detail: &str) -> Notice {
    Notice { at_ms, kind: kind.into(), detail: detail.into() }
}

fn event(
    id: &str,
    expect: Expect,
    outcome: &str,
    at_ms: u64,
    latency: Option<(u64, f64)>,
) -> EventResult {
    EventResult {
        id: id.into(),
        expect,
        outcome: outcome.into(),
        passed: true,
        at_ms,
        from_ms: latency.map(|(from, _)| from),
        latency_ms: latency.map(|(_, ms)| ms),
        detail: String::new(),
    }
}

fn stages(event_id: &str, ms: [f64; 6]) -> impl Iterator<Item = Stage> {
    let names =
        ["offset_detected", "recognised", "decided", "first_clause", "first_audio", "audible"];
    names.into_iter().zip(ms).map(move |(name, ms)| Stage {
        event_id: event_id.into(),
        name: name.into(),
        ms,
    })
}

/// Half a minute: a question, a backchannel, an interruption, a pause, a stop.
pub(crate) fn call() -> CallRecord {
    let mut user = vec![0.0; RATE as usize * 29];
    let mut assistant = user.clone();
    for (at_ms, name) in [
        (1000, "q01"),
        (5000, "b01"),
        (10_200, "i01"),
        (18_000, "p03a"),
        (21_165, "p03b"),
        (25_000, "s01"),
    ] {
        place(&mut user, at_ms, &clip(name));
    }
    let until = |mut clip: Vec<f32>, ms: usize| {
        clip.truncate(ms * RATE as usize / 1000);
        clip
    };
    place(&mut assistant, 3100, &clip("g01"));
    place(&mut assistant, 8700, &until(clip("g03"), 1820));
    place(&mut assistant, 12_740, &clip("g02"));
    place(&mut assistant, 23_800, &until(clip("g04"), 1510));
    for sample in &mut assistant[RATE as usize * 506 / 100..RATE as usize * 555 / 100] {
        *sample *= 0.35;
    }

    let news =
        "In the news tonight, the city council voted to build a new bridge across the river.";
    let train = "The train on platform four is delayed by approximately fifteen minutes.";
    let show = "Welcome back to the show. Our next guest has written a book about gardening.";
    let told = "And then she told him that the whole thing had been cancelled weeks ago.";
    let spoken = |turn, start_ms, end_ms, planned: &str, heard: &str, cut: Option<&str>| Spoken {
        turn,
        start_ms,
        end_ms,
        planned: planned.into(),
        heard: heard.into(),
        cut: cut.map(Into::into),
        resumed: false,
    };
    CallRecord {
        title: "Half a minute with Duplex".into(),
        rate: RATE,
        user,
        assistant,
        user_turns: vec![
            said(1000, 2480, "turn", "What is the capital of France?"),
            said(5000, 5541, "backchannel", "Uh-huh."),
            said(10_200, 12_032, "turn", "Wait, what about the weather in London?"),
            said(18_000, 20_165, "turn", "I need to buy some milk, some bread, and"),
            said(21_165, 23_107, "turn", "some eggs. Can you remind me later?"),
            said(25_000, 25_537, "turn", "Stop."),
        ],
        assistant_turns: vec![
            spoken(1, 3100, 8197, news, news, None),
            spoken(
                2,
                8700,
                10_520,
                train,
                "The train on platform four",
                Some("the user took the floor: \"Wait, what about\""),
            ),
            spoken(3, 12_740, 16_804, show, show, None),
            spoken(
                4,
                23_800,
                25_310,
                told,
                "And then she told him",
                Some("stop command: \"Stop.\""),
            ),
        ],
        notices: vec![
            notice(1040, "onset", "level -21 dB"),
            notice(1800, "partial", "What is the"),
            notice(2560, "offset", "80 ms of silence"),
            notice(2640, "prepared", "\"In the news tonight,\""),
            notice(2790, "final", "What is the capital of France?"),
            notice(2880, "end_of_turn", "0.97 after 400 ms"),
            notice(2900, "released", "turn 1"),
            notice(5040, "onset", "level -24 dB"),
            notice(5060, "duck", "turn 1"),
            notice(5500, "ignore", "backchannel: 541 ms, \"Uh-huh\""),
            notice(5550, "unduck", "turn 1"),
            notice(10_240, "onset", "level -20 dB"),
            notice(10_260, "duck", "turn 2"),
            notice(10_500, "cancel", "\"Wait, what about\""),
            notice(12_110, "offset", ""),
            notice(12_300, "final", "Wait, what about the weather in London?"),
            notice(12_420, "released", "turn 3"),
            notice(18_040, "onset", ""),
            notice(20_240, "offset", ""),
            notice(20_330, "prepared", "\"Sure.\""),
            notice(20_400, "hold", "0.01: a pause"),
            notice(21_200, "dropped", "the user goes on"),
            notice(23_190, "offset", ""),
            notice(23_480, "released", "turn 4"),
            notice(25_040, "onset", ""),
            notice(25_060, "duck", "turn 4"),
            notice(25_290, "cancel", "\"Stop\""),
        ],
        events: vec![
            event("question", Expect::Respond, "responded", 1000, Some((2480, 620.0))),
            event("uh-huh", Expect::Ignore, "went on", 5000, None),
            event("new question", Expect::Stop, "stopped", 10_200, Some((10_200, 320.0))),
            event("answer to it", Expect::Respond, "responded", 12_032, Some((12_032, 708.0))),
            event("pause", Expect::Wait, "waited", 20_165, None),
            event("reminder", Expect::Respond, "responded", 21_165, Some((23_107, 693.0))),
            event("stop", Expect::Stop, "stopped", 25_000, Some((25_000, 310.0))),
        ],
        stages: stages("question", [80.0, 310.0, 400.0, 440.0, 560.0, 620.0])
            .chain(stages("answer to it", [78.0, 268.0, 388.0, 520.0, 650.0, 708.0]))
            .chain(stages("reminder", [83.0, 300.0, 373.0, 500.0, 640.0, 693.0]))
            .collect(),
        passed: true,
        summary: Summary {
            response_latency_ms: Percentiles::of(&[620.0, 708.0, 693.0]),
            stop_latency_ms: Percentiles::of(&[320.0, 310.0]),
            rss_mb: 612.0,
            ready_ms: 2140.0,
            machine: "an invented machine, 2 cores".into(),
        },
        counters: [("windows_coalesced".to_owned(), 3), ("overruns".to_owned(), 0)].into(),
    }
}
